"""Grey slices with right and wrong voxels in colour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...networks.shapes import HU_LIMIT

__all__ = ["FALSE", "HIT", "MISS", "coloured", "gray"]

# Deep Learning with PyTorch, part 2: true positives green, false positives red, false negatives orange.
HIT, FALSE, MISS = (0, 255, 0), (255, 0, 0), (255, 128, 0)
# How much of a colour covers the grey beneath it.
_COVER = 0.5

Mask = NDArray[np.bool_]


def gray(image_hu: NDArray[Any]) -> NDArray[np.uint8]:
    """A slice in grey, as RGB: (rows, columns, 3) uint8; black is −1000 HU and white 1000 HU."""
    share = np.clip(image_hu.astype(np.float32), -HU_LIMIT, HU_LIMIT) / (2 * HU_LIMIT) + 0.5
    return np.repeat((share * 255).round().astype(np.uint8)[..., None], 3, axis=-1)


def coloured(image_hu: NDArray[Any], label: Mask, marked: Mask | None = None) -> NDArray[np.uint8]:
    """A slice with what was found green, wrongly marked red, and missed orange.

    Args:
        image_hu: (rows, columns).
        label: what should be marked.
        marked: what the network marked; None shows the label alone, in green.

    Returns:
        (rows, columns, 3) uint8.
    """
    image = gray(image_hu)
    marked = label if marked is None else marked
    for where, colour in ((label & marked, HIT), (marked & ~label, FALSE), (label & ~marked, MISS)):
        image[where] = ((1 - _COVER) * image[where] + _COVER * np.array(colour)).round()
    return image
