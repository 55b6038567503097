"""The shape of a nodule as a smooth signed distance, from a mask of voxels that may be thick slices.

Positions are (z, y, x) in mm from the nodule's centroid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline

__all__ = ["NoduleShape", "shape_from_mask"]

# Room around the mask, in mm, in which the distance is stored; beyond it is extrapolated.
_ROOM_MM = 4.0
# The stored grid: fine enough for the smallest nodule, at most some 60 points along a 30 mm one.
_STEP_LIMITS_MM = (0.4, 1.0)
_STEPS_ACROSS = 40
# Blur of the distance, in source voxels: takes off the corners of pixels and of thick slices.
_SMOOTH_VOX = 0.5


@dataclass(frozen=True, eq=False)
class NoduleShape:
    """A closed surface around a centroid.

    Args:
        distance_mm: (Z, Y, X) float32 on a grid of equal steps: negative inside, positive outside.
        step_mm: of that grid.
        centroid: (3,) float, where the volume's centroid lies in it, as an index.
        volume_mm3: enclosed.
    """

    distance_mm: NDArray[np.float32]
    step_mm: float
    centroid: NDArray[np.float64]
    volume_mm3: float

    @property
    def diameter_mm(self) -> float:
        """Diameter of the sphere of the same volume."""
        return float(np.cbrt(6 * self.volume_mm3 / np.pi))

    @property
    def reach_mm(self) -> float:
        """Distance from the centroid to the farthest point of the surface."""
        inside = np.argwhere(self.distance_mm <= 0) - self.centroid
        return float(np.linalg.norm(inside, axis=1).max() + 0.5) * self.step_mm

    def outside_mm(self, at_mm: NDArray[np.floating]) -> NDArray[np.float32]:
        """Signed distance to the surface, negative inside.

        Args:
            at_mm: (..., 3) float, (z, y, x) from the centroid.
        """
        index = np.asarray(at_mm, np.float32) / np.float32(self.step_mm) + self.centroid.astype(np.float32)
        last = np.array(self.distance_mm.shape, np.float32) - 1
        within = np.clip(index, 0, last)
        beyond = np.linalg.norm(index - within, axis=-1) * self.step_mm
        near = ndimage.map_coordinates(self.distance_mm, np.moveaxis(within, -1, 0), order=1)
        return np.asarray(near + beyond, dtype=np.float32)


def shape_from_mask(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NoduleShape:
    """The smooth surface that encloses the volume of a mask.

    The distance to the mask's border, known at voxel centres, is blurred by half a voxel and
    interpolated by cubic splines, so that thick slices become a rounded body and not stairs. Its
    level is then set so that the volume stays what the voxels hold.

    Args:
        mask: (slices, rows, columns) bool, at least one voxel set.
        spacing_mm: (z, y, x) between its voxels.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    pad = np.ceil(_ROOM_MM / spacing).astype(int) + 1
    padded = np.pad(mask, [(int(n), int(n)) for n in pad])
    distance = ndimage.distance_transform_edt(~padded, sampling=spacing)
    distance -= ndimage.distance_transform_edt(padded, sampling=spacing)
    distance = ndimage.gaussian_filter(distance, _SMOOTH_VOX)

    volume = float(mask.sum() * spacing.prod())
    step = float(np.clip(2 * np.cbrt(volume) / _STEPS_ACROSS, *_STEP_LIMITS_MM))
    sizes = np.floor((np.array(padded.shape) - 1) * spacing / step).astype(int) + 1
    axes = [np.arange(n) * step / s for n, s in zip(sizes, spacing, strict=True)]
    for axis, places in enumerate(axes):
        distance = _resampled(distance, places, axis)
    distance -= _level_of_volume(distance, volume / step**3)
    distance /= _slope_at_surface(distance, step)
    centroid = np.argwhere(distance <= 0).mean(axis=0)
    return NoduleShape(distance.astype(np.float32), step, centroid, volume)


def _resampled(values: NDArray[np.float64], places: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Cubic interpolation along one axis."""
    spline = CubicSpline(np.arange(values.shape[axis]), values, axis=axis)
    return np.asarray(spline(places), dtype=np.float64)


def _slope_at_surface(distance: NDArray[np.float64], step_mm: float) -> float:
    """Change a mm across the surface: over 1, as distances between voxel centres jump there."""
    slopes = np.sqrt(sum(part**2 for part in np.gradient(distance, step_mm)))
    return float(slopes[np.abs(distance) < max(step_mm, 0.5)].mean())


def _level_of_volume(distance: NDArray[np.float64], points: float) -> float:
    """The distance below which there are as many grid points as asked."""
    count = int(np.clip(round(points), 1, distance.size - 1))
    return float(np.partition(distance.ravel(), count)[count - 1 : count + 1].mean())
