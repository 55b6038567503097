"""Masks of nodules grown from their annotated centres, where nobody has drawn them.

The rule is that of *Deep Learning with PyTorch*, part 2. Along each axis the box's half-width starts
at 2 voxels and grows by one while the voxels at that distance on both sides of the centre are above
−700 HU; the mask is what lies above −700 HU in the box. How good such masks are is measured in
docs/nodule_masks.md. MONAI has no transform that grows a region from points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError

__all__ = ["half_widths_vox", "nodule_mask"]

# Deep Learning with PyTorch, part 2: what is denser than air-filled lung, and the first radius.
AIR_HU = -700
FIRST_RADIUS_VOX = 2
# A mask is uint8.
MOST_NODULES = 255


def nodule_mask(
    hu: NDArray[np.number[Any]],
    centers_vox: ArrayLike,
    *,
    instances: bool = False,
    spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
) -> NDArray[np.uint8]:
    """The mask of all nodules of a scan.

    Args:
        hu: three-dimensional, Hounsfield units.
        centers_vox: (N, 3) float in the order of `hu`'s axes; each is rounded to a voxel.
        instances: number the nodules from 1 in their order; a voxel in several boxes goes to the
            nearest centre. Otherwise every nodule is 1.
        spacing_mm: along `hu`'s axes; decides what is nearest.

    Returns:
        uint8 of `hu`'s shape.

    Raises:
        DataError: a centre lies outside the scan, or there are more nodules than numbers.
    """
    centers = _voxels_of(centers_vox, hu.shape)
    mask = np.zeros(hu.shape, dtype=np.uint8)
    for number, (center, widths) in enumerate(zip(centers, half_widths_vox(hu, centers), strict=True), 1):
        low = np.maximum(center - widths, 0)
        box = tuple(slice(a, b) for a, b in zip(low, center + widths + 1, strict=True))
        taken = hu[box] > AIR_HU
        if instances:
            taken &= ~_nearer_to_another(mask[box], low, number, centers * np.asarray(spacing_mm), spacing_mm)
        mask[box][taken] = number if instances else 1
    return mask


def half_widths_vox(hu: NDArray[np.number[Any]], centers_vox: NDArray[np.int64]) -> NDArray[np.int64]:
    """How far each box reaches from its centre along each axis, on both sides.

    It is the first distance from 2 up at which a voxel is not above −700 HU; what lies outside the
    scan counts as air. So the box may reach over the scan's border, where it is cut.

    Args:
        hu: three-dimensional, Hounsfield units.
        centers_vox: (N, 3) int, inside the scan.

    Returns:
        (N, 3) int, at least 2.
    """
    return np.stack([_half_widths_along(hu, centers_vox, axis) for axis in range(3)], axis=1)


def _half_widths_along(
    hu: NDArray[np.number[Any]], centers: NDArray[np.int64], axis: int
) -> NDArray[np.int64]:
    """(N,) int: for all nodules and all distances at once."""
    size = hu.shape[axis]
    others = [centers[:, other, None] for other in range(3) if other != axis]
    lines = np.moveaxis(hu, axis, 2)[*(index[:, 0] for index in others)] > AIR_HU
    # The outermost distance leaves the scan on both sides, so that every search ends.
    distances = np.arange(FIRST_RADIUS_VOX, size + FIRST_RADIUS_VOX)
    both = np.ones((len(centers), len(distances)), dtype=bool)
    for places in (centers[:, axis, None] - distances, centers[:, axis, None] + distances):
        inside = (places >= 0) & (places < size)
        both &= inside & np.take_along_axis(lines, places.clip(0, size - 1), axis=1)
    widths: NDArray[np.int64] = FIRST_RADIUS_VOX + (~both).argmax(axis=1)
    return widths


def _voxels_of(centers_vox: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int64]:
    centers = np.asarray(centers_vox, dtype=np.float64).reshape(-1, 3).round()
    if len(centers) > MOST_NODULES:
        raise DataError(
            f"a scan has {len(centers)} nodules",
            wanted=f"at most {MOST_NODULES}",
            do="Look whether candidates were given as nodules.",
        )
    inside = ((centers >= 0) & (centers < np.array(shape))).all(axis=1)
    if not inside.all():
        number = int(inside.argmin())
        place = ", ".join(f"{index:g}" for index in centers[number])
        raise DataError(
            f"nodule {number + 1} has its centre at voxel ({place})",
            wanted=f"a place inside the scan of shape {tuple(shape)}",
            do="Look whether the nodules belong to this series and are in LPS mm.",
        )
    return centers.astype(np.int64)


def _nearer_to_another(
    box: NDArray[np.uint8],
    low: NDArray[np.int64],
    number: int,
    centers_mm: NDArray[np.float64],
    spacing_mm: Sequence[float],
) -> NDArray[np.bool_]:
    """Voxels of a box that have a number already and are no farther from that centre than from this."""
    kept = box > 0
    places_mm = (np.argwhere(kept) + low) * np.asarray(spacing_mm)
    to_this = np.linalg.norm(places_mm - centers_mm[number - 1], axis=1)
    to_other = np.linalg.norm(places_mm - centers_mm[box[kept] - 1], axis=1)
    kept[kept] = to_other <= to_this
    return kept
