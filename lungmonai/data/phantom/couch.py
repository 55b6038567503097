"""The scanner's table under the patient."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .patient import Patient
from .shapes import Grid, Volume
from .wall import RIB_MM

__all__ = ["table"]

AIR_HU = -1000.0
WITH_TABLE = 0.8
# Two shells of carbon fibre with foam between them, hollow towards the patient.
SHELL_MM, SHELL_HU, FOAM_HU, THICK_MM, HOLLOW = 1.6, -180.0, -940.0, 26.0, 0.0011


def table(grid: Grid, patient: Patient, rng: Generator) -> Volume:
    """(rows, columns) HU of a slice that holds nothing else: the table, or only air."""
    there, gap = bool(rng.random() < WITH_TABLE), float(rng.uniform(2, 8))
    plane = np.full(grid.shape[1:], AIR_HU, np.float32)
    if there:
        back = patient.depth_mm + RIB_MM + 22 + 0.7 * patient.fat_mm + gap
        down = (grid.y - back + HOLLOW * grid.x**2)[0]
        step = float(grid.step[1])
        plane += np.clip(0.5 - (np.abs(down - THICK_MM / 2) - THICK_MM / 2) / step, 0, 1) * (FOAM_HU - AIR_HU)
        for depth in (0.0, THICK_MM):
            share = np.clip((SHELL_MM / 2 - np.abs(down - depth)) / step + 0.5, 0, 1)
            plane += share * (SHELL_HU - plane)
    return plane
