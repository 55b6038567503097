"""The samples with the highest loss of an epoch, as small pictures."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.utils.enums import CommonKeys
from numpy.typing import NDArray
from torch import Tensor

from .colours import coloured, gray
from .counts import logits_of

__all__ = ["Example", "Worst"]

# Rows and columns around a label that a picture shows, voxels.
FIELD = 128


@dataclass(frozen=True)
class Example:
    """A sample and its answer.

    Args:
        loss: of the sample.
        name: its id.
        answer: probability and label in words.
        panels: (3, rows, columns, 3) uint8 RGB: three planes of a crop, or slice, label and prediction.
    """

    loss: float
    name: str
    answer: str
    panels: NDArray[np.uint8]


class Worst:
    """Keeps the samples with the highest loss; those that are not finite are the worst.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        # The second entry makes the order of equal losses that of their arrival.
        self._kept: list[tuple[float, int, Example]] = []
        self._seen = 0

    def add_batch(self, losses: Tensor, batch: dict[str, Any], output: dict[str, Tensor]) -> None:
        """Look at a batch.

        Args:
            losses: (B,).
            batch: with `id`.
            output: with `image`, `label` and `pred`.
        """
        for index, loss in enumerate(losses.tolist()):
            loss = loss if np.isfinite(loss) else float("inf")
            if self._has_room_for(loss):
                one = {key: value[index] for key, value in output.items() if key in _SHOWN}
                self.add([_example(loss, str(batch["id"][index]), one)])

    def _has_room_for(self, loss: float) -> bool:
        return len(self._kept) < self.most or bool(self._kept and loss > self._kept[0][0])

    def add(self, examples: Iterable[Example]) -> None:
        """Look at examples that were made already."""
        for example in examples:
            self._seen += 1
            heapq.heappush(self._kept, (example.loss, -self._seen, example))
            if len(self._kept) > self.most:
                heapq.heappop(self._kept)

    def examples(self) -> list[Example]:
        """The worst first."""
        return [example for _, _, example in sorted(self._kept, key=lambda kept: kept[:2], reverse=True)]


_SHOWN = (CommonKeys.IMAGE, CommonKeys.LABEL, CommonKeys.PRED)


def _example(loss: float, name: str, one: dict[str, Tensor]) -> Example:
    image = one[CommonKeys.IMAGE].detach().float().cpu().numpy()
    logits, positive = logits_of(one[CommonKeys.PRED][None], one[CommonKeys.LABEL][None])
    if one[CommonKeys.LABEL].ndim == 0:
        said = f"P(1) {float(torch.sigmoid(logits)):.3f}, label {int(one[CommonKeys.LABEL])}"
        return Example(loss, name, said, _planes(image[0]))
    shape = image.shape[1:]
    label, marked = (flat.cpu().numpy().reshape(shape) for flat in (positive[0], logits[0] > 0))
    found, false = (label & marked).sum(), (marked & ~label).sum()
    said = f"label {label.sum()} voxels, found {found}, false {false}"
    return Example(loss, name, said, _views(image[len(image) // 2], label, marked))


def _planes(crop_hu: NDArray[Any]) -> NDArray[np.uint8]:
    """The middle axial, coronal and sagittal plane of (slices, rows, columns), feet at the bottom."""
    z, y, x = (size // 2 for size in crop_hu.shape)
    planes = [gray(plane) for plane in (crop_hu[z], crop_hu[::-1, y], crop_hu[::-1, :, x])]
    side = max(size for plane in planes for size in plane.shape[:2])
    return np.stack([_padded(plane, side) for plane in planes])


def _views(image_hu: NDArray[Any], label: NDArray[np.bool_], marked: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Slice, label and prediction, around the label; around what was marked where there is none."""
    shown = label if label.any() else marked
    middle = np.argwhere(shown).mean(0) if shown.any() else np.array(label.shape) / 2
    first = np.clip(middle.astype(int) - FIELD // 2, 0, np.maximum(np.array(label.shape) - FIELD, 0))
    rows, columns = (slice(start, start + FIELD) for start in first)
    image_hu, label, marked = (array[rows, columns] for array in (image_hu, label, marked))
    return np.stack([gray(image_hu), coloured(image_hu, label), coloured(image_hu, label, marked)])


def _padded(plane: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    lacking = [side - size for size in plane.shape[:2]]
    return np.pad(plane, [*((lack // 2, lack - lack // 2) for lack in lacking), (0, 0)])
