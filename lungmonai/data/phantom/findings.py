"""What is no nodule for LUNA16 and looks like one: micronodules, scars, plaques, hilar nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .brighter import only_brighter
from .chest import Chest
from .places import Places
from .shapes import Point, Volume, paint, paint_tube

__all__ = ["FINDINGS", "Finding", "paint_findings"]

FINDINGS = ("micronodule", "scar", "plaque", "node", "doubtful nodule")

# LUNA16 counts a nodule from 3 mm; below it is a micronodule.
_MICRO_MM = (1.2, 2.8)
_SCAR_LENGTH_MM, _SCAR_RADIUS_MM, _SCAR_HU = (8.0, 25.0), (0.5, 1.3), (-250.0, 20.0)
_PLAQUE_WIDTH_MM, _PLAQUE_HEIGHT_MM, _PLAQUE_HU = (6.0, 14.0), (2.0, 4.0), (20.0, 90.0)
_NODE_MM, _NODE_HU = (5.0, 11.0), (20.0, 70.0)
# Most of each kind in a scan; at least none.
_MOST = {"micronodule": 6, "scar": 3, "plaque": 2, "node": 3}
# Scars are commonest in the upper and lower fifth of the lungs.
_ENDS = 0.2
_TRIES = 20


@dataclass(frozen=True, eq=False)
class Finding:
    """Something that is not counted as a nodule.

    Args:
        kind: one of `FINDINGS`.
        center_mm: (3,) float, (z, y, x) from the middle of the volume.
        diameter_mm: its size; of a scar its length.
    """

    kind: str
    center_mm: Point
    diameter_mm: float


def paint_findings(chest: Chest, places: Places, rng: Generator) -> Iterator[Finding]:
    """Paint some of each kind into the chest, in place, where there is room.

    Args:
        chest: its `hu` is changed.
        places: knows what is taken; learns what this takes.
        rng: draws how many, where and how.
    """
    painters = {"micronodule": _micronodule, "scar": _scar, "plaque": _plaque, "node": _node}
    for kind, painter in painters.items():
        for _ in range(int(rng.integers(0, _MOST[kind] + 1))):
            found = painter(chest, places, rng)
            if found is not None:
                places.take(found.center_mm, found.diameter_mm / 2)
                yield found


def _micronodule(chest: Chest, places: Places, rng: Generator) -> Finding | None:
    diameter = float(rng.uniform(*_MICRO_MM))
    center = places.find("isolated", diameter / 2, rng)
    if center is None:
        return None
    _paint_ellipsoid(chest, center, np.full(3, diameter / 2), np.eye(3), float(rng.uniform(0, 60)))
    return Finding("micronodule", center, diameter)


def _scar(chest: Chest, places: Places, rng: Generator) -> Finding | None:
    """A bent line with a thickening, in an apex or base."""
    low, high = np.quantile(places.points_mm[:, 0], (_ENDS, 1 - _ENDS))
    length = float(rng.uniform(*_SCAR_LENGTH_MM))
    for _ in range(_TRIES):
        middle = places.find("isolated", 3.0, rng)
        if middle is None or low < middle[0] < high:
            continue
        along = rng.normal(0, 1, 3) * (0.4, 1, 1)
        along *= length / 2 / np.linalg.norm(along)
        bend = rng.normal(0, length / 10, 3)
        ends = middle - along + bend, middle + along + bend
        density = float(rng.uniform(*_SCAR_HU))
        with only_brighter(chest.hu, chest.grid, middle - length, middle + length):
            for end in ends:
                if chest.grid.value(chest.lungs, end):
                    thin, thick = sorted(rng.uniform(*_SCAR_RADIUS_MM, 2).tolist())
                    paint_tube(chest.hu, chest.grid, middle, end, (thick, thin), density)
        return Finding("scar", middle, length)
    return None


def _plaque(chest: Chest, places: Places, rng: Generator) -> Finding | None:
    """A flat bump on the pleura."""
    width, height = float(rng.uniform(*_PLAQUE_WIDTH_MM)), float(rng.uniform(*_PLAQUE_HEIGHT_MM))
    center = places.find("juxtapleural", 3.0, rng)
    if center is None:
        return None
    normal = _away_from_wall(chest, center)
    axes = np.linalg.svd(normal[None])[2]  # its first row is the normal, the others lie on the pleura
    half = np.array([height, width / 2, width / 2 * rng.uniform(0.6, 1)])
    _paint_ellipsoid(chest, center - normal * height / 2, half, axes, float(rng.uniform(*_PLAQUE_HU)))
    return Finding("plaque", center, width)


def _node(chest: Chest, places: Places, rng: Generator) -> Finding | None:
    """Beside a large vessel where the tree begins."""
    vessels = chest.vessels
    roots = np.flatnonzero(vessels.parent < 0)
    if not len(roots):
        return None
    diameter = float(rng.uniform(*_NODE_MM))
    root = int(rng.choice(roots))
    center = vessels.end_mm[root] + rng.normal(0, 1, 3) * (vessels.end_radius_mm[root] + diameter / 4)
    half = diameter / 2 * rng.uniform(0.8, 1.25, 3)
    _paint_ellipsoid(chest, center, half, np.eye(3), float(rng.uniform(*_NODE_HU)))
    return Finding("node", center, diameter)


def _away_from_wall(chest: Chest, center: Point) -> Point:
    """Unit vector from the nearest tissue outside the lung into the lung."""
    where, at = chest.grid.box(center - 8, center + 8)
    outside = at[chest.lungs[where] == 0]
    away = center - outside.mean(axis=0) if len(outside) else np.array([0.0, 0.0, 1.0])
    return np.asarray(away / max(float(np.linalg.norm(away)), 1e-6), dtype=np.float64)


def _paint_ellipsoid(chest: Chest, center: Point, half_mm: Point, axes: Point, density: float) -> None:
    def outside(at: Volume) -> Volume:
        relative = ((at - center) @ axes.T) / half_mm
        far = np.linalg.norm(relative, axis=-1)
        return np.asarray((far - 1) * half_mm.min(), dtype=np.float32)

    reach = half_mm.max() + 1.5
    with only_brighter(chest.hu, chest.grid, center - reach, center + reach):
        paint(chest.hu, chest.grid, center - reach, center + reach, outside, density)
