"""What fills the lungs: tissue that gravity packs at the back, and the fissures' thin sheets."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .fields import Layer, waves
from .patient import Patient
from .shapes import Grid, Volume

__all__ = ["LungTissue"]

# Patchy ventilation, and lobules with vessels too small to draw: (size in mm, HU).
PATCHES, LOBULES = (45.0, 9.0), (5.0, 23.0)
# Two layers of pleura with what clings to them, and how dense.
SHEET_MM, SHEET_HU = 0.9, -560.0


class LungTissue:
    """HU inside the lungs, slice by slice.

    Args:
        coarse: grid of the levels.
        fine: grid to paint in.
        patient: whose.
        sides: levels of the right and of the left lung.
        sheets: levels of the fissures, from `fissures`.
        rng: draws the texture.
    """

    def __init__(
        self,
        coarse: Grid,
        fine: Grid,
        patient: Patient,
        sides: list[Volume],
        sheets: dict[str, Volume],
        rng: Generator,
    ) -> None:
        backwards = np.clip(0.5 + 0.5 * coarse.y / patient.depth_mm, 0, 1) ** 1.6
        hu = patient.lung_hu + patient.gravity_hu * backwards
        for apart_mm, size_hu in (PATCHES, LOBULES):
            hu = hu + size_hu * waves(coarse, rng, apart_mm)
        self.hu = Layer(np.asarray(hu, np.float32), coarse, fine)
        self.sides = [Layer.of_level(side, coarse, fine) for side in sides]
        right = sheets["right oblique"]
        # The horizontal fissure starts from the oblique one.
        middle = np.where(right > 0, sheets["horizontal"], 9.0).astype(np.float32)
        own = ((right, middle), (sheets["left oblique"],))
        self.sheets = [[Layer.of_level(s, coarse, fine) for s in of_side] for of_side in own]
        self.half = 0.5 * SHEET_MM / float(np.sqrt((fine.step[:2] ** 2).mean()))

    def paint(self, hu: Volume, labels: NDArray[np.uint8], z: int) -> None:
        """Fill the lungs of one slice of `hu` and of `labels`, in place: 1 right, 2 left."""
        tissue = self.hu.values_at(z)
        for number, (side, sheets) in enumerate(zip(self.sides, self.sheets, strict=True), 1):
            found = side.slice(z)
            if found:
                where, level = found
                target = tissue[where].copy()
                for sheet in sheets:
                    self._add_sheet(target, sheet, z, where)
                labels[where][level < 0] = number
                hu[where] += np.clip(0.5 - level, 0, 1) * (target - hu[where])

    def _add_sheet(self, tissue: Volume, sheet: Layer, z: int, where: tuple[slice, ...]) -> None:
        found = sheet.slice(z)
        if not found:
            return
        covered, level = found
        far = np.full((covered[0].stop, covered[1].stop), 9, np.float32)
        far[covered] = np.abs(level)
        part = far[where]
        share = np.clip(np.minimum(self.half, part + 0.5) - np.maximum(-self.half, part - 0.5), 0, 1)
        target = tissue[: part.shape[0], : part.shape[1]]
        target += share * (SHEET_HU - target)
