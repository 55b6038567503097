"""Painting soft-edged shapes into a volume whose voxels are addressed in millimetres.

Positions are (z, y, x) in mm from the middle of the volume.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

__all__ = ["Grid", "Mask", "Point", "Volume", "paint", "paint_tube"]

Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]
Point = NDArray[np.float64]


class Grid:
    """Voxel centres in mm from the middle, and the boxes of voxels around points."""

    def __init__(self, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
        self.shape = shape
        self.step = np.array(spacing_mm[::-1])
        self.half = (np.array(shape) - 1) / 2
        axes = [(np.arange(n) - h) * s for n, h, s in zip(shape, self.half, self.step, strict=True)]
        self.z, self.y, self.x = (a.astype(np.float32) for a in np.ix_(*axes))

    def vox(self, point: ArrayLike) -> Point:
        """(..., 3) mm to fractional (slice, row, column)."""
        return np.asarray(np.asarray(point) / self.step + self.half, dtype=np.float64)

    def inside(self, point: Point, mask: Mask) -> bool:
        """Whether the voxel at a point is set in a mask."""
        vox = np.rint(self.vox(point)).astype(int)
        return bool((vox >= 0).all() and (vox < self.shape).all() and mask[tuple(vox)])

    def box(self, low: Point, high: Point) -> tuple[tuple[slice, ...], Point]:
        """The voxels between two corners in mm: their slices, and their (z, y, x, 3) positions."""
        first = np.clip(np.floor(self.vox(low)), 0, self.shape).astype(int)
        last = np.clip(np.ceil(self.vox(high)) + 1, 0, self.shape).astype(int)
        where = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        indices = np.moveaxis(np.mgrid[where], 0, -1)
        return where, (indices - self.half) * self.step

    def waves(self, rng: Generator, apart_mm: float) -> Volume:
        """A smooth random field of about unit size, its waves `apart_mm` long."""
        fields = []
        for axis in (self.z, self.y, self.x):
            line = axis.ravel()
            knots = np.arange(line[0] - apart_mm, line[-1] + 2 * apart_mm, apart_mm)
            near = np.exp(-(((line[:, None] - knots) / (0.6 * apart_mm)) ** 2))
            fields.append((near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32))
        knots_hu = rng.standard_normal([f.shape[1] for f in fields]).astype(np.float32)
        # Axis by axis it is three small matrix products, not an interpolation of every voxel.
        plane = fields[1] @ (knots_hu @ fields[2].T)
        return np.asarray(np.tensordot(fields[0], plane, axes=1), dtype=np.float32)


def paint_tube(hu: Volume, grid: Grid, start: Point, end: Point, radius_mm: float, target: float) -> None:
    """All points within `radius_mm` of the line from start to end."""
    axis = end - start

    def outside(at: Point) -> Point:
        along = np.clip((at - start) @ axis / (axis @ axis), 0, 1)
        return np.asarray(np.linalg.norm(at - start - along[..., None] * axis, axis=-1) - radius_mm)

    margin = radius_mm + 1.5
    paint(hu, grid, np.minimum(start, end) - margin, np.maximum(start, end) + margin, outside, target)


def paint(
    hu: Volume, grid: Grid, low: Point, high: Point, outside: Callable[[Point], Point], target: float
) -> None:
    """Blend `target` in where `outside`, in mm, is below zero; the edge is about a voxel wide."""
    where, at = grid.box(low, high)
    soft_mm = float(np.clip(grid.step.mean(), 0.5, 1.5))
    share = np.clip(0.5 - outside(at) / soft_mm, 0, 1)
    hu[where] += (share * (target - hu[where])).astype(np.float32)
