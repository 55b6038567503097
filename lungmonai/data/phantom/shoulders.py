"""Collar bones, shoulder blades and the upper ends of the raised arms."""

from __future__ import annotations

import numpy as np

from .bone_paint import Bone, paint_bar, paint_level
from .fields import Layer
from .patient import Patient
from .shapes import Grid, Volume
from .wall import RIB_MM, on_cage

__all__ = ["draw_shoulders"]

# Each part as angles from the front, shares of the lungs' height from the apex down, and mm outside
# the cage's inner surface (those with the muscles' thickness for the ridge).
COLLAR = ((20, 35, 58, 80), (0.16, 0.10, 0.03, -0.05), (10, 18, 26, 34))
RIDGE = ((146, 125, 100), (0.06, 0.02, -0.03), (26, 40, 50))
ARM = ((96, 96), (-0.06, -0.3), (48, 62))
COLLAR_MM, RIDGE_MM, ARM_MM, HEAD_MM = (7.5, 6.0), (4.0, 6.0), (13.0, 12.0), (23.0, 23.0)
# The blade: from and to as shares of height, its inner edge, its outer edge and how that leans in
# on the way down, all as angles; and how far outside the ribs, half thickness, and of its rim.
BLADE, INNER_EDGE, OUTER_EDGE, LEAN = (-0.06, 0.42), 150.0, 104.0, 72.0
BLADE_OUT_MM, BLADE_HALF_MM, RIM_MM, RIM_WIDTH_MM = 13.0, 2.2, 2.0, 10.0
MM_PER_DEGREE = 1.8


def draw_shoulders(hu: Volume, grid: Grid, patient: Patient, coarse: Grid, inner: Volume) -> None:
    """Paint both sides, in place.

    Args:
        hu: (slices, rows, columns).
        grid: of `hu`.
        patient: whose.
        coarse: grid of `inner`.
        inner: distance from the cage's inner surface.
    """
    long = Bone(patient.cortex_hu, patient.marrow_hu)
    for side in (-1, 1):
        _blade(hu, grid, patient, coarse, inner, side)
        ball = on_cage(patient, [side * ARM[0][0]] * 2, patient.z(ARM[1][:1]), ARM[2][:1])
        ball[1, 0] += 1
        paint_bar(hu, grid, ball, HEAD_MM, long)
        for (angles, heights, out), radii, thick in (
            (COLLAR, COLLAR_MM, 1.0),
            (RIDGE, RIDGE_MM, patient.muscle),
            (ARM, ARM_MM, 1.0),
        ):
            path = on_cage(patient, side * np.array(angles), patient.z(heights), thick * np.array(out))
            paint_bar(hu, grid, path, radii, long)


def _blade(hu: Volume, grid: Grid, patient: Patient, coarse: Grid, inner: Volume, side: int) -> None:
    """A thin triangle on the back of the cage, thicker at its rim."""
    t = patient.down(coarse.z)
    angle = np.rad2deg(np.arctan2(side * coarse.x, -coarse.y))
    sides = np.maximum(angle - INNER_EDGE, OUTER_EDGE + LEAN * np.clip(t, 0, 1) - angle) * MM_PER_DEGREE
    ends = np.maximum(BLADE[0] - t, t - BLADE[1]) * patient.height_mm
    outline = np.maximum(sides, ends).astype(np.float32)
    sheet = np.asarray(inner - RIB_MM - BLADE_OUT_MM * patient.muscle, np.float32)
    # The outline and the sheet are smooth, and the thin blade is made of them on the fine grid.
    box = Layer.of_level(np.maximum(outline, np.abs(sheet) - BLADE_HALF_MM - RIM_MM), coarse, grid).where
    layers = [Layer(part, coarse, grid, fine_box=box) for part in (outline, sheet)]
    bone = Bone(patient.cortex_hu, patient.marrow_hu + 150)
    for z in range(box[0].start, box[0].stop):
        edge, off = (layer.values_at(z) for layer in layers)
        thick = BLADE_HALF_MM + RIM_MM * np.clip((edge + RIM_WIDTH_MM + 4) / RIM_WIDTH_MM, 0, 1)
        paint_level(hu[z][box[1:]], np.maximum(edge, np.abs(off) - thick), grid, bone)
