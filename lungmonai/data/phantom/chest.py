"""A chest that was never scanned: each generator gives another, the same one the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...errors import SettingsError
from . import wall
from .couch import table
from .fields import coarse_grid, waves
from .heart import heart
from .lobes import fissures, lobe_levels, lung
from .lung_tissue import LungTissue
from .mediastinum import draw_mediastinum, mediastinum
from .patient import draw_patient
from .ribs import draw_breastbone, draw_ribs
from .shapes import Grid, Volume
from .shoulders import draw_shoulders
from .spine import draw_spine
from .tissues import tissues
from .tree import Room
from .vessels import Vessels, draw_airways, draw_vessels, grow_airways, grow_vessels, joined

__all__ = ["Chest", "make_chest"]

# A small adult's rib cage, and enough of it from top to bottom to hold parts of all lobes.
LEAST_MM = (130, 220, 240)


@dataclass(frozen=True, eq=False)
class Chest:
    """A clean chest CT and what is in it.

    Args:
        hu: (slices, rows, columns) float32, clean and soft-edged; axial, columns to the patient's
            left, rows to the back, slices upwards.
        lungs: (slices, rows, columns) uint8: 0 outside, 1 right lung, 2 left lung; with their vessels
            and small airways, without the main bronchi.
        spacing_mm: (x, y, z).
        vessels: arteries and veins of the lungs.
        grid: of `hu`.
    """

    hu: Volume
    lungs: NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]
    vessels: Vessels
    grid: Grid


def make_chest(
    rng: Generator, *, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> Chest:
    """Make the chest that the generator's next numbers decide.

    Args:
        rng: draws the patient, and then every detail.
        shape: (slices, rows, columns).
        spacing_mm: between columns, rows and slices.

    Raises:
        SettingsError: the volume has no room for a chest.
    """
    # 1. The patient, and the smooth shapes on a coarse grid.
    grid = Grid(shape, spacing_mm)
    _check_room(grid)
    coarse = coarse_grid(grid)
    patient = draw_patient(grid, rng)
    inner = wall.cage(coarse, patient)
    heart_level = heart(coarse, patient)
    between = mediastinum(coarse, patient, heart_level)
    sides = [lung(coarse, patient, side, inner, between) for side in (-1, 1)]
    sheets = fissures(coarse, patient, waves(coarse, rng, 60))

    # 2. Soft tissues and lungs, slice by slice.
    layers = list(tissues(coarse, grid, patient, rng, inner, heart_level))
    filling = LungTissue(coarse, grid, patient, sides, sheets, rng)
    hu, lungs = np.empty(shape, np.float32), np.zeros(shape, np.uint8)
    hu[:] = table(grid, patient, rng)
    for z in range(shape[0]):
        for layer in layers:
            layer.paint(hu[z], z)
        filling.paint(hu[z], lungs[z], z)

    # 3. What is drawn tube by tube. Lumens come last: a vessel may cross a bronchus' wall.
    rooms = [Room(level, coarse) for level in lobe_levels(coarse, sides[0], sides[1], sheets)]
    arteries, veins = grow_vessels(rooms, patient, grid, rng)
    airways, vessels = grow_airways(arteries), joined([arteries, veins])
    draw_airways(hu, grid, airways, lumen=False)
    draw_vessels(hu, grid, vessels, patient.blood_hu)
    draw_mediastinum(hu, grid, patient)
    draw_airways(hu, grid, airways, lumen=True)
    draw_spine(hu, grid, patient)
    draw_ribs(hu, grid, patient)
    draw_shoulders(hu, grid, patient, coarse, inner)
    draw_breastbone(hu, grid, patient)
    return Chest(hu, lungs, spacing_mm, vessels, grid)


def _check_room(grid: Grid) -> None:
    size = np.array(grid.shape) * grid.step
    if not (size >= LEAST_MM).all():
        came, wanted = (" by ".join(f"{mm:.0f}" for mm in sizes) for sizes in (size, LEAST_MM))
        raise SettingsError(
            f"a volume of {came} mm (slices, rows, columns)",
            wanted=f"at least {wanted} mm, room for a chest",
            do="Give more voxels or a wider spacing.",
        )
