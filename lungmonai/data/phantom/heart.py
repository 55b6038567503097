"""The heart: its outline, its chambers, and the fat in its grooves.

Landmarks are those of `Patient.places`.
"""

from __future__ import annotations

import numpy as np

from .fields import ellipsoid, smooth
from .patient import Landmark, Patient
from .shapes import Grid, Point, Volume
from .tubes import Tube, bent_tube

__all__ = ["heart", "heart_grooves", "heart_parts"]

# The long axis of the ventricles (z, y, x) points down, forwards and to the left.
LONG = np.array([-0.50, -0.46, 0.73])
# Middle and half axes of both ventricles together; of the right and of the left atrium.
HEART_AT, HEART_MM = (-78.0, 74.0, 25.0), (68.0, 48.0, 50.0)
RIGHT_ATRIUM = ((-66.0, 62.0, -20.0), (40.0, 32.0, 27.0))
LEFT_ATRIUM = ((-52.0, 42.0, 4.0), (20.0, 19.0, 36.0))
# Shares of the heart's half axes: where the cavities of the left and right ventricle lie and reach.
LEFT_VENTRICLE = ((0.02, -0.30, 0.22), (0.62, 0.42, 0.42))
RIGHT_VENTRICLE = ((0.05, 0.42, -0.42), (0.62, 0.36, 0.50))
# Contrast medium reaches the heart's muscle in part.
MUSCLE_HU, IN_MUSCLE, WALL_MM = 46.0, 0.3, 3.0
# The groove round the heart behind its ventricles, as a share of the long half axis.
GROOVE_MM, GROOVE_AT = 4.2, -0.3


def heart(grid: Grid, patient: Patient) -> Volume:
    """Level of the heart with its atria, without the fat around it."""
    center, axes, radii = _frame(patient)
    level = ellipsoid(grid, center, radii, axes)
    for at, mm in (RIGHT_ATRIUM, LEFT_ATRIUM):
        np.minimum(level, _atrium(grid, patient, at, mm, 0), out=level)
    return smooth(level, grid, 4)


def heart_parts(grid: Grid, patient: Patient, outline: Volume) -> list[tuple[Volume, float]]:
    """(level, HU) of the heart's muscle and of its four chambers, in the order to paint them."""
    center, axes, radii = _frame(patient)
    chambers = [_atrium(grid, patient, at, mm, WALL_MM) for at, mm in (RIGHT_ATRIUM, LEFT_ATRIUM)]
    for at, share in (LEFT_VENTRICLE, RIGHT_VENTRICLE):
        a, b, c = (s * r for s, r in zip(share, radii, strict=True))
        chambers.append(ellipsoid(grid, center + (np.array(at) * radii) @ axes, (a, b, c), axes))
    muscle_hu = MUSCLE_HU + IN_MUSCLE * (patient.blood_hu - MUSCLE_HU)
    inside = outline + WALL_MM
    return [(outline, muscle_hu), *((np.maximum(level, inside), patient.blood_hu) for level in chambers)]


def heart_grooves(patient: Patient) -> list[Tube]:
    """Fat along the coronary arteries: round the heart behind its ventricles, and between them."""
    center, axes, radii = _frame(patient)
    turn = np.linspace(-0.6, 3.6, 9)
    around = np.stack([np.full(9, GROOVE_AT), 0.96 * np.cos(turn), 0.96 * np.sin(turn)], axis=1)
    far = np.array([GROOVE_AT, 0.1, 0.5, 0.85])
    along = np.stack([far, 0.5 * np.sqrt(1 - far**2), 0.87 * np.sqrt(1 - far**2)], axis=1)
    ends = (GROOVE_MM, 0.7 * GROOVE_MM)
    return [bent_tube(center + (path * radii) @ axes, ends) for path in (around, along)]


def _frame(patient: Patient) -> tuple[Point, Point, tuple[float, float, float]]:
    """Middle, own axes as rows, and half axes in mm."""
    across = np.cross(LONG, [0.3, 1.0, 0.4])
    axes = np.array([LONG, across, np.cross(LONG, across)])
    a, b, c = (r * patient.heart * patient.wide for r in HEART_MM)
    return patient.places([HEART_AT])[0], axes / np.linalg.norm(axes, axis=1, keepdims=True), (a, b, c)


def _atrium(grid: Grid, patient: Patient, at: Landmark, radii_mm: Landmark, wall_mm: float) -> Volume:
    a, b, c = (r * patient.heart * patient.wide - wall_mm for r in radii_mm)
    return ellipsoid(grid, patient.places([at])[0], (a, b, c))
