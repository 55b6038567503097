"""What lies below the diaphragm, as levels on the coarse grid."""

from __future__ import annotations

import numpy as np

from .fields import ellipsoid
from .patient import Landmark, Patient
from .shapes import Grid, Volume

__all__ = ["DIAPHRAGM_MM", "Organ", "diaphragm", "dome_z", "organs"]

DIAPHRAGM_MM = 3.5
# How far a dome falls off towards the wall: this much at its half axes (shares of width and depth).
FALL_MM, FALL_WIDTH, FALL_DEPTH = 60.0, 0.60, 0.97
DOME_SIDE, DOME_FRONT = 0.47, 0.13
LIVER_HU, SPLEEN_HU, STOMACH_HU, GAS_HU, KIDNEY_HU = 58.0, 50.0, 35.0, -960.0, 34.0
BLOOD_HU, IN_ORGANS = 45.0, 0.35
# Middle (mm below the left dome, to the back, to the left) and half axes in a chest of usual size.
STOMACH, SPLEEN = ((46, -14, 56), (48, 48, 42)), ((48, 40, 88), (50, 37, 27))
# Gas collects in front of this.
GAS_FROM_MM = 35.0
# Share of the lungs' height from the apex down, mm to the left.
KIDNEYS, KIDNEY_MM = ((1.2, -60), (1.14, 62)), (50, 26, 25)

Organ = tuple[Volume, float]


def dome_z(grid: Grid, patient: Patient, side: int) -> Volume:
    """(1, rows, columns) mm, how high half of the diaphragm reaches; side −1 right, 1 left."""
    top = float(patient.z(patient.domes[0 if side < 0 else 1]))
    across = (grid.x - side * DOME_SIDE * patient.width_mm) / (FALL_WIDTH * patient.width_mm)
    along = (grid.y + DOME_FRONT * patient.depth_mm) / (FALL_DEPTH * patient.depth_mm)
    fall = FALL_MM * patient.tall
    return np.asarray(top - fall * (across**2 + along**2) ** 0.95, np.float32)


def diaphragm(grid: Grid, patient: Patient, inner: Volume) -> Volume:
    """Level of all that lies below both domes, within the cage."""
    top = np.maximum(dome_z(grid, patient, -1), dome_z(grid, patient, 1))
    return np.asarray(np.maximum(0.8 * (grid.z - top), inner), np.float32)


def organs(grid: Grid, patient: Patient, below: Volume, bends: Volume) -> list[Organ]:
    """(level, HU) of liver, spleen, stomach with its gas and kidneys, in the order to paint them.

    Args:
        grid: coarse.
        patient: whose.
        below: level of the space below the diaphragm.
        bends: smooth random field of unit size that makes the outlines irregular.
    """
    room = below + DIAPHRAGM_MM - 2
    stomach = _ball(grid, patient, STOMACH) + 5 * bends
    gas = np.maximum(stomach + 5, grid.y + GAS_FROM_MM * patient.deep)
    # Contrast medium reaches every organ in part, the kidneys most.
    blood = max(0.0, patient.blood_hu - BLOOD_HU) * IN_ORGANS
    return [
        (_liver(grid, patient, room, bends), LIVER_HU + blood),
        (np.maximum(_ball(grid, patient, SPLEEN) - 3 * bends, room + 1), SPLEEN_HU + blood),
        *((_kidney(grid, patient, *kidney), KIDNEY_HU + 2 * blood) for kidney in KIDNEYS),
        (np.maximum(stomach, room + 3), STOMACH_HU),
        (np.maximum(gas, room + 8), GAS_HU),
    ]


def _ball(grid: Grid, patient: Patient, ball: tuple[Landmark, Landmark]) -> Volume:
    """An ellipsoid that is placed from the top of the left dome."""
    (below, y, x), (rz, ry, rx) = ball
    center = np.array([float(patient.z(patient.domes[1])) - below, y * patient.deep, x * patient.wide])
    return ellipsoid(grid, center, (rz, ry * patient.deep, rx * patient.wide))


def _kidney(grid: Grid, patient: Patient, down: float, left_mm: float) -> Volume:
    z = float(patient.z(down))
    return ellipsoid(grid, np.array([z, float(patient.spine_y(z)) + 4, left_mm * patient.wide]), KIDNEY_MM)


def _liver(grid: Grid, patient: Patient, room: Volume, bends: Volume) -> Volume:
    """Under the right dome, thinning out to the left in front."""
    left = (grid.x + 0.75 * grid.y + 0.004 * grid.y**2 - 14) * 0.8 + 7 * bends
    low = float(patient.z(patient.domes[0])) - 165 - 0.35 * grid.x - grid.z + 5 * bends
    return np.asarray(np.maximum(room + 1, np.maximum(left, 0.9 * low)), np.float32)
