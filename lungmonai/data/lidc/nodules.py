"""LIDC's readings grouped into nodules.

The database says neither which readings belong to one nodule nor which reader a reading is from, so
both are inferred from where the outlines lie. The rule:

1. Two readings touch when their outlines come within the slice thickness of each other.
2. Readings that touch, directly or through others, are one nodule.
3. LIDC had four readers; a group of more than four readings is parted as `parts` says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .database import RATINGS, LidcScan, Reading
from .masks import Box, agreed, reading_mask
from .parts import READERS, parted

__all__ = ["MALIGNANT_READERS", "SUSPICIOUS", "LidcNodule", "lidc_nodules"]

# A rating of malignancy from 4, "moderately suspicious", counts as suspicious; two readers who say so
# make a nodule malignant (Stevens, Antiga, Viehmann: Deep Learning with PyTorch, chapter 14).
SUSPICIOUS, MALIGNANT_READERS = 4, 2


@dataclass(frozen=True, eq=False)
class LidcNodule:
    """The readings of one nodule.

    Args:
        scan: that it lies in.
        readings: one to four, each of another reader; pieces of one reader are one reading.
    """

    scan: LidcScan
    readings: tuple[Reading, ...]

    def __repr__(self) -> str:
        k, row, column = self.center_vox
        where = f"slice {k:.1f}, row {row:.1f}, column {column:.1f}"
        return f"LidcNodule({where}, {self.diameter_mm:.1f} mm, {self.readers} readers)"

    @property
    def readers(self) -> int:
        """How many readers outlined it."""
        return len(self.readings)

    @property
    def ratings(self) -> dict[str, list[int]]:
        """For each of LIDC's nine ratings what each reader said, in the order of `readings`."""
        return {name: [reading.ratings[name] for reading in self.readings] for name in RATINGS}

    @property
    def suspicious_readers(self) -> int:
        """How many readers rated its malignancy 4 or 5."""
        return sum(reading.ratings["malignancy"] >= SUSPICIOUS for reading in self.readings)

    @property
    def malignant(self) -> bool | None:
        """Whether at least two readers rated its malignancy 4 or 5.

        None, ambiguous, where fewer than two readers outlined it: the rule asks two readers, and then
        it could only ever say no.
        """
        if self.readers < MALIGNANT_READERS:
            return None
        return self.suspicious_readers >= MALIGNANT_READERS

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxels along slice, row and column index, in mm."""
        return self.scan.spacing_mm

    @cached_property
    def masks(self) -> tuple[Box, ...]:
        """For each reading its first voxel and its mask; see `reading_mask`."""
        return tuple(reading_mask(self.scan, reading) for reading in self.readings)

    def consensus(self, level: float = 0.5) -> Box:
        """The voxels that at least this share of its readers marked.

        Args:
            level: over 0, at most 1.

        Returns:
            (3,) int, the first voxel as (slice, row, column), and (slices, rows, columns) bool. The
            mask has no voxels where its readers agree on none.

        Raises:
            SettingsError: `level` is out of range.
        """
        return agreed(self.masks, level)

    @cached_property
    def reading_centers_vox(self) -> NDArray[np.float64]:
        """(readers, 3) float: for each reading its centroid, (slice, row, column)."""
        return np.array([first + np.argwhere(mask).mean(0) for first, mask in self.masks])

    @cached_property
    def reading_diameters_mm(self) -> NDArray[np.float64]:
        """(readers,) float: for each reading the diameter of the sphere of its volume."""
        voxel_mm3 = math.prod(self.spacing_mm)
        return np.cbrt([6 / np.pi * mask.sum() * voxel_mm3 for _, mask in self.masks])

    @property
    def center_vox(self) -> tuple[float, float, float]:
        """(slice, row, column), fractional: the mean of the readers' centroids."""
        k, row, column = self.reading_centers_vox.mean(axis=0)
        return float(k), float(row), float(column)

    @property
    def center_z_mm(self) -> float:
        """DICOM z position of its centre."""
        slices = np.arange(len(self.scan.slice_z_mm))
        return float(np.interp(self.center_vox[0], slices, self.scan.slice_z_mm))

    @property
    def diameter_mm(self) -> float:
        """Of the sphere of the same volume, the mean over its readers."""
        return float(self.reading_diameters_mm.mean())

    @cached_property
    def outline_box_vox(self) -> NDArray[np.float64]:
        """(2, 3) float: lowest and highest (slice, row, column) of the outlines, rounded readers' mean."""
        corners = []
        for reading in self.readings:
            points = np.vstack([contour.points_vox for contour in reading.contours])
            slices = [self.scan.slice_of(contour.z_mm) for contour in reading.contours]
            corners.append(((min(slices), *points.min(0)), (max(slices), *points.max(0))))
        return np.asarray(np.rint(np.mean(corners, axis=0)))


def lidc_nodules(scan: LidcScan) -> list[LidcNodule]:
    """The nodules of a scan, by their first reading's row in the database.

    Args:
        scan: with its readings; see `LidcDatabase.scan`.
    """
    from scipy.sparse.csgraph import connected_components

    if not scan.readings:
        return []
    count, group_of = connected_components(_touching(scan), directed=False)
    groups: list[tuple[Reading, ...]] = []
    for number in range(count):
        group = tuple(scan.readings[i] for i in np.flatnonzero(group_of == number))
        groups += [group] if len(group) <= READERS else parted(scan, group)
    return [LidcNodule(scan, group) for group in sorted(groups, key=lambda group: group[0].id)]


def _touching(scan: LidcScan) -> NDArray[np.bool_]:
    """(readings, readings): whether two outlines come within the slice thickness of each other."""
    from scipy.spatial import KDTree

    points = [_outline_mm(scan, reading) for reading in scan.readings]
    low, high = np.array([p.min(0) for p in points]), np.array([p.max(0) for p in points])
    reach = scan.slice_thickness_mm
    touching = np.eye(len(points), dtype=bool)
    for i, j in combinations(range(len(points)), 2):
        if (low[i] - high[j] > reach).any() or (low[j] - high[i] > reach).any():
            continue  # not even the boxes around them do
        distances, _ = KDTree(points[i]).query(points[j])
        touching[i, j] = distances.min() <= reach
    return touching


def _outline_mm(scan: LidcScan, reading: Reading) -> NDArray[np.float64]:
    """(N, 3) float, (z, row, column) in mm, of every point of a reading."""
    at = [
        np.column_stack((np.full(len(c.points_vox), c.z_mm), c.points_vox * scan.pixel_spacing_mm))
        for c in reading.contours
    ]
    return np.vstack(at)
