"""The crude chest of the toy scan: body, bones, lungs, heart, airways, vessels and nodules.

Positions are (z, y, x) in mm from the middle of the volume.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from .shapes import Grid, Mask, Point, Volume, paint, paint_tube

__all__ = ["draw_chest", "draw_nodules", "draw_vessels"]

# Hounsfield units of the tissues, after common tables; crude on purpose.
AIR, LUNG, FAT, MUSCLE, BLOOD, BONE, MARROW = -1000, -850, -100, 50, 40, 500, 200
DIAMETERS_MM = (5.0, 20.0)
THINNEST_MM = 0.5  # radius where vessels end


def draw_chest(grid: Grid, rng: Generator) -> tuple[Volume, Mask]:
    """Body, bones, lungs, heart and airways: (z, y, x) HU, and where lung is."""
    z, y, x = grid.z, grid.y, grid.x
    wide = float(min(0.93 * np.abs(x).max(), 165) * rng.uniform(0.93, 1))
    deep = wide * float(rng.uniform(0.65, 0.72))
    waves = grid.waves(rng, 45)

    def ellipse(cy: float, cx: float, ry: float, rx: float) -> Volume:
        return np.asarray(((y - cy * deep) / (ry * deep)) ** 2 + ((x - cx * wide) / (rx * wide)) ** 2)

    body, cage = ellipse(0, 0, 1, 1), ellipse(0, 0, 0.88, 0.87)
    hu = np.full(grid.shape, AIR, np.float32)
    hu[np.broadcast_to(body < 1, hu.shape)] = FAT
    hu[ellipse(0, 0, 0.93, 0.94) + 0.03 * waves < 1] = MUSCLE
    # Ribs run down towards the front, so that an axial slice cuts several of them aslant.
    slope = np.cos(2 * np.pi * (z + 0.35 * y) / 26) > 0.25
    hu[(cage < 1) & (cage > 0.86) & slope] = BONE
    hu[np.broadcast_to(ellipse(0.66, 0, 0.17, 0.12) < 1, hu.shape)] = BONE
    hu[np.broadcast_to(ellipse(0.64, 0, 0.12, 0.09) < 1, hu.shape)] = MARROW

    heart = ellipse(-0.28, 0.14, 0.42, 0.38) + ((z + 50) / 75) ** 2
    middle = ellipse(0, 0, 0.75, 0.15)
    spine = ellipse(0.66, 0, 0.25, 0.19)
    aorta = ellipse(0.38, 0.14, 0.12, 0.09)
    domes = ((z + 130) / 62) ** 2 + ((np.abs(x) - 0.45 * wide) / (0.5 * wide)) ** 2 + (y / deep) ** 2
    level = ellipse(0.02, 0, 0.8, 0.8) + np.abs((z + 5) / 135) ** 3 + 0.05 * waves
    lungs = (level < 1) & (middle > 1) & (spine > 1) & (aorta > 1) & (domes > 1)
    lungs &= heart + 0.06 * waves > 1
    hu[lungs] = (LUNG + 35 * y / deep + 12 * waves)[lungs]
    hu[np.broadcast_to((ellipse(0.12, 0, 0.085, 0.055) < 1) & (z > 10), hu.shape)] = AIR
    for side in (-1, 1):
        carina, hilum = np.array([10.0, 0.12 * deep, 0]), np.array([-15.0, 0.12 * deep, side * 0.22 * wide])
        paint_tube(hu, grid, carina, hilum, 6.0, AIR)
    return hu, lungs


def draw_vessels(hu: Volume, lungs: Mask, grid: Grid, rng: Generator) -> None:
    """Grow a tree of tapering tubes from each hilum, in place."""
    wide = float(np.abs(grid.x).max())
    for side in (-1, 1):
        for _ in range(9):
            start = np.array([rng.uniform(-40, 25), rng.uniform(-15, 20), side * 0.22 * wide])
            outwards = rng.normal([0, 0, 1.2 * side], 1)
            _grow(hu, lungs, grid, rng, start, outwards, float(rng.uniform(2.5, 5.0)))


def _grow(
    hu: Volume, lungs: Mask, grid: Grid, rng: Generator, start: Point, along: Point, radius_mm: float
) -> None:
    """Paint one vessel from `start` and, at its end, its two smaller branches."""
    length_mm = rng.uniform(6, 10) * np.sqrt(radius_mm + 1)
    for bend in (0.35, 0.7, 1.0):  # bends away from walls, or ends there
        bent = along / np.linalg.norm(along) + rng.normal(0, bend, 3)
        end = start + bent / np.linalg.norm(bent) * length_mm
        if grid.inside(end, lungs):
            paint_tube(hu, grid, start, end, radius_mm, BLOOD)
            for smaller in radius_mm * rng.uniform(0.68, 0.88, 2):
                if smaller > THINNEST_MM:
                    _grow(hu, lungs, grid, rng, end, bent, float(smaller))
            return


def draw_nodules(hu: Volume, lungs: Mask, grid: Grid, rng: Generator) -> Iterator[tuple[Point, float]]:
    """Put 3 to 7 nodules where there is room for them, in place; gives (centre, diameter in mm)."""
    spots = np.argwhere(lungs)
    for diameter_mm in rng.uniform(*DIAMETERS_MM, rng.integers(3, 8)):
        radius = float(diameter_mm) / 2
        for spot in rng.permutation(spots[rng.integers(0, len(spots), 400)]):
            center = (spot - grid.half) * grid.step + rng.uniform(-0.4, 0.4, 3)
            if _has_room(hu, lungs, grid, center, radius + 3):
                _paint_nodule(hu, grid, rng, center, radius)
                yield center, float(diameter_mm)
                break


def _has_room(hu: Volume, lungs: Mask, grid: Grid, center: Point, radius_mm: float) -> bool:
    """Whether a ball lies within the volume and the lungs and next to no vessel crosses it."""
    if (np.abs(center) + radius_mm > grid.half * grid.step).any():
        return False
    where, at = grid.box(center - radius_mm, center + radius_mm)
    ball = np.linalg.norm(at - center, axis=-1) < radius_mm
    return bool(lungs[where][ball].all() and (hu[where][ball] > -500).mean() < 0.02)


def _paint_nodule(hu: Volume, grid: Grid, rng: Generator, center: Point, radius_mm: float) -> None:
    """A ball whose radius varies by a few per cent with direction."""
    bumps, target = rng.normal(0, 3, (2, 3)), float(rng.uniform(-100, 100))

    def outside(at: Point) -> Point:
        away = at - center
        far = np.linalg.norm(away, axis=-1)
        unit = away / np.maximum(far, 1e-6)[..., None]
        return np.asarray(far - radius_mm * (1 + 0.05 * np.sin(unit @ bumps.T).sum(axis=-1)))

    reach = 1.2 * radius_mm + 1
    paint(hu, grid, center - reach, center + reach, outside, target)
