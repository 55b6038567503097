"""Classify the crops around candidates."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.even_crop import even_crop
from ..io.hounsfield import AIR_HU
from ..io.scan import CTScan
from ..networks.shapes import CROP_SHAPE
from .engine import Runner

__all__ = ["classify_crops", "crop_places", "crop_starts"]

Spacing = tuple[float, float, float]


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
    scan: CTScan,
    centers_vox: NDArray[np.floating],
    run: Runner,
    *,
    crop_spacing_mm: Spacing | None,
    crops_per_call: int,
    progress: Callable[[int, int], None],
) -> NDArray[np.float32]:
    """Probability of class 1 for the crop around each centre.

    Centres with the same crop are classified once.

    Args:
        scan: to cut from.
        centers_vox: (N, 3) float, (slice, row, column).
        run: a prepared `CropClassifier`.
        crop_spacing_mm: what the classifier's `ModelFile` says; None cuts the scan's own voxels.
        crops_per_call: crops per block; the last block repeats its last crop to be full.
        progress: called with crops done and crops in all.

    Returns:
        (N,) float32.
    """
    if not len(centers_vox):
        return np.zeros(0, dtype=np.float32)
    places, cut = crop_places(scan, centers_vox, crop_spacing_mm)
    places, which = np.unique(places, axis=0, return_inverse=True)
    answers = np.empty(len(places), dtype=np.float32)
    done = 0
    for answer in run(_blocks(cut, places, crops_per_call)):
        count = min(len(answer), len(places) - done)
        answers[done : done + count] = answer[:count]
        done += count
        progress(done, len(places))
    return answers[which.reshape(-1)]


def crop_places(
    scan: CTScan, centers_vox: NDArray[np.floating], crop_spacing_mm: Spacing | None
) -> tuple[NDArray[Any], Callable[[NDArray[Any]], NDArray[np.int16]]]:
    """Where the crops around centres lie, and what cuts the crop at one of these places.

    Args:
        scan: to cut from.
        centers_vox: (N, 3) float, (slice, row, column).
        crop_spacing_mm: between slices, rows and columns of a crop. None cuts the scan's own voxels, and
            then centres are rounded.

    Returns:
        (N, 3), equal where crops are equal; and a function from one of them to (32, 48, 48) int16 HU,
        which may be a view of the scan.
    """
    if crop_spacing_mm is None:
        starts = crop_starts(np.round(centers_vox).astype(np.int64), scan.shape)
        return starts, partial(_own_voxels, _at_least_a_crop(scan.hu))
    return centers_vox, partial(_even, scan, crop_spacing_mm)


def _at_least_a_crop(hu: NDArray[np.int16]) -> NDArray[np.int16]:
    lacking = [(0, max(0, crop - size)) for crop, size in zip(CROP_SHAPE, hu.shape, strict=True)]
    return np.pad(hu, lacking, constant_values=AIR_HU) if any(after for _, after in lacking) else hu


def _own_voxels(hu: NDArray[np.int16], start_vox: NDArray[np.int64]) -> NDArray[np.int16]:
    z, y, x = start_vox.tolist()
    slices, rows, columns = CROP_SHAPE
    return hu[z : z + slices, y : y + rows, x : x + columns]


def _even(scan: CTScan, crop_spacing_mm: Spacing, center_vox: NDArray[np.floating]) -> NDArray[np.int16]:
    placed = even_crop(center_vox, scan.shape, scan.spacing_mm[::-1], crop_spacing_mm)
    return placed.sampled(scan.hu[placed.box])


def _blocks(
    cut: Callable[[NDArray[Any]], NDArray[np.int16]], places: NDArray[Any], count: int
) -> Iterator[NDArray[np.int16]]:
    # One buffer: a runner has read a block before it asks for the next.
    block = np.empty((count, 1, *CROP_SHAPE), dtype=np.int16)
    for first in range(0, len(places), count):
        wanted = places[first : first + count]
        for place in range(count):
            block[place, 0] = cut(wanted[min(place, len(wanted) - 1)])
        yield block
