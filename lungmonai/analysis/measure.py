"""Size of a nodule from its voxels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

__all__ = ["NoduleSize", "grow_back", "measure_voxels"]

# Steps to the six voxels that share a face, as (slice, row, column).
_FACES = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]])
_CORNERS = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]])


@dataclass(frozen=True)
class NoduleSize:
    """How large a nodule is.

    Args:
        volume_mm3: of its voxels.
        equivalent_diameter_mm: of the sphere of that volume.
        long_axis_mm: longest distance within one axial slice, between outer voxel corners.
    """

    volume_mm3: float
    equivalent_diameter_mm: float
    long_axis_mm: float


def grow_back(voxels: NDArray[np.int64], marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Undo the erosion: the voxels and those of their face neighbours that are marked.

    Args:
        voxels: (M,) int, flat indices of an eroded group.
        marked: (slices, rows, columns) bool, before erosion.

    Returns:
        (K,) int, ascending flat indices.
    """
    places = np.stack(np.unravel_index(voxels, marked.shape), axis=1)
    around = (places[:, None] + _FACES).reshape(-1, 3)
    # What erosion did not touch may reach the volume's faces.
    around = around[((around >= 0) & (around < marked.shape)).all(axis=1)]
    around = around[marked[tuple(around.T)]]
    return np.union1d(voxels, np.ravel_multi_index(tuple(around.T), marked.shape))


def measure_voxels(
    voxels: NDArray[np.int64], shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> NoduleSize:
    """Volume and diameters of a set of voxels.

    Args:
        voxels: (M,) int, flat indices, at least one.
        shape: (slices, rows, columns) of the volume.
        spacing_mm: between columns, rows and slices.
    """
    x, y, z = spacing_mm
    volume = len(voxels) * x * y * z
    slices, rows, columns = np.unravel_index(voxels, shape)
    in_plane = np.stack([rows, columns], axis=1)
    long_axis = max(_longest_mm(in_plane[slices == here], (y, x)) for here in np.unique(slices))
    return NoduleSize(volume, float((6 * volume / np.pi) ** (1 / 3)), long_axis)


def _longest_mm(pixels: NDArray[np.int64], pixel_mm: tuple[float, float]) -> float:
    corners = (pixels[:, None] + _CORNERS).reshape(-1, 2) * pixel_mm
    outline = corners[ConvexHull(corners).vertices]
    return float(pdist(outline).max())
