"""The two lungs and the fissures between their lobes, as levels on the coarse grid."""

from __future__ import annotations

import numpy as np

from .abdomen import dome_z
from .fields import distance_mm, smooth
from .mediastinum import septum_x
from .patient import Patient
from .shapes import Grid, Volume
from .wall import rib_dents

__all__ = ["LOBES", "fissures", "lobe_levels", "lung"]

LOBES = ("right upper", "right middle", "right lower", "left upper", "left lower")
# The apex is a dome that falls so far at (half a breadth to the side, to the front and back).
APEX_SIDE, APEX_BACK, APEX_FALL_MM = 0.42, 0.22, 46.0
APEX_HALF_WIDTH, APEX_HALF_DEPTH = 0.37, 0.78
# Oblique fissures: (share of height at the back, at the front), and of the horizontal one.
OBLIQUE, HORIZONTAL = {-1: (0.24, 0.88), 1: (0.20, 0.90)}, 0.47


def lung(grid: Grid, patient: Patient, side: int, inner: Volume, between: Volume) -> Volume:
    """Level of a lung: what cage, apex, diaphragm and mediastinum leave; side −1 right, 1 left."""
    across = (side * grid.x - APEX_SIDE * patient.width_mm) / (APEX_HALF_WIDTH * patient.width_mm)
    along = (grid.y - APEX_BACK * patient.depth_mm) / (APEX_HALF_DEPTH * patient.depth_mm)
    apex = grid.z - (patient.apex_mm - APEX_FALL_MM * (across**2 + along**2))
    level = np.maximum(inner + rib_dents(grid, patient), distance_mm(apex, grid))
    np.maximum(level, distance_mm(dome_z(grid, patient, side) - grid.z, grid), out=level)
    np.maximum(level, -between, out=level)
    np.maximum(level, -side * (grid.x - septum_x(grid, patient)), out=level)
    return smooth(level, grid, 3)


def fissures(grid: Grid, patient: Patient, bends: Volume) -> dict[str, Volume]:
    """Levels of the oblique fissures (below zero: lower lobe) and the horizontal one (middle lobe).

    Args:
        grid: coarse.
        patient: whose.
        bends: smooth random field that bends the sheets.
    """
    levels = {}
    for name, side in (("right oblique", -1), ("left oblique", 1)):
        back, front = (float(patient.z(t)) for t in OBLIQUE[side])
        share = (grid.y + patient.depth_mm) / (2 * patient.depth_mm)
        sheet = front + (back - front) * share + 10 * np.sin(np.pi * share)
        sheet = sheet - 14 * (np.abs(grid.x) / patient.width_mm - 0.5)
        levels[name] = distance_mm(grid.z - sheet + 3 * bends, grid)
    forwards = 8 * (grid.y / patient.depth_mm) ** 2
    sheet = patient.z(HORIZONTAL) - forwards - 6 * (np.abs(grid.x) / patient.width_mm - 0.5)
    levels["horizontal"] = distance_mm(np.asarray(grid.z - sheet + 3 * bends, np.float32), grid)
    return levels


def lobe_levels(grid: Grid, right: Volume, left: Volume, sheets: dict[str, Volume]) -> list[Volume]:
    """Levels of the lobes in the order of `LOBES`.

    Args:
        grid: coarse.
        right: level of the right lung.
        left: of the left lung.
        sheets: from `fissures`.
    """
    right_oblique, left_oblique, horizontal = (
        sheets[name] for name in ("right oblique", "left oblique", "horizontal")
    )
    right, left = distance_mm(right, grid), distance_mm(left, grid)
    front = np.maximum(right, -right_oblique)
    return [
        np.maximum(front, -horizontal),
        np.maximum(front, horizontal),
        np.maximum(right, right_oblique),
        np.maximum(left, -left_oblique),
        np.maximum(left, left_oblique),
    ]
