"""Painting soft-edged shapes into a volume whose voxels are addressed in millimetres.

Positions are (z, y, x) in mm from the middle of the volume: z upwards, y to the back, x to the
patient's left.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Grid", "Mask", "Point", "Volume", "paint", "paint_tube", "voxel_across_mm"]

Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]
Point = NDArray[np.float64]


class Grid:
    """Voxel centres in mm from the middle, and the boxes of voxels around points.

    Args:
        shape: (slices, rows, columns).
        spacing_mm: (x, y, z), between columns, rows and slices.
    """

    def __init__(self, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
        self.shape = shape
        self.step = np.array(spacing_mm[::-1], np.float64)
        self.half = (np.array(shape) - 1) / 2
        axes = [(np.arange(n) - h) * s for n, h, s in zip(shape, self.half, self.step, strict=True)]
        self.z, self.y, self.x = (a.astype(np.float32) for a in np.ix_(*axes))

    def vox(self, point_mm: ArrayLike) -> Point:
        """(..., 3) mm to fractional (slice, row, column)."""
        return np.asarray(np.asarray(point_mm) / self.step + self.half, dtype=np.float64)

    def mm(self, point_vox: ArrayLike) -> Point:
        """(..., 3) fractional (slice, row, column) to mm; the reverse of `vox`."""
        return np.asarray((np.asarray(point_vox) - self.half) * self.step, dtype=np.float64)

    def value(self, volume: NDArray[np.generic], point_mm: ArrayLike) -> NDArray[np.generic]:
        """(...) values of the voxels nearest to (..., 3) points; those outside count as on the edge."""
        vox = np.rint(self.vox(point_mm)).astype(np.int64).clip(0, np.array(self.shape) - 1)
        return np.asarray(volume[vox[..., 0], vox[..., 1], vox[..., 2]])

    def box(self, low_mm: ArrayLike, high_mm: ArrayLike) -> tuple[tuple[slice, ...], Volume]:
        """The voxels between two corners in mm: their slices, and their (z, y, x, 3) positions."""
        # Plain numbers: thousands of small boxes are asked for, and NumPy is slow with three numbers.
        ends = zip(self.vox(low_mm).tolist(), self.vox(high_mm).tolist(), self.shape, strict=True)
        z, y, x = (_between(low, high, size) for low, high, size in ends)
        at = np.empty((z.stop - z.start, y.stop - y.start, x.stop - x.start, 3), np.float32)
        at[..., 0], at[..., 1], at[..., 2] = self.z[z], self.y[:, y], self.x[:, :, x]
        return (z, y, x), at


def _between(low: float, high: float, size: int) -> slice:
    first = min(max(math.floor(low), 0), size)
    return slice(first, min(max(math.ceil(high) + 1, first), size))


def voxel_across_mm(grid: Grid, along: Point) -> float:
    """How far a voxel reaches across a direction, (z, y, x): thick slices blur what lies level."""
    squares = along**2
    total = max(float(squares.sum()), 1e-18)
    return math.sqrt(float(grid.step**2 @ (1 - squares / total)) / 2)


def paint_tube(
    hu: Volume,
    grid: Grid,
    start_mm: Point,
    end_mm: Point,
    radius_mm: float | tuple[float, float],
    target_hu: float,
) -> None:
    """Blend a tube with round ends into `hu`, in place.

    What is thinner than a voxel fills it in part, as a scanner averages it.

    Args:
        hu: (slices, rows, columns).
        grid: of `hu`.
        start_mm: (3,) float, (z, y, x).
        end_mm: (3,) float, (z, y, x).
        radius_mm: of the tube, or (at its start, at its end).
        target_hu: inside.
    """
    first_mm, last_mm = radius_mm if isinstance(radius_mm, tuple) else (radius_mm, radius_mm)
    axis = end_mm - start_mm
    length_2 = max(float(axis @ axis), 1e-9)
    across_mm = voxel_across_mm(grid, axis)
    margin = max(first_mm, last_mm) + across_mm
    where, at = grid.box(np.minimum(start_mm, end_mm) - margin, np.maximum(start_mm, end_mm) + margin)
    if not at.size:
        return
    at -= start_mm.astype(np.float32)
    along = at @ (axis / length_2).astype(np.float32)
    np.clip(along, 0, 1, out=along)
    at -= along[..., None] * axis.astype(np.float32)
    far = np.sqrt(np.einsum("...i,...i", at, at))
    radius = first_mm + (last_mm - first_mm) * along
    # How much of the voxel's width lies within the tube.
    inside = np.minimum(radius, far + across_mm / 2) - np.maximum(-radius, far - across_mm / 2)
    share = np.clip(inside / across_mm, 0, 1)
    hu[where] += share * (np.float32(target_hu) - hu[where])


def paint(
    hu: Volume,
    grid: Grid,
    low_mm: ArrayLike,
    high_mm: ArrayLike,
    outside_mm: Callable[[Volume], NDArray[np.floating]],
    target_hu: float | Volume,
) -> None:
    """Blend a shape into a box of `hu`, in place; its edge is about a voxel wide.

    Args:
        hu: (slices, rows, columns).
        grid: of `hu`.
        low_mm: (3,) float, lowest corner of the box that holds the shape.
        high_mm: (3,) float, highest corner.
        outside_mm: from (z, y, x, 3) positions in mm to (z, y, x) distances from the surface,
            negative inside.
        target_hu: inside; one number, or one for each voxel of the box.
    """
    where, at = grid.box(low_mm, high_mm)
    if not at.size:
        return
    soft_mm = float(np.cbrt(np.prod(grid.step)))
    share = np.clip(0.5 - outside_mm(at) / soft_mm, 0, 1).astype(np.float32)
    hu[where] += share * (target_hu - hu[where])
