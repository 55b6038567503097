"""Where nodules can lie in a chest: free in the lung, on the pleura, or on a vessel."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from .chest import Chest
from .shapes import Point

__all__ = ["PLACES", "Places"]

PLACES = ("isolated", "juxtapleural", "juxtavascular")

# The lungs are looked at on a grid of about this, which is enough for a distance to the pleura.
_COARSE_MM = 3.0
# Free of the pleura by this much, in mm.
_FREE_MM = 2.5
# Between two nodules at least this much, in mm.
_APART_MM = 3.0
# Positions tried before another kind of place is.
_TRIES = 60
# Share of the ball that may be vessel where the place is free, and where it is on a vessel.
_DENSE_SHARE = {"isolated": 0.15, "juxtapleural": 0.5, "juxtavascular": 0.45}
# Share of the ball that lies beyond the pleura for a nodule that touches it.
_BEYOND_SHARE = (0.04, 0.35)
# Lung with its partial volume lies below this, soft tissue above.
_DENSE_HU = -500.0
# Radius of vessels that nodules sit on.
_VESSEL_MM = (0.6, 3.0)


class Places:
    """Finds room in a chest, and remembers what was taken.

    Args:
        chest: whose lungs are looked at.
    """

    def __init__(self, chest: Chest) -> None:
        self._chest = chest
        step = np.maximum(1, np.rint(_COARSE_MM / chest.grid.step)).astype(int)
        lungs = chest.lungs[:: step[0], :: step[1], :: step[2]] > 0
        depth = ndimage.distance_transform_edt(lungs, sampling=step * chest.grid.step)
        index = np.argwhere(lungs)
        self.points_mm: Point = chest.grid.mm(index * step)
        self.depth_mm: NDArray[np.float64] = depth[lungs]
        self._taken: list[tuple[Point, float]] = []

    def take(self, center_mm: Point, radius_mm: float) -> None:
        """Nothing else is put within this ball."""
        self._taken.append((center_mm, radius_mm))

    def find(self, kind: str, radius_mm: float, rng: Generator) -> Point | None:
        """A centre for a ball, (3,) (z, y, x) mm; None where no try found room.

        Args:
            kind: one of `PLACES`.
            radius_mm: of the ball.
            rng: draws the tries.
        """
        for center in self._tries(kind, radius_mm, rng):
            if self._is_free(center, radius_mm) and self._fits(kind, center, radius_mm):
                return np.asarray(center, dtype=np.float64)
        return None

    def _tries(self, kind: str, radius_mm: float, rng: Generator) -> Point:
        """(N, 3) centres to try."""
        if kind == "juxtavascular":
            return self._beside_vessels(radius_mm, rng)
        near, far = (radius_mm + _FREE_MM, np.inf) if kind == "isolated" else (0.2 * radius_mm, radius_mm)
        rows = np.flatnonzero((self.depth_mm >= near) & (self.depth_mm <= max(far, _COARSE_MM)))
        if not len(rows):
            return np.empty((0, 3))
        half = self._chest.grid.step / 2
        tries = self.points_mm[rng.choice(rows, _TRIES)] + rng.uniform(-half, half, (_TRIES, 3))
        return np.asarray(tries, dtype=np.float64)

    def _beside_vessels(self, radius_mm: float, rng: Generator) -> Point:
        vessels = self._chest.vessels
        thick = (vessels.start_radius_mm + vessels.end_radius_mm) / 2
        rows = np.flatnonzero((thick >= _VESSEL_MM[0]) & (thick <= min(_VESSEL_MM[1], radius_mm)))
        if not len(rows):
            return np.empty((0, 3))
        rows = rng.choice(rows, _TRIES)
        start, end = vessels.start_mm[rows], vessels.end_mm[rows]
        aside = np.cross(end - start, rng.normal(0, 1, (_TRIES, 3)))
        aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
        reach = rng.uniform(0.6, 0.95, _TRIES) * radius_mm + thick[rows]
        return np.asarray((start + end) / 2 + aside * reach[:, None], dtype=np.float64)

    def _is_free(self, center: Point, radius_mm: float) -> bool:
        grid = self._chest.grid
        room = grid.half * grid.step - np.abs(center)
        if (room < radius_mm + _FREE_MM + grid.step).any() or not grid.value(self._chest.lungs, center):
            return False
        return all(
            float(np.linalg.norm(center - other)) > radius_mm + radius + _APART_MM
            for other, radius in self._taken
        )

    def _fits(self, kind: str, center: Point, radius_mm: float) -> bool:
        """Whether what lies in the ball is what the kind of place says."""
        where, at = self._chest.grid.box(center - radius_mm, center + radius_mm)
        ball = np.linalg.norm(at - center, axis=-1) <= max(radius_mm, float(self._chest.grid.step.max()))
        lung, dense = self._chest.lungs[where][ball] > 0, self._chest.hu[where][ball] > _DENSE_HU
        beyond = 1 - float(lung.mean())
        low, high = _BEYOND_SHARE if kind == "juxtapleural" else (0.0, 0.0)
        return low <= beyond <= high and float(dense.mean()) <= _DENSE_SHARE[kind]
