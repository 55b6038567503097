"""Smooth shapes as distances on a coarse grid, and their soft-edged slices on a fine one.

A large organ needs no fine grid: its surface is smooth. Levels are in mm, negative inside.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .shapes import Grid, Point, Volume

__all__ = ["Layer", "coarse_grid", "distance_mm", "ellipsoid", "joined", "merge_tube", "smooth", "waves"]

# Fine enough for the smallest organ that is drawn so, some 10 mm; coarser for coarse scans.
FINEST_MM, COARSEST_MM, VOXELS = 2.5, 3.2, 2.4
# Beyond so many fine voxels from a surface its distance does not matter.
FAR_VOX = 6.0
# Blurring by this share of a length leaves waves of about that length.
WAVE = 0.4


def coarse_grid(fine: Grid) -> Grid:
    """A grid of the same step in all directions that reaches over the fine one on all sides."""
    step = float(np.clip(VOXELS * fine.step[1:].mean(), FINEST_MM, COARSEST_MM))
    z, y, x = (int(n) for n in np.ceil((2 * fine.half * fine.step) / step) + 3)
    return Grid((z, y, x), (step, step, step))


def distance_mm(level: Volume, grid: Grid) -> Volume:
    """A level of any scale as distances, right near its surface: divided by its slope."""
    return _over_slope(level, grid, (1.0, 1.0, 1.0))


def smooth(level: Volume, grid: Grid, radius_mm: float) -> Volume:
    """Round the creases of a level."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(level, radius_mm / grid.step[0], truncate=2.5), np.float32)


def _over_slope(level: Volume, grid: Grid, reach_mm: tuple[float, ...]) -> Volume:
    """A level over the length of its slope, each axis of which weighs by a length in mm."""
    steep_2 = np.zeros_like(level)
    for axis, reach in enumerate(reach_mm):
        if level.shape[axis] > 1:
            steep_2 += np.square(np.gradient(level, grid.step[axis] / reach, axis=axis))
    steep = np.sqrt(steep_2)
    return np.asarray(level / np.maximum(steep, 1e-3 + 0.05 * float(steep.mean())), np.float32)


def ellipsoid(
    grid: Grid, center: Point, radii_mm: tuple[float, float, float], turn: Point | None = None
) -> Volume:
    """Level of an ellipsoid.

    Args:
        grid: whose voxels to measure.
        center: (3,) float, (z, y, x).
        radii_mm: along its own axes.
        turn: (3, 3) float, its axes as rows; by default those of the grid.
    """
    z, y, x = grid.z - center[0], grid.y - center[1], grid.x - center[2]
    axes = ((np.eye(3) if turn is None else turn) / np.array(radii_mm)[:, None]).astype(np.float32)
    far = sum((z * a + y * b + x * c) ** 2 for a, b, c in axes)
    return np.asarray((np.sqrt(far) - 1) * min(radii_mm), np.float32)


def merge_tube(level: Volume, grid: Grid, start: Point, end: Point, radius_mm: float) -> None:
    """Join a tube with round ends to a level, in place, right up to some mm around it."""
    margin = radius_mm + 12
    where, at = grid.box(np.minimum(start, end) - margin, np.maximum(start, end) + margin)
    axis = (end - start).astype(np.float32)
    at -= start.astype(np.float32)
    at -= np.clip(at @ axis / max(float(axis @ axis), 1e-9), 0, 1)[..., None] * axis
    outside = np.sqrt(np.einsum("...i,...i", at, at)) - np.float32(radius_mm)
    np.minimum(level[where], outside, out=level[where])


def waves(grid: Grid, rng: Generator, apart_mm: float) -> Volume:
    """A smooth random field of unit size on a coarse grid, its waves about `apart_mm` long."""
    from scipy.ndimage import gaussian_filter

    noise = rng.standard_normal(grid.shape, np.float32)
    field = gaussian_filter(noise, WAVE * apart_mm / grid.step[0], truncate=2)
    return np.asarray(field / max(float(field.std()), 1e-9), np.float32)


def joined(a: Volume, b: Volume, round_mm: float) -> Volume:
    """Union of two levels, the crease between them filled."""
    near = np.clip(0.5 + 0.5 * (b - a) / round_mm, 0, 1)
    return np.asarray(b + (a - b) * near - round_mm * near * (1 - near), np.float32)


class Layer:
    """A coarse field that is read in slices and boxes of a fine grid.

    Args:
        values: on the coarse grid.
        coarse: the grid of the values.
        fine: the grid to read in.
        fine_box: slices, rows and columns outside which nothing is wanted; default: all.
    """

    def __init__(
        self, values: Volume, coarse: Grid, fine: Grid, *, fine_box: tuple[slice, ...] | None = None
    ) -> None:
        self.values, self.coarse, self.fine = values, coarse, fine
        self.where = fine_box or tuple(slice(0, n) for n in fine.shape)

    @classmethod
    def of_level(cls, level_mm: Volume, coarse: Grid, fine: Grid) -> Layer:
        """A surface, so that 0.5 minus the layer, within 0 and 1, is how full each fine voxel is."""
        # Over the slope in voxels: how far a voxel reaches along the surface's normal is 1.
        scaled = np.clip(_over_slope(level_mm, coarse, tuple(fine.step)), -FAR_VOX, FAR_VOX)
        return cls(scaled, coarse, fine, fine_box=_fine_box(_bounds(scaled < FAR_VOX / 2), coarse, fine))

    @cached_property
    def _taps(self) -> list[tuple[NDArray[np.int64], Volume]]:
        """Per axis: the lower of the two coarse neighbours of each fine position, and the upper's weight."""
        taps = []
        for axis, part in enumerate(self.where):
            mm = (np.arange(part.start, part.stop) - self.fine.half[axis]) * self.fine.step[axis]
            at = mm / self.coarse.step[axis] + self.coarse.half[axis]
            low = np.clip(np.floor(at).astype(np.int64), 0, self.coarse.shape[axis] - 2)
            taps.append((low, (at - low).astype(np.float32)))
        return taps

    def slice(self, z: int) -> tuple[tuple[slice, ...], Volume] | None:
        """The rows and columns that it covers in a fine slice, and its values there; None for none."""
        rows, columns = self.where[1:]
        empty = rows.start == rows.stop or columns.start == columns.stop
        if empty or not self.where[0].start <= z < self.where[0].stop:
            return None
        return (rows, columns), self.values_at(z)

    def values_at(self, z: int) -> Volume:
        """(rows, columns) of its box in a fine slice that it covers."""
        (low_z, up_z), (low_y, up_y), (low_x, up_x) = self._taps
        i = z - self.where[0].start
        k, share = int(low_z[i]), up_z[i]
        rows, columns = slice(int(low_y[0]), int(low_y[-1]) + 2), slice(int(low_x[0]), int(low_x[-1]) + 2)
        plane = (1 - share) * self.values[k, rows, columns] + share * self.values[k + 1, rows, columns]
        plane = _between(plane, low_y - rows.start, up_y[:, None])
        plane = _between(plane.T, low_x - columns.start, up_x[:, None])
        return np.ascontiguousarray(plane.T)


def _between(plane: Volume, low: NDArray[np.int64], up: Volume) -> Volume:
    first = plane[low]
    return np.asarray(first + up * (plane[low + 1] - first), np.float32)


def _bounds(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    parts = []
    for axis in range(3):
        found = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        parts.append(slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0))
    return tuple(parts)


def _fine_box(box: tuple[slice, ...], coarse: Grid, fine: Grid) -> tuple[slice, ...]:
    parts = []
    for axis, part in enumerate(box):
        mm = (np.array([part.start - 1, part.stop]) - coarse.half[axis]) * coarse.step[axis]
        ends = np.clip(np.rint(mm / fine.step[axis] + fine.half[axis]), 0, fine.shape[axis]).astype(int)
        parts.append(slice(int(ends[0]), int(ends[1])) if part.stop else slice(0, 0))
    return tuple(parts)
