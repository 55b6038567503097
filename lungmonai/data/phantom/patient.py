"""The measures of one made-up patient, and where landmarks lie in the volume.

Positions are (z, y, x) in mm from the middle of the volume: z upwards, y to the back, x to the
patient's left. Lengths are those of adults on usual chest CTs, rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from .shapes import Grid, Point

__all__ = ["Landmark", "Patient", "draw_patient"]

# mm above the carina, mm in front of the middle of the spine, mm to the left, in a chest of usual size.
Landmark = tuple[float, float, float]

# Apex to the lowest recess. A volume that is too low for the shortest shows a part of the lungs.
HEIGHTS_MM, SHORTEST_MM = (235, 285), 200
# Inner half width of the rib cage; half of its depth is a share of that.
HALF_WIDTHS_MM, DEPTH_SHARES = (116, 140), (0.72, 0.83)
# How the measures that were guessed at a cage of this size grow with it.
USUAL_HEIGHT_MM, USUAL_WIDTH_MM, USUAL_DEPTH_MM = 260.0, 128.0, 88.0
# Height of the first thoracic vertebra, and from one to the next, as shares of the lungs' height.
FIRST_VERTEBRA, PITCH = -0.02, 0.088
# How far the middle of the vertebral bodies lies before the back of the cage.
SPINE_MM = 29.0
# The branching of the trachea lies so far down the lungs, as a share of their height.
CARINA = 0.33
# Contrast medium: in so many of the scans, and what blood then has.
WITH_CONTRAST, CONTRAST_HU = 0.4, (130, 260)


@dataclass(frozen=True)
class Patient:
    """Who lies in the scanner.

    Args:
        apex_mm: z of the lungs' highest point.
        height_mm: from there to their lowest point.
        width_mm: inner half width of the rib cage.
        depth_mm: inner half depth.
        fat_mm: under the skin.
        breasts_mm: how far they reach out; 0 for none.
        muscle: thickness of the muscles, 1 is usual.
        domes: height of the (right, left) diaphragm as a share of the lungs' height, from the top.
        heart: size, 1 is usual.
        sway_mm: how far the spine bends to a side.
        lung_hu: of the lungs in front, where they hold most air.
        gravity_hu: how much denser they are at the back.
        blood_hu: with or without contrast medium.
        marrow_hu: of the vertebrae; less in the old.
        cortex_hu: of the bones' shell.
    """

    apex_mm: float
    height_mm: float
    width_mm: float
    depth_mm: float
    fat_mm: float
    breasts_mm: float
    muscle: float
    domes: tuple[float, float]
    heart: float
    sway_mm: float
    lung_hu: float
    gravity_hu: float
    blood_hu: float
    marrow_hu: float
    cortex_hu: float

    @property
    def tall(self) -> float:
        """Height of the lungs, 1 is usual."""
        return self.height_mm / USUAL_HEIGHT_MM

    @property
    def deep(self) -> float:
        """Depth of the chest, 1 is usual."""
        return self.depth_mm / USUAL_DEPTH_MM

    @property
    def wide(self) -> float:
        """Width of the chest, 1 is usual."""
        return self.width_mm / USUAL_WIDTH_MM

    def z(self, down: ArrayLike) -> NDArray[np.float64]:
        """Share of the lungs' height, from the apex down, to mm."""
        return np.asarray(self.apex_mm - np.asarray(down) * self.height_mm, np.float64)

    def down(self, z_mm: ArrayLike) -> NDArray[np.floating]:
        """The reverse of `z`."""
        return np.asarray((self.apex_mm - np.asarray(z_mm)) / self.height_mm)

    def vertebra_z(self, number: float) -> float:
        """Middle of a vertebra; 0 is the first thoracic one, and halves are discs."""
        return float(self.z(FIRST_VERTEBRA + number * PITCH))

    def spine_y(self, z_mm: ArrayLike) -> NDArray[np.floating]:
        """Middle of the vertebral bodies: bent to the back in the middle of the chest."""
        t = self.down(z_mm)
        bend = 30 * np.clip(0.42 - t, 0, 1) ** 1.5 * 2.2 + 24 * np.clip(t - 0.62, 0, 1) ** 1.5
        return np.asarray(self.depth_mm - SPINE_MM - bend)

    def spine_x(self, z_mm: ArrayLike) -> NDArray[np.floating]:
        """Middle of the vertebral bodies, to the left."""
        return np.asarray(self.sway_mm * np.sin(5 * self.down(z_mm)))

    def places(self, landmarks: Sequence[Landmark]) -> Point:
        """(N, 3) positions of landmarks: mm above the carina, before the spine's middle, to the left."""
        up, front, left = np.array(landmarks, np.float64).T
        z = self.z(CARINA) + up * self.tall
        y = self.spine_y(z) - front * self.deep
        return np.stack([z, y, left * self.wide], axis=1)


def draw_patient(grid: Grid, rng: Generator) -> Patient:
    """Draw a patient whose chest fits the volume."""
    tall, _, wide = 2 * grid.half * grid.step
    height = min(float(rng.uniform(*HEIGHTS_MM)), max(0.92 * float(tall), SHORTEST_MM))
    # What the volume has to spare lies above by a third, but not much of the neck is scanned.
    above = float(np.clip(0.3 * (tall - height), -20, 30))
    width = float(np.clip(rng.uniform(0.365, 0.395) * wide, *HALF_WIDTHS_MM))
    female = bool(rng.random() < 0.45)
    dome = float(rng.uniform(0.66, 0.72))
    return Patient(
        apex_mm=float(tall) / 2 - above,
        height_mm=height,
        width_mm=width,
        depth_mm=width * float(rng.uniform(*DEPTH_SHARES)),
        fat_mm=float(rng.uniform(5, 20)),
        breasts_mm=float(rng.uniform(15, 38)) if female else 0.0,
        muscle=float(rng.uniform(0.6, 0.95) if female else rng.uniform(0.8, 1.25)),
        domes=(dome, dome + float(rng.uniform(0.015, 0.05))),
        heart=float(rng.uniform(0.88, 1.1)),
        sway_mm=float(rng.uniform(-4, 4)),
        lung_hu=float(rng.uniform(-905, -860)),
        gravity_hu=float(rng.uniform(40, 95)),
        blood_hu=float(rng.uniform(*CONTRAST_HU) if rng.random() < WITH_CONTRAST else rng.uniform(36, 48)),
        marrow_hu=float(rng.uniform(90, 210)),
        cortex_hu=float(rng.uniform(450, 750)),
    )
