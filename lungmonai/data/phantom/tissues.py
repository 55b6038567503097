"""The soft tissues around the lungs, from the outside in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from . import abdomen, wall
from .fields import Layer, distance_mm, waves
from .heart import heart_parts
from .patient import Patient
from .shapes import Grid, Volume

__all__ = ["Tissue", "tissues"]

SKIN_HU, FAT_HU, MUSCLE_HU, GLAND_HU, SEAM_HU, BOWEL_HU = 25.0, -102.0, 55.0, 20.0, -70.0, 32.0
SKIN_MM = 2.0
# Muscle cells and fat between them: (size in mm, HU).
FIBRES = (8.0, 8.0)


@dataclass(frozen=True, eq=False)
class Tissue:
    """One tissue.

    Args:
        outline: where it is.
        hu: what it has, one number or varying from place to place, then over the whole grid.
    """

    outline: Layer
    hu: Layer | float

    def paint(self, plane: Volume, z: int) -> None:
        """Blend it into one slice, in place."""
        found = self.outline.slice(z)
        if not found:
            return
        where, level = found
        target = self.hu.values_at(z)[where] if isinstance(self.hu, Layer) else np.float32(self.hu)
        plane[where] += np.clip(0.5 - level, 0, 1) * (target - plane[where])


def tissues(
    coarse: Grid, fine: Grid, patient: Patient, rng: Generator, inner: Volume, heart: Volume
) -> Iterator[Tissue]:
    """All of them, in the order to paint them.

    Args:
        coarse: grid of the levels.
        fine: grid to paint in.
        patient: whose.
        rng: draws textures and irregular outlines.
        inner: distance from the cage's inner surface.
        heart: level of the heart.
    """

    def tissue(level: NDArray[np.floating], hu: Volume | float) -> Tissue:
        varying = hu if isinstance(hu, float) else Layer(hu.astype(np.float32), coarse, fine)
        return Tissue(Layer.of_level(np.asarray(level, np.float32), coarse, fine), varying)

    bends = waves(coarse, rng, 55)
    skin = wall.body(coarse, patient, inner) + 1.5 * bends
    yield tissue(skin, SKIN_HU)
    yield tissue(skin + SKIN_MM, FAT_HU)
    glands = wall.breast_glands(coarse, patient, rng)
    if glands is not None:
        yield tissue(np.maximum(glands, skin + 5), GLAND_HU)
    muscle = np.maximum(wall.muscles(coarse, patient, inner) + bends, skin + SKIN_MM + 2)
    fibres = MUSCLE_HU + FIBRES[1] * waves(coarse, rng, FIBRES[0])
    yield tissue(muscle, np.asarray(fibres, np.float32))
    yield tissue(np.maximum(wall.muscle_seams(coarse, patient, inner, rng), muscle + 2), SEAM_HU)
    yield tissue(inner + 1, _between_lungs(coarse, patient, rng))
    below = abdomen.diaphragm(coarse, patient, inner)
    yield tissue(below, MUSCLE_HU)
    yield tissue(below + abdomen.DIAPHRAGM_MM, FAT_HU)
    bowel = 12 * (0.6 - waves(coarse, rng, 30))
    yield tissue(np.maximum(bowel, below + 12), BOWEL_HU)
    for level, hu in abdomen.organs(coarse, patient, below, bends):
        yield tissue(level, hu)
    for level, hu in heart_parts(coarse, patient, distance_mm(heart, coarse)):
        yield tissue(level, hu)


def _between_lungs(grid: Grid, patient: Patient, rng: Generator) -> Volume:
    """HU of what fills the cage: fat between the lungs, and above them the muscles of the neck."""
    # Where the field crosses zero: seams of fat between muscles.
    muscle = np.clip(3.0 * np.abs(waves(grid, rng, 26)) - 0.2, 0, 1)
    mixed = muscle * np.clip(0.5 + 12 * (0.06 - patient.down(grid.z)), 0, 1)
    return np.asarray(FAT_HU + 12 + (MUSCLE_HU - FAT_HU - 15) * mixed, np.float32)
