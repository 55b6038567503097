"""What lies between the lungs: great vessels, windpipe, gullet, and the fat around them.

Landmarks are those of `Patient.places`; read off normal chest CTs and rounded.
"""

from __future__ import annotations

import numpy as np

from .fields import distance_mm, joined, merge_tube, smooth
from .heart import heart_grooves
from .patient import Landmark, Patient
from .shapes import Grid, Volume
from .tubes import Tube, bent_tube, paint_tubes
from .wall import rise

__all__ = ["HILA", "draw_mediastinum", "mediastinum", "septum_x"]

GULLET_HU, AIRWAY_WALL_HU, AIR_HU, GROOVE_HU = 32.0, 32.0, -995.0, -85.0
AIRWAY_WALL_MM = 1.4
# Pleura and fat between the organs and the lungs; how far creases are filled; radius of the spine.
COVER_MM, CREASE_MM, SPINE_MM = 2.5, 16.0, 17.0

Course = tuple[tuple[Landmark, ...], tuple[float, float]]

# Landmarks, and the radius at the first and at the last.
BLOOD: dict[str, Course] = {
    "aorta": (
        (
            *((-48, 62, -4), (-28, 70, -13), (0, 70, -15), (20, 62, -9), (31, 44, 6), (31, 26, 19)),
            *((16, 19, 25), (-15, 19, 24), (-60, 21, 20), (-110, 24, 13), (-150, 26, 7)),
            *((-210, 26, 4), (-280, 26, 4)),
        ),
        (15.5, 10.0),
    ),
    "brachiocephalic artery": (((30, 55, 0), (48, 50, -8), (70, 42, -18), (100, 36, -30)), (6.5, 4.5)),
    "left carotid artery": (((32, 44, 6), (52, 40, 12), (75, 34, 20), (110, 36, 26)), (4.2, 3.6)),
    "left subclavian artery": (
        ((32, 32, 15), (55, 24, 24), (75, 20, 34), (88, 18, 60), (92, 20, 90)),
        (5.0, 4.0),
    ),
    "right subclavian artery": (((70, 42, -18), (80, 32, -34), (90, 24, -60), (94, 22, -90)), (4.5, 4.0)),
    "superior vena cava": (((42, 58, -23), (20, 56, -28), (-10, 54, -29), (-40, 52, -27)), (8.0, 10.0)),
    "left brachiocephalic vein": (((42, 60, -22), (44, 66, -2), (52, 60, 20), (66, 48, 36)), (6.5, 5.5)),
    "right brachiocephalic vein": (((42, 58, -23), (60, 52, -28), (76, 42, -36)), (7.0, 5.5)),
    "azygos vein": (
        ((8, 46, -26), (12, 30, -20), (4, 20, -14), (-30, 17, -9), (-120, 17, -5)),
        (4.0, 3.0),
    ),
    "inferior vena cava": (
        ((-88, 46, -16), (-108, 40, -24), (-150, 34, -24), (-210, 30, -20), (-280, 30, -18)),
        (13.0, 10.5),
    ),
    "pulmonary trunk": (((-45, 84, 14), (-28, 82, 19), (-12, 70, 21), (-5, 52, 22)), (13.5, 12.5)),
    "left pulmonary artery": (
        ((-5, 54, 22), (-4, 42, 30), (-8, 31, 38), (-20, 24, 40), (-34, 22, 40)),
        (11.5, 7.5),
    ),
    "right pulmonary artery": (
        ((-8, 60, 18), (-16, 52, 2), (-18, 48, -18), (-20, 42, -36), (-34, 34, -41), (-46, 30, -42)),
        (11.5, 7.5),
    ),
    "right upper vein": (((-46, 42, -10), (-40, 50, -30), (-30, 54, -43)), (7.5, 5.0)),
    "right lower vein": (((-56, 36, -10), (-60, 30, -28), (-66, 26, -40)), (7.5, 5.5)),
    "left upper vein": (((-44, 46, 14), (-34, 54, 30), (-24, 56, 42)), (7.0, 5.0)),
    "left lower vein": (((-54, 36, 14), (-58, 30, 28), (-64, 26, 38)), (7.0, 5.5)),
}
AIRWAYS: dict[str, Course] = {
    "trachea": (((130, 34, 0), (90, 31, 0), (50, 31, 1), (10, 33, -1), (0, 33, -2)), (8.6, 8.6)),
    "right main bronchus": (((3, 33, -3), (-12, 33, -16), (-24, 32, -27)), (7.2, 6.3)),
    "left main bronchus": (((3, 33, -1), (-14, 34, 12), (-30, 34, 27), (-38, 33, 36)), (6.6, 5.6)),
    "right upper bronchus": (((-18, 33, -22), (-17, 32, -34), (-15, 32, -44)), (4.6, 4.2)),
    "intermediate bronchus": (((-24, 32, -27), (-40, 35, -31), (-54, 35, -36)), (5.2, 4.6)),
}
GULLET: Course = (
    ((120, 20, 4), (60, 19, 4), (20, 21, 3), (-20, 24, 4), (-70, 25, 5), (-105, 31, 10), (-125, 40, 22)),
    (6.5, 7.5),
)
# Where the vessels of the lobes leave the mediastinum, in the order of `LOBES`.
HILA: dict[str, tuple[Landmark, ...]] = {
    "arteries": ((-12, 44, -42), (-42, 36, -43), (-46, 30, -42), (-14, 34, 42), (-34, 22, 40)),
    "veins": ((-30, 54, -43), (-42, 52, -40), (-66, 26, -40), (-24, 56, 42), (-64, 26, 38)),
}


def mediastinum(grid: Grid, patient: Patient, heart_level: Volume) -> Volume:
    """Level of everything between the lungs, with the fat that fills its creases."""
    level = joined(distance_mm(heart_level, grid) - 1, _septum(grid, patient), CREASE_MM)
    for tube in (*_tubes(patient, BLOOD), *_tubes(patient, AIRWAYS), *_tubes(patient, {"": GULLET})):
        for a, b, r in zip(tube.points_mm[:-1], tube.points_mm[1:], tube.radii_mm, strict=False):
            merge_tube(level, grid, a, b, float(r))
    np.minimum(level, _spine(grid, patient), out=level)
    return np.asarray(smooth(level, grid, 4) - COVER_MM, np.float32)


def septum_x(grid: Grid, patient: Patient) -> Volume:
    """(slices, 1, 1) mm to the left, where the two lungs meet in front; the heart pushes it aside."""
    return np.asarray(2 + 9 * rise((patient.down(grid.z) - 0.42) / 0.25), np.float32)


def draw_mediastinum(hu: Volume, grid: Grid, patient: Patient) -> None:
    """Paint the heart's grooves, the great vessels, the gullet and the main airways, in place."""
    paint_tubes(hu, grid, heart_grooves(patient), GROOVE_HU)
    paint_tubes(hu, grid, _tubes(patient, BLOOD), patient.blood_hu)
    paint_tubes(hu, grid, _tubes(patient, {"": GULLET}), GULLET_HU)
    paint_tubes(hu, grid, _tubes(patient, AIRWAYS), AIRWAY_WALL_HU, AIRWAY_WALL_MM)
    paint_tubes(hu, grid, _tubes(patient, AIRWAYS), AIR_HU)


def _tubes(patient: Patient, courses: dict[str, Course]) -> list[Tube]:
    return [bent_tube(patient.places(landmarks), radii) for landmarks, radii in courses.values()]


def _spine(grid: Grid, patient: Patient) -> Volume:
    """The vertebral bodies, and behind them all the way to the wall."""
    y, x = grid.y - patient.spine_y(grid.z), grid.x - patient.spine_x(grid.z)
    # It flares where ribs and transverse processes meet the vertebrae.
    off = np.abs(x) - 4 - 0.02 * np.clip(y, 0, 32) ** 2
    column = np.hypot(np.maximum(0, off), np.where(y > 0, 0.3 * y, y)) - SPINE_MM
    return np.asarray(column, np.float32)


def _septum(grid: Grid, patient: Patient) -> Volume:
    """A curtain of fat from breastbone to spine, thin where the lungs nearly meet."""
    t = patient.down(grid.z)
    # From the spine (0) to the breastbone (about 1.8).
    forwards = np.clip((patient.spine_y(grid.z) - grid.y) / patient.depth_mm, 0, 2)
    neck = 22 * np.clip(0.26 - t, 0, 0.3) / 0.26
    half = np.maximum(12 - 12 * np.clip(forwards - 0.3, 0, 0.9) + neck, 1.5)
    # Before the heart a wedge that narrows towards the breastbone; and the fat below it.
    wedge = 22 * np.clip((1.6 - forwards) / 0.7, 0, 1) * rise((forwards - 0.5) / 0.4)
    below = 12 * rise((t - 0.66) / 0.14) * np.clip(1.5 - np.abs(forwards - 0.9), 0, 1)
    wide = half + wedge * rise((t - 0.27) / 0.2) + below
    return np.asarray(np.abs(grid.x - septum_x(grid, patient)) - wide, np.float32)
