"""Putting a real nodule into a real lung so that no border is seen.

Only the nodule and a feather around it are touched. Lung is air and tissue mixed; where the lung that
the nodule comes from is denser or lighter than the lung that it goes to, what lies between lung and
water is stretched so that lung meets lung, and water and all above it stay as they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...io.scan import CTScan
from .nodule_shapes import NoduleShape, shape_from_mask

__all__ = ["Stamp", "blend_nodule"]

# Width, in mm, over which nodule and surroundings change into background.
FEATHER_MM = 2.0
# Outside its outline a nodule's own blur reaches about this far; what is bright beyond it is a
# neighbour (wall, vessel) that stays behind.
BLUR_MM = 0.8
# Lung lies below, fat and muscle above; between them is partial volume.
LUNG_HU, WALL_HU = -600.0, -300.0
# Lung where a crop or a place holds none that can be measured.
USUAL_LUNG_HU = -850.0
# A thick slice averages levels that are at most so far apart, in mm.
LEVEL_MM = 0.7


@dataclass(frozen=True, eq=False)
class Stamp:
    """A nodule ready to be put somewhere.

    Args:
        hu: (slices, rows, columns) float32 crop around it, in LPS order.
        spacing_mm: (z, y, x).
        centroid: (3,) float, of its mask, (slice, row, column) in the crop.
        shape: its surface.
        lung_hu: of the lung around it.
        core_hu: of its dense part.
    """

    hu: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    centroid: NDArray[np.float64]
    shape: NoduleShape
    lung_hu: float
    core_hu: float

    @classmethod
    def of(
        cls, hu: NDArray[np.float32], mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
    ) -> Stamp:
        """A stamp from a crop and its mask."""
        centroid = np.argwhere(mask).mean(axis=0)
        shape = shape_from_mask(mask, spacing_mm)
        core = float(np.percentile(hu[mask], 90))
        return cls(hu, spacing_mm, centroid, shape, _lung_hu(hu[~mask]), core)

    def at(
        self, from_center_mm: NDArray[np.floating], lung_hu: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Density and signed distance to the surface, as it will look in another lung.

        Args:
            from_center_mm: (..., 3) (z, y, x) from the centroid.
            lung_hu: of that lung.
        """
        outside = self.shape.outside_mm(from_center_mm)
        index = np.moveaxis(from_center_mm / self.spacing_mm + self.centroid, -1, 0)
        # The crop ends with the mask's last slice: beyond it, its own last slice goes on and fades.
        hu = ndimage.map_coordinates(self.hu, index, order=1, mode="nearest")
        stretch = lung_hu / self.lung_hu
        hu = np.where(hu < 0, hu * stretch, hu)
        blur = lung_hu + (self.core_hu - lung_hu) * np.exp(-((np.maximum(outside, 0) / BLUR_MM) ** 2))
        return np.where(outside > 0, np.minimum(hu, np.maximum(blur, lung_hu)), hu), outside


def blend_nodule(
    scan: CTScan,
    hu: NDArray[np.int16],
    stamp: Stamp,
    center_vox: NDArray[np.float64],
    *,
    keep_wall: bool,
) -> tuple[tuple[int, int, int], NDArray[np.bool_]]:
    """Put a nodule into a scan, in place.

    Args:
        scan: in canonical order; its geometry counts.
        hu: (slices, rows, columns) its voxels, changed in the nodule and its feather only.
        stamp: the nodule.
        center_vox: (3,) float, where its centroid goes, (slice, row, column).
        keep_wall: leave the wall out of the mask, and as it is but for a feather at its surface, which
            gets no darker.

    Returns:
        The first voxel of a box, and which voxels of the box are nodule.
    """
    step = np.array(scan.spacing_mm[::-1])
    reach = (stamp.shape.reach_mm + FEATHER_MM) / step + 1
    first = np.maximum(np.floor(center_vox - reach), 0).astype(int)
    last = np.minimum(np.ceil(center_vox + reach) + 1, scan.shape).astype(int)
    box = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    old = hu[box].astype(np.float32)
    at = (np.moveaxis(np.indices(old.shape), 0, -1) + first - center_vox) * step
    share, new, inside = _averaged(stamp, at, float(step[0]), _lung_hu(old))
    mixed = old + share * (new - old)
    if keep_wall:
        wall = _wall(old, np.rint(center_vox - first).astype(int))
        inside &= ~wall
        # A hard end at the wall, or its partial volume, would be a line between wall and nodule.
        share *= _feather(ndimage.distance_transform_edt(wall, sampling=step))
        mixed = np.maximum(old + share * (new - old), old)
    hu[box] = np.where(share > 0, np.rint(mixed), old).astype(np.int16)
    return (int(first[0]), int(first[1]), int(first[2])), inside


def _wall(hu: NDArray[np.float32], center: NDArray[np.int64]) -> NDArray[np.bool_]:
    """All but the lung around a voxel: noise in muscle and fat between muscles are no lung."""
    smooth = ndimage.gaussian_filter(hu, (0, 1, 1))
    parts, _ = ndimage.label(smooth <= WALL_HU)
    own = parts[tuple(center)] or int(np.bincount(parts[parts > 0], minlength=2).argmax())
    # Vessels are no wall, and noise makes no teeth in its surface.
    return np.asarray(ndimage.gaussian_filter((parts != own).astype(np.float32), (0, 2, 2)) > 0.5)


def _averaged(
    stamp: Stamp, at: NDArray[np.float64], thick_mm: float, lung_hu: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Share, density and mask of each voxel, averaged over the slice's thickness."""
    levels = int(np.ceil(thick_mm / LEVEL_MM))
    share: NDArray[np.float32] = np.zeros(at.shape[:3], np.float32)
    weighted, inside = np.zeros_like(share), np.zeros_like(share)
    for level in (np.arange(levels) + 0.5) / levels - 0.5:
        new, outside = stamp.at(at + np.array([level * thick_mm, 0, 0]), lung_hu)
        part = _feather(outside)
        share += part / levels
        weighted += part * new / levels
        inside += (outside < 0) / np.float32(levels)
    return share, (weighted / share.clip(1e-6)).astype(np.float32), inside >= 0.5


def _feather(outside_mm: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 inside, 0 from `FEATHER_MM` on, without a kink at either end."""
    far = np.clip(outside_mm / FEATHER_MM, 0, 1)
    return np.asarray(1 - far * far * (3 - 2 * far), dtype=np.float32)


def _lung_hu(hu: NDArray[np.float32]) -> float:
    lung = hu[hu < LUNG_HU]
    return float(np.median(lung)) if lung.size > 20 else USUAL_LUNG_HU
