"""Classify the crops around candidates."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..io.hounsfield import AIR_HU
from ..networks.shapes import CROP_SHAPE
from .engine import Runner

__all__ = ["classify_crops", "crop_starts"]


def crop_starts(centers_vox: NDArray[np.int64], shape: tuple[int, int, int]) -> NDArray[np.int64]:
    """First voxel of the crop around each centre, shifted inward at the volume's border.

    Args:
        centers_vox: (N, 3) int, (slice, row, column).
        shape: of the volume; a volume smaller than a crop gives 0.

    Returns:
        (N, 3) int.
    """
    crop = np.asarray(CROP_SHAPE)
    last = np.maximum(np.asarray(shape) - crop, 0)
    starts: NDArray[np.int64] = np.clip(centers_vox - crop // 2, 0, last)
    return starts


def classify_crops(
    hu: NDArray[np.int16],
    centers_vox: NDArray[np.int64],
    run: Runner,
    *,
    crops_per_call: int,
    progress: Callable[[int, int], None],
) -> NDArray[np.float32]:
    """Probability of class 1 for the crop around each centre.

    Centres with the same crop are classified once.

    Args:
        hu: (slices, rows, columns) int16.
        centers_vox: (N, 3) int, (slice, row, column).
        run: a prepared `CropClassifier`.
        crops_per_call: crops per block; the last block repeats its last crop to be full.
        progress: called with crops done and crops in all.

    Returns:
        (N,) float32.
    """
    if not len(centers_vox):
        return np.zeros(0, dtype=np.float32)
    volume = _at_least_a_crop(hu)
    starts, which = np.unique(crop_starts(centers_vox, hu.shape), axis=0, return_inverse=True)
    answers = np.empty(len(starts), dtype=np.float32)
    done = 0
    for answer in run(_blocks(volume, starts, crops_per_call)):
        count = min(len(answer), len(starts) - done)
        answers[done : done + count] = answer[:count]
        done += count
        progress(done, len(starts))
    return answers[which.reshape(-1)]


def _at_least_a_crop(hu: NDArray[np.int16]) -> NDArray[np.int16]:
    lacking = [(0, max(0, crop - size)) for crop, size in zip(CROP_SHAPE, hu.shape, strict=True)]
    return np.pad(hu, lacking, constant_values=AIR_HU) if any(after for _, after in lacking) else hu


def _blocks(hu: NDArray[np.int16], starts: NDArray[np.int64], count: int) -> Iterator[NDArray[np.int16]]:
    # One buffer: a runner has read a block before it asks for the next.
    block = np.empty((count, 1, *CROP_SHAPE), dtype=np.int16)
    for first in range(0, len(starts), count):
        wanted = starts[first : first + count]
        for place in range(count):
            corner = wanted[min(place, len(wanted) - 1)]
            cut = tuple(slice(at, at + size) for at, size in zip(corner, CROP_SHAPE, strict=True))
            block[place, 0] = hu[cut]
        yield block
