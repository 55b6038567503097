"""What every transform that makes a mask for a scan needs: the scan checked, the mask in its geometry."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.utils.type_conversion import convert_to_dst_type
from numpy.typing import NDArray

from ..errors import DataError, SettingsError

__all__ = ["like_image", "one_key", "scan_image"]

# A scan spans some thousand Hounsfield units, scaled intensities a few units.
SCALED_RANGE = 20.0
_DO = "Load it with lungmonai.io.CTReader, channel first, and make masks before intensities are scaled."


def scan_image(image: Any) -> MetaTensor:
    """The image, if it is one that a mask can be made for.

    Raises:
        DataError: it is no MetaTensor of shape (1, columns, rows, slices) in HU.
    """
    if not isinstance(image, MetaTensor) or image.ndim != 4 or image.shape[0] != 1:
        raise DataError(
            f"the image is a {type(image).__name__} of shape {tuple(getattr(image, 'shape', ()))}",
            wanted="a MetaTensor of shape (1, columns, rows, slices)",
            do=_DO,
        )
    # NumPy's, since torch takes half a second for it where the axes are turned.
    values = image.numpy(force=True)
    low, high = float(values.min()), float(values.max())
    if 0 < high - low < SCALED_RANGE:
        raise DataError(f"the image's values lie in {low:g} to {high:g}", wanted="Hounsfield units", do=_DO)
    return image


def like_image(labels: NDArray[np.uint8], image: MetaTensor) -> MetaTensor:
    """Labels of a scan's shape as (1, columns, rows, slices) uint8 with the image's geometry."""
    mask: MetaTensor = convert_to_dst_type(labels[None], image, dtype=torch.uint8)[0]
    return mask


def one_key(keys: Sequence[Hashable]) -> Hashable:
    """The only key.

    Raises:
        SettingsError: there are none or several.
    """
    if len(keys) != 1:
        raise SettingsError(
            f"a mask was asked for of {len(keys)} images",
            wanted="the key of one image",
            do="Use one transform for each image.",
        )
    return keys[0]
