"""Where the lungs are: a coarse mask that says left, right or outside.

A threshold and shapes, no network: it only has to tell lung from body wall, abdomen and table.
It errs on the generous side, since what it leaves out is not looked at with `region="lungs"`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from ..io.scan import CTScan
from ..nodule import LOCATIONS

__all__ = ["LungMask", "find_lungs"]

# Half-way between aerated lung (about −850 HU) and soft tissue (about 50 HU).
_AIR_HU = -400
# A coarse voxel: fine enough for the pleura, coarse enough to cost a fraction of a second.
_COARSE_MM = 4.0
# What is outside the body reaches the image's edge with far more of its voxels than a lung that
# a narrow field of view cuts.
_EDGE_SHARE = 0.01
# Smaller pockets of air are bowel, stomach or trachea; an adult's lung holds litres.
_SMALLEST_LUNG_ML = 150.0
# The thin bridge of trachea and main bronchi between the lungs breaks within this many steps.
_MOST_EROSIONS = 6
# The middles of two adult lungs are some 130 mm apart; those of one lung's lobes are not.
_LEAST_APART_MM = 70.0
# A part counts as a lung when it is at least this share of the largest.
_LUNG_SHARE = 0.1
# Nodules on the pleura lie just outside the air.
_MARGIN_VOXELS = 2
# A coarse voxel and the blurred rim of a nodule lie between its voxels and the air.
_REACH_MM = 4.0
_LEFT, _RIGHT = 1, 2


@dataclass(frozen=True)
class LungMask:
    """Lungs on a coarse grid.

    Args:
        labels: (slices, rows, columns) uint8 on the coarse grid: 0 where no lung nodule can be,
            1 in or about the left lung, 2 the right. Generous: the hull of each lung's slices.
        air_mm: (slices, rows, columns) float32 on the coarse grid, distance to the lungs' air.
        step: scan voxels per coarse voxel, (slices, rows, columns).
        note: what is unusual, or empty.
    """

    labels: NDArray[np.uint8]
    air_mm: NDArray[np.float32]
    step: tuple[int, int, int]
    note: str = ""

    @property
    def found(self) -> bool:
        """Whether there is any lung."""
        return bool(self.labels.any())

    def locations(self, vox: NDArray[np.float64], radius_mm: NDArray[np.float64]) -> list[str]:
        """Where each ball lies, one of `LOCATIONS` each: in a lung if it reaches the lung's air.

        Args:
            vox: (N, 3) float, centres as (slice, row, column) in the scan.
            radius_mm: (N,) float.
        """
        places = self._places(vox)
        reaches = self.air_mm[places] <= radius_mm + _REACH_MM
        names = {_LEFT: LOCATIONS[0], _RIGHT: LOCATIONS[1], 0: LOCATIONS[2]}
        return [names[int(label)] for label in np.where(reaches, self.labels[places], 0)]

    def inside(self, vox: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether a lung nodule can be at each point.

        Args:
            vox: (N, 3) float, (slice, row, column) in the scan.
        """
        return self.labels[self._places(vox)] > 0

    def box(self, shape: tuple[int, int, int]) -> tuple[tuple[int, int], ...] | None:
        """(start, stop) of slices, rows and columns that hold the lungs; None without lungs.

        Args:
            shape: of the scan.
        """
        found = ndimage.find_objects((self.labels > 0).astype(np.uint8))
        if not found:
            return None
        return tuple(
            (part.start * step, min(part.stop * step, size))
            for part, step, size in zip(found[0], self.step, shape, strict=True)
        )

    def _places(self, vox: NDArray[np.float64]) -> tuple[NDArray[np.int64], ...]:
        places = np.round(np.asarray(vox) / self.step).astype(np.int64)
        return tuple(places.clip(0, np.asarray(self.labels.shape) - 1).T)


def find_lungs(scan: CTScan) -> LungMask:
    """Find the lungs of a scan in canonical orientation.

    Returns:
        The mask; empty, with a note, if nothing looks like a lung.
    """
    step = _coarse_step(scan)
    hu = scan.hu[:: step[0], :: step[1], :: step[2]]
    voxel_ml = float(np.prod(scan.spacing_mm)) * float(np.prod(step)) / 1000
    air = _lung_air(hu < _AIR_HU, _SMALLEST_LUNG_ML / voxel_ml)
    if not air.any():
        note = "No lungs were found: the whole scan was looked at, and every position is marked as outside."
        far = np.full(hu.shape, np.inf, np.float32)
        return LungMask(np.zeros(hu.shape, np.uint8), far, step, note)
    sides = _two_sides(air, _midline(hu), _LEAST_APART_MM / (step[2] * scan.spacing_mm[0]))
    labels = np.zeros(hu.shape, np.uint8)
    # The left is filled last: where hulls overlap, in front of the heart, it reaches further.
    for side in (_RIGHT, _LEFT):
        labels[_with_margin(_hulls(sides == side))] = side
    labels[air] = sides[air]
    note = "" if {_LEFT, _RIGHT} <= set(np.unique(sides)) else "Only one lung was found."
    return LungMask(labels, _distance_mm(air, scan, step), step, note)


def _distance_mm(air: NDArray[np.bool_], scan: CTScan, step: tuple[int, int, int]) -> NDArray[np.float32]:
    x, y, z = scan.spacing_mm
    sampling = (z * step[0], y * step[1], x * step[2])
    distance: NDArray[np.float32] = ndimage.distance_transform_edt(~air, sampling=sampling).astype(np.float32)
    return distance


def _coarse_step(scan: CTScan) -> tuple[int, int, int]:
    x, y, z = (max(1, round(_COARSE_MM / spacing)) for spacing in scan.spacing_mm)
    return z, y, x


def _lung_air(air: NDArray[np.bool_], smallest: float) -> NDArray[np.bool_]:
    """Air inside the body, in pieces as large as a lung."""
    labels, count = ndimage.label(air)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    edge = np.zeros(air.shape, np.bool_)
    edge[:, [0, -1], :] = edge[:, :, [0, -1]] = True
    on_edge = np.bincount(labels[edge], minlength=count + 1)
    keep = (sizes >= smallest) & (on_edge <= _EDGE_SHARE * sizes)
    keep[0] = False
    if keep.any():
        keep &= sizes >= _LUNG_SHARE * sizes[keep].max()
    kept: NDArray[np.bool_] = keep[labels]
    return kept


def _midline(hu: NDArray[np.int16]) -> float:
    """Column of the body's middle: where half of its dense tissue lies on either side."""
    tissue = np.cumsum((hu > _AIR_HU).sum(axis=(0, 1)))
    return float(np.searchsorted(tissue, tissue[-1] / 2))


def _two_sides(air: NDArray[np.bool_], midline: float, apart: float) -> NDArray[np.uint8]:
    """1 for the left lung's air, 2 for the right's; columns run towards the left.

    The parts that erosion leaves are two lungs only if they lie on both sides of the body's
    middle and some columns apart: the lobes of a single lung part as well.
    """
    depth = ndimage.distance_transform_cdt(air, metric="chessboard")
    for erosions in range(_MOST_EROSIONS + 1):
        labels, count = ndimage.label(depth > erosions)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        sizes[0] = 0
        large = np.flatnonzero(sizes >= max(1, _LUNG_SHARE * sizes.max()))
        columns = _mean_columns(labels)[large]
        if np.ptp(columns) > apart and columns.min() < midline < columns.max():
            return _nearest_side(air, labels, large, columns > midline)
    left = np.argwhere(air)[:, 2].mean() > midline
    return np.where(air, _LEFT if left else _RIGHT, 0).astype(np.uint8)


def _mean_columns(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Mean column of each label's voxels; 0 for a label without any."""
    flat = np.flatnonzero(labels)
    numbers, columns = labels.reshape(-1)[flat], flat % labels.shape[2]
    means: NDArray[np.float64] = np.bincount(numbers, columns) / np.bincount(numbers).clip(1)
    return means


def _nearest_side(
    air: NDArray[np.bool_],
    labels: NDArray[np.int32],
    large: NDArray[np.int64],
    left: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Give each voxel of air the side of the nearest large part."""
    side = np.zeros(labels.max() + 1, np.uint8)
    side[large] = np.where(left, _LEFT, _RIGHT)
    seeds = side[labels]
    nearest = ndimage.distance_transform_cdt(
        seeds == 0, metric="chessboard", return_distances=False, return_indices=True
    )
    sides: NDArray[np.uint8] = np.where(air, seeds[tuple(nearest)], 0).astype(np.uint8)
    return sides


def _hulls(lung: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill each axial slice of a lung to its convex hull: vessels, tumours and the pleura too."""
    filled = lung.copy()
    for z in np.flatnonzero(lung.any(axis=(1, 2))):
        points = np.argwhere(lung[z])
        try:
            planes = ConvexHull(points).equations
        except QhullError:  # fewer than three voxels, or all in a line
            continue
        (top, left), (bottom, right) = points.min(axis=0), points.max(axis=0) + 1
        rows, columns = np.ogrid[top:bottom, left:right]
        box = filled[z, top:bottom, left:right]
        box[:] = True
        for along_rows, along_columns, offset in planes:
            box &= along_rows * rows + along_columns * columns + offset <= 1e-9
    return filled


def _with_margin(lung: NDArray[np.bool_]) -> NDArray[np.bool_]:
    grown: NDArray[np.bool_] = ndimage.binary_dilation(lung, iterations=_MARGIN_VOXELS)
    return grown
