"""Where in a real scan a nodule can be put: in aerated lung, free or against the wall."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from ...analysis.lungs import LungMask, find_lungs
from ...errors import DataError
from ...io.scan import CTScan
from .airways import find_airways
from .nodule_shapes import NoduleShape
from .places import PLACES

__all__ = ["LungRoom"]

ISOLATED, JUXTAPLEURAL = PLACES[:2]
# A vessel of usual size lies within this of lung air, a chest wall does not; see `find_lungs`.
_THICK_MM = 5.0
_DENSE_HU = -500.0
# Share of the nodule that may be dense where the place is free, and that has to be against the wall.
_FREE_SHARE, _WALL_SHARE = 0.04, (0.06, 0.35)
_FREE_MM, _APART_MM = 1.5, 3.0
_TRIES = 150


class LungRoom:
    """The aerated lung of a scan, and what was taken of it.

    Args:
        scan: in canonical order.

    Raises:
        DataError: no lungs were found in it.
    """

    def __init__(self, scan: CTScan) -> None:
        lungs = find_lungs(scan)
        if not lungs.found:
            raise DataError(
                f"in {scan.source or scan.series_uid} no lungs were found",
                wanted="a chest CT as background",
                do="Choose another.",
            )
        self._scan = scan
        self._step_mm = np.array(scan.spacing_mm[::-1])
        step = np.array(lungs.step)
        coarse = tuple(slice(None, None, int(n)) for n in step)
        air = (lungs.labels > 0) & (lungs.air_mm == 0)
        # Lungs are found with the windpipe, or a part of it.
        self._airways = find_airways(scan, _fine(lungs, scan.shape), float(np.median(scan.hu[coarse][air])))
        air &= ~self._airways[coarse]
        self.air_vox = np.argwhere(air) * step
        to_wall = ndimage.distance_transform_edt(lungs.air_mm <= _THICK_MM, sampling=step * self._step_mm)
        # From the air to where the wall is thick: the wall itself begins that much earlier.
        self._wall_mm = to_wall[air] - _THICK_MM
        self._taken: list[tuple[NDArray[np.float64], float]] = []

    def take(self, center_vox: NDArray[np.float64], radius_mm: float) -> None:
        """Nothing else is put within this ball."""
        self._taken.append((center_vox, radius_mm))

    def find(self, place: str, shape: NoduleShape, rng: Generator) -> NDArray[np.float64] | None:
        """A centre, (3,) float (slice, row, column), for a nodule; None where no try found room.

        Args:
            place: `isolated` or `juxtapleural`.
            shape: of the nodule.
            rng: draws the tries.
        """
        free = place == ISOLATED
        radius_mm = shape.diameter_mm / 2
        rows = np.flatnonzero(self._wall_mm > radius_mm if free else self._wall_mm < radius_mm)
        if not len(rows):
            return None
        for row in rng.choice(rows, _TRIES):
            center = np.asarray(self.air_vox[row] + rng.uniform(-0.5, 0.5, 3), dtype=np.float64)
            if self._is_apart(center, shape.reach_mm) and self._fits(center, shape, free=free):
                return center
        return None

    def _is_apart(self, center: NDArray[np.float64], reach_mm: float) -> bool:
        """Whether what was taken is far enough from a ball."""
        return all(
            float(np.linalg.norm((center - other) * self._step_mm)) >= radius + reach_mm + _APART_MM
            for other, radius in self._taken
        )

    def _fits(self, center: NDArray[np.float64], shape: NoduleShape, *, free: bool) -> bool:
        """Whether what lies in the nodule's outline is what the kind of place says."""
        reach = (shape.reach_mm + _FREE_MM) / self._step_mm
        low, high = np.floor(center - reach).astype(int), np.ceil(center + reach).astype(int) + 1
        if (low < 0).any() or (high > self._scan.shape).any():
            return False
        box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        part = self._scan.hu[box]
        at = (np.moveaxis(np.indices(part.shape), 0, -1) + low - center) * self._step_mm
        inside = shape.outside_mm(at) <= (_FREE_MM if free else 0)
        # Between thick slices a small one may hold no voxel's centre.
        inside |= np.linalg.norm(at, axis=-1) <= float(self._step_mm.max()) / 2
        if not inside.any() or self._airways[box][inside].any():
            return False
        dense = float((part[inside] > _DENSE_HU).mean())
        return dense <= _FREE_SHARE if free else _WALL_SHARE[0] <= dense <= _WALL_SHARE[1]

    def fooling_points(self, rng: Generator, most: int) -> dict[str, NDArray[np.float64]]:
        """Voxels, (N, 3) (slice, row, column), that are dense and near lung air, and some that are lung.

        Args:
            rng: draws them.
            most: of each kind.
        """
        near = self.air_vox[rng.integers(0, len(self.air_vox), 20 * most)]
        near = np.rint(near + rng.normal(0, 4, near.shape) / self._step_mm).astype(int)
        near = near.clip(0, np.array(self._scan.shape) - 1)
        dense = self._scan.hu[tuple(near.T)] > _DENSE_HU
        return {"dense": near[dense][:most].astype(float), "lung": near[~dense][:most].astype(float)}


def _fine(lungs: LungMask, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where a lung is, or is near, on the scan's grid."""
    sizes = zip(shape, lungs.step, strict=True)
    return np.asarray(lungs.labels[np.ix_(*(np.arange(size) // step for size, step in sizes))] > 0)
