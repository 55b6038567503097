"""Twelve pairs of ribs with their cartilage, and the breastbone."""

from __future__ import annotations

import numpy as np

from .bone_paint import Bone, paint_level, paint_slat
from .patient import Patient
from .shapes import Grid, Point, Volume
from .tubes import bent_tube
from .wall import fallen, on_cage, rise

__all__ = ["draw_breastbone", "draw_ribs"]

CARTILAGE = Bone(105.0, 105.0)
# How far each rib runs down on its way to the front, and the angle from the front where bone ends
# and cartilage begins. The last two have no cartilage that shows.
FALL_MM = (40, 60, 76, 88, 97, 103, 106, 104, 98, 84, 52, 30)
BONE_ENDS = (28, 26, 29, 32, 36, 41, 46, 53, 62, 72, 100, 125)
WITH_CARTILAGE, TRUE_RIBS = 10, 7
# Half of thickness and height; the middle line lies so far outside the cage's inner surface.
RIB_HALF_MM, CARTILAGE_HALF_MM, OUT_MM = (3.4, 6.6), (3.4, 6.0), 4.8
# From the vertebra round to the back of the cage, where the rib begins to follow it.
BACK_ANGLE, STEP_ANGLE = 158.0, 6.0
HEAD = ((0.0, 11.0, 19.0), (-2.0, 33.0, 34.0))
# Breastbone: from, to, and from one cartilage to the next, as shares of the lungs' height.
STERNUM, STERNUM_STEP, STERNUM_PIECES = (0.17, 0.66), 0.066, 24
# Half its breadth: manubrium, waist, body, tip; half its thickness; how rounded its sides are.
BREADTH_AT, BREADTH_MM = (0, 0.15, 0.3, 0.8, 1), (27, 25, 13, 18, 8)
STERNUM_OUT_MM, STERNUM_HALF_MM, ROUND_MM = 7.5, 5.5, 5.0


def draw_ribs(hu: Volume, grid: Grid, patient: Patient) -> None:
    """Paint all ribs, in place."""
    for side in (-1, 1):
        for k in range(len(FALL_MM)):
            _rib(hu, grid, patient, k, side)


def _rib(hu: Volume, grid: Grid, patient: Patient, k: int, side: int) -> None:
    top = patient.vertebra_z(k - 0.4)
    angles = np.arange(BACK_ANGLE, BONE_ENDS[k] - 4, -STEP_ANGLE)
    z = top - 6 - FALL_MM[k] * patient.tall * fallen(np.deg2rad(angles))
    spine = np.array([top, float(patient.spine_y(top)), float(patient.spine_x(top))])
    head = spine + np.array(HEAD) * (1, 1, side)
    path = np.concatenate([head, on_cage(patient, side * angles, z, OUT_MM)])
    bone = Bone(patient.cortex_hu, 0.6 * patient.marrow_hu + 60)
    paint_slat(hu, grid, bent_tube(path, (1, 1)).points_mm, RIB_HALF_MM, bone)
    if k < WITH_CARTILAGE:
        end = _cartilage(patient, k, side, float(z[-1]), float(angles[-1]))
        paint_slat(hu, grid, end, CARTILAGE_HALF_MM, CARTILAGE)


def _cartilage(patient: Patient, k: int, side: int, z_mm: float, angle: float) -> Point:
    """From a rib's end to the breastbone, or up to the cartilage above."""
    beyond = max(0, k - TRUE_RIBS + 1)
    last = 10.0 + 8 * beyond
    goal = float(patient.z(STERNUM[0] + 0.03 + STERNUM_STEP * min(k, TRUE_RIBS - 1))) - 14 * beyond
    at = np.linspace(0, 1, 9)
    points = on_cage(patient, side * (angle + (last - angle) * at), z_mm + (goal - z_mm) * rise(at), OUT_MM)
    return bent_tube(points, (1, 1)).points_mm


def draw_breastbone(hu: Volume, grid: Grid, patient: Patient) -> None:
    """Wide at the top, narrow at the waist below it, and a long body; in place."""
    down = np.linspace(0, 1, STERNUM_PIECES)
    z = patient.z(STERNUM[0] + (STERNUM[1] - STERNUM[0]) * down)
    rows = on_cage(patient, np.zeros(len(z)), z, STERNUM_OUT_MM)[:, 1]
    wide = np.interp(down, BREADTH_AT, BREADTH_MM)
    where, at = grid.box((z[-1] - 3, rows.min() - 10, -32), (z[0] + 3, rows.max() + 10, 32))
    # Both vary with height alone.
    heights = at[:, :1, :1, 0]
    row, breadth = (np.interp(heights, z[::-1], v[::-1]).astype(np.float32) for v in (rows, wide))
    beside = np.maximum(0, np.abs(at[..., 2]) - breadth + ROUND_MM) / ROUND_MM
    section = (np.hypot(beside, (at[..., 1] - row) / STERNUM_HALF_MM) - 1) * ROUND_MM
    ends = np.maximum(heights - np.float32(z[0]), np.float32(z[-1]) - heights)
    bone = Bone(0.7 * patient.cortex_hu, 0.8 * patient.marrow_hu)
    paint_level(hu[where], np.maximum(section, ends), grid, bone)
