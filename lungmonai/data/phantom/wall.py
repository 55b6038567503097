"""The chest's wall: rib cage, muscles, fat and skin, as levels on the coarse grid.

Heights are shares of the lungs' height from the apex down; angles go from the front (0°) over the
side (90°) to the back (180°).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from .fields import distance_mm, ellipsoid, joined, waves
from .patient import Patient
from .shapes import Grid, Point, Volume

__all__ = [
    "RIB_MM",
    "body",
    "breast_glands",
    "cage",
    "fallen",
    "muscle_seams",
    "muscles",
    "on_cage",
    "rib_dents",
    "rise",
]

# Ribs with the muscles between them.
RIB_MM = 9.0
# Most ribs run down so far from spine to breastbone; how deep they press into the lungs.
RIB_FALL_MM, DENT_MM = 100.0, 0.9
# An ellipse bulged towards a box, as chests are; backs lie flat on the table.
CAGE_POWER, FRONT_POWER, BACK_POWER = 2.4, 2.4, 3.0
# Thickness of the muscles on the ribs by angle: midline, pectorals, side, latissimus and scapula,
# the long muscles beside the spine, the spinous processes.
ANGLES = (0, 12, 30, 55, 80, 105, 130, 150, 168, 180)
MUSCLE_MM = (1, 3, 13, 15, 8, 13, 17, 24, 28, 18)
# How far the body reaches out beside the cage, by height: shoulders, axillae, flanks.
SIDE_HEIGHTS = (-0.35, -0.1, 0.03, 0.15, 0.3, 0.45, 0.6, 1.0)
SIDE_MM = (10, 50, 52, 44, 32, 18, 9, 7)


def rise(x: ArrayLike) -> NDArray[np.floating]:
    """From 0 at 0 to 1 at 1 without corners."""
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


def fallen(turn: ArrayLike) -> NDArray[np.floating]:
    """How much of its fall a rib has behind it, 0 to 1, at an angle from the front in radians."""
    return np.asarray(((1 + np.cos(turn)) / 2) ** 1.1)


def cage(grid: Grid, patient: Patient) -> Volume:
    """Inner surface of the ribs; open at the top and below."""
    width, front, back = _half_axes(patient.down(grid.z), patient)
    return distance_mm(_bulged(grid, width, front, back, (CAGE_POWER, CAGE_POWER)), grid)


def on_cage(patient: Patient, angle: ArrayLike, z_mm: ArrayLike, out_mm: ArrayLike) -> Point:
    """(N, 3) positions so far outside the cage's inner surface.

    Args:
        patient: whose.
        angle: (N,) float, degrees from the front; negative on the right.
        z_mm: (N,) float.
        out_mm: (N,) float.
    """
    turn = np.deg2rad(np.asarray(angle, np.float64))
    width, front, back = _half_axes(patient.down(z_mm), patient)
    deep = np.where(np.cos(turn) > 0, front, back)
    power = CAGE_POWER
    level = (np.abs(np.sin(turn)) / width) ** power + (np.abs(np.cos(turn)) / deep) ** power
    far = level ** (-1 / power) + np.asarray(out_mm, np.float64)
    parts = np.broadcast_arrays(np.asarray(z_mm, np.float64), -far * np.cos(turn), far * np.sin(turn))
    return np.stack(parts, axis=-1)


def muscles(grid: Grid, patient: Patient, inner: Volume) -> Volume:
    """Outer surface of the muscles around the cage."""
    return np.asarray(inner - RIB_MM - _muscle_mm(grid, patient), np.float32)


def muscle_seams(grid: Grid, patient: Patient, inner: Volume, rng: Generator) -> Volume:
    """Thin sheets of fat between the layers of muscle, broken in places."""
    thick = _muscle_mm(grid, patient)
    seam = np.abs(inner - RIB_MM - 0.42 * thick) - 1.0
    return np.asarray(seam + np.maximum(0, 11 - thick) + 0.9 * waves(grid, rng, 20), np.float32)


def body(grid: Grid, patient: Patient, inner: Volume) -> Volume:
    """The skin."""
    t = patient.down(grid.z)
    width, front, back = _half_axes(t, patient)
    beside = np.interp(t, SIDE_HEIGHTS, SIDE_MM) * (0.75 + 0.25 * patient.muscle)
    pectoral = 12 * patient.muscle * _pectoral(t)
    level = _bulged(
        grid,
        width + RIB_MM + beside + 1.1 * patient.fat_mm,
        front + RIB_MM + pectoral + 0.8 * patient.fat_mm + 22 * rise((0.05 - t) / 0.2),
        back + RIB_MM + 22 + 0.7 * patient.fat_mm,
        (FRONT_POWER, BACK_POWER),
    )
    out = np.minimum(distance_mm(level, grid), muscles(grid, patient, inner) - 0.5 * patient.fat_mm - 2)
    for breast in _breasts(grid, patient, 1.0):
        out = joined(out, breast, 14)
    return np.asarray(out, np.float32)


def breast_glands(grid: Grid, patient: Patient, rng: Generator) -> Volume | None:
    """Glandular tissue in the breasts' fat; None where there is none."""
    if not patient.breasts_mm:
        return None
    left, right = _breasts(grid, patient, 0.55)
    return np.asarray(np.minimum(left, right) + 7 * waves(grid, rng, 14), np.float32)


def _breasts(grid: Grid, patient: Patient, size: float) -> list[Volume]:
    if not patient.breasts_mm:
        return []
    y = -patient.depth_mm * 0.86 - RIB_MM - 5
    radii = (64 * size, (0.8 * patient.breasts_mm + 16) * size, 66 * size)
    sides = (-0.55 * patient.width_mm, 0.55 * patient.width_mm)
    return [ellipsoid(grid, np.array([float(patient.z(0.5)), y, x]), radii) for x in sides]


def rib_dents(grid: Grid, patient: Patient) -> Volume:
    """How far the ribs stand in towards the lungs, (slices, rows, columns) mm about 0."""
    spacing_mm = patient.vertebra_z(0) - patient.vertebra_z(1)
    angle = np.arctan2(np.abs(grid.x), -grid.y)
    along = grid.z + RIB_FALL_MM * fallen(angle) * patient.tall
    return np.asarray(DENT_MM * np.cos(2 * np.pi * (along - patient.apex_mm) / spacing_mm), np.float32)


def _half_axes(t: NDArray[np.floating], patient: Patient) -> tuple[Volume, Volume, Volume]:
    """Half width, depth to the front and depth to the back of the cage at some heights, in mm."""
    width = patient.width_mm * (0.68 + 0.32 * rise((t + 0.1) / 0.65))
    front = patient.depth_mm * (0.52 + 0.48 * rise((t + 0.05) / 0.8))
    back = patient.depth_mm * (0.84 + 0.16 * rise(t / 0.4) - 0.05 * rise((t - 0.6) / 0.5))
    return tuple(np.asarray(a, np.float32) for a in (width, front, back))  # type: ignore[return-value]


def _bulged(grid: Grid, width: Volume, front: Volume, back: Volume, powers: tuple[float, float]) -> Volume:
    """Level of a bulged ellipse whose axes change from slice to slice."""
    halves = []
    for deep, power in zip((front, back), powers, strict=True):
        side = (np.abs(grid.x) / width) ** power
        halves.append((side + (np.abs(grid.y) / deep) ** power) ** (1 / power))
    return np.asarray((np.where(grid.y < 0, *halves) - 1) * front.mean(), np.float32)


def _muscle_mm(grid: Grid, patient: Patient) -> Volume:
    t = patient.down(grid.z)
    angle = np.rad2deg(np.arctan2(np.abs(grid.x), -grid.y))
    usual = np.interp(angle, ANGLES, MUSCLE_MM).astype(np.float32)
    front = rise((85 - angle) / 25)
    blade = np.exp(-(((angle - 118) / 32) ** 2)) * rise((0.48 - t) / 0.3) * 17
    arm = np.exp(-(((angle - 92) / 30) ** 2)) * rise((0.2 - t) / 0.2) * 24
    thick = usual * (1 - front * (1 - _pectoral(t))) + blade + arm
    return np.asarray(thick * patient.muscle, np.float32)


def _pectoral(t: NDArray[np.floating]) -> NDArray[np.floating]:
    """How much of the chest muscle there is at a height: little below the nipples."""
    return np.asarray(1 - 0.75 * rise((t - 0.38) / 0.25))
