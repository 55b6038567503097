"""How a nodule looks, from what the readers said of it: density, edge, calcification, strands.

LIDC's readers rated texture from 1 (ground glass) over 3 (part-solid) to 5 (solid), margin from 1
(poorly defined) to 5 (sharp), spiculation from 1 to 5; calcification as popcorn, laminated, solid,
non-central, central or absent; the inside as soft tissue, fluid, fat or air. The Hounsfield units
are those of textbooks (solid about that of muscle, calcification over 200 HU), ground glass and the
width of edges those of LIDC's own nodules (`scripts/phantom_densities.py`); where in their range a
nodule lies is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, multimode

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .lumps import Lumps

__all__ = ["Look", "draw_look", "texture_name"]

CALCIFICATIONS = ("popcorn", "laminated", "solid", "non-central", "central", "absent")  # LIDC's 1 to 6
INSIDES = ("soft tissue", "fluid", "fat", "air")  # LIDC's 1 to 4

SOLID_HU, GROUND_HU, CALCIUM_HU = (0.0, 80.0), (-650.0, -420.0), (200.0, 800.0)
FLUID_HU, FAT_HU, AIR_HU = (0.0, 20.0), (-110.0, -50.0), -950.0
# From here on a reading is solid, or up to here ground glass; between them it is part-solid.
SOLID_FROM, GROUND_TO = 4.5, 1.5
# From here on there are strands around the nodule.
SPICULATED_FROM = 3.0
# Width over which the density rises, in mm, by margin 5 (sharp) and 1 (poorly defined).
EDGE_MM = (1.0, 4.5)
# Unevenness in HU: a solid nodule is nearly homogeneous, ground glass is not.
SOLID_WAVES_HU, GROUND_WAVES_HU = 12.0, 80.0
# A cavity's wall.
WALL_MM = (2.0, 4.0)


@dataclass(frozen=True, eq=False)
class Look:
    """What is inside a nodule's surface, and how its edge is.

    Args:
        texture: "solid", "part-solid" or "ground glass".
        ground_hu: of the part that is ground glass.
        solid_hu: of the part that is solid.
        solid_share: of its depth that is solid: 1 for a solid nodule, 0 for ground glass.
        edge_mm: width over which the density rises from that of lung.
        calcification: one of LIDC's patterns, or "absent".
        calcium_hu: of the calcified parts.
        inside: one of LIDC's inner structures.
        inside_hu: of fluid, fat or air.
        wall_mm: of soft tissue around them.
        spiculation: median rating.
        lumps: unevenness.
        spots: (N, 3) centres of calcified lumps relative to the nodule's radius.
    """

    texture: str
    ground_hu: float
    solid_hu: float
    solid_share: float
    edge_mm: float
    calcification: str
    calcium_hu: float
    inside: str
    inside_hu: float
    wall_mm: float
    spiculation: float
    lumps: Lumps
    spots: NDArray[np.float64]

    def hu(self, outside_mm: NDArray[np.float32], at_mm: NDArray[np.floating]) -> NDArray[np.float32]:
        """Density at points in the nodule, as if it had a sharp edge.

        Args:
            outside_mm: (...,) signed distance to the surface, negative inside.
            at_mm: (..., 3) mm from the centroid.
        """
        depth = float(max(-outside_mm.min(), 0.5))
        lumps = self.lumps.at(at_mm)
        share = self._solid(outside_mm / depth, lumps)
        hu = self.ground_hu + GROUND_WAVES_HU * lumps
        hu += share * (self.solid_hu + SOLID_WAVES_HU * lumps - hu)
        if self.inside != INSIDES[0]:
            _blend(hu, -outside_mm - self.wall_mm, self.inside_hu)
        self._calcify(hu, outside_mm, at_mm, depth)
        return np.asarray(hu, dtype=np.float32)

    def _solid(self, relative: NDArray[np.float32], lumps: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much of each point is solid; relative depth is −1 at the deepest point."""
        if self.solid_share in (0.0, 1.0):
            return np.full_like(relative, self.solid_share)
        # The border of the solid part is uneven: it lies where depth and lumps together say.
        return np.clip((-relative + 0.25 * lumps - (1 - self.solid_share)) / 0.2 + 0.5, 0, 1)

    def _calcify(
        self,
        hu: NDArray[np.float32],
        outside_mm: NDArray[np.float32],
        at_mm: NDArray[np.floating],
        depth: float,
    ) -> None:
        if self.calcification == "absent":
            return
        if self.calcification == "solid":
            _blend(hu, -outside_mm - 0.3, self.calcium_hu)
        elif self.calcification == "laminated":
            shells = np.cos(2 * np.pi * outside_mm / max(depth / 1.5, 1.5))
            _blend(hu, shells.astype(np.float32), self.calcium_hu)
        elif self.calcification == "central":
            _blend(hu, -outside_mm - 0.5 * depth, self.calcium_hu)
        for spot in self.spots:
            far = np.linalg.norm(at_mm - spot * depth, axis=-1)
            _blend(hu, np.minimum(0.3 * depth + 0.4 - far, -outside_mm).astype(np.float32), self.calcium_hu)


def draw_look(ratings: Mapping[str, Sequence[int]], rng: Generator) -> Look:
    """A look that agrees with the readings.

    Args:
        ratings: each reader's number, by LIDC's names in snake case.
        rng: draws what the readings leave open.
    """
    middle = {name: float(median(numbers)) for name, numbers in ratings.items()}
    texture = middle["texture"]
    edge = np.interp(middle["margin"], (1, 5), EDGE_MM[::-1]) * rng.uniform(0.8, 1.2)
    calcification = _named(CALCIFICATIONS, ratings["calcification"], "absent")
    inside = _named(INSIDES, ratings["internal_structure"], INSIDES[0])
    inside_hu = {"fluid": rng.uniform(*FLUID_HU), "fat": rng.uniform(*FAT_HU)}.get(inside, AIR_HU)
    spots = rng.normal(0, 0.35, (int(rng.integers(4, 8)), 3))
    return Look(
        texture=texture_name(texture),
        ground_hu=float(rng.uniform(*GROUND_HU) + 40 * (texture - 1)),
        solid_hu=float(rng.uniform(*SOLID_HU)),
        solid_share=float(np.clip((texture - GROUND_TO) / (SOLID_FROM - GROUND_TO), 0, 1)),
        edge_mm=float(edge),
        calcification=calcification,
        calcium_hu=float(rng.uniform(*CALCIUM_HU)),
        inside=inside,
        inside_hu=float(inside_hu),
        wall_mm=float(rng.uniform(*WALL_MM)),
        spiculation=middle["spiculation"],
        lumps=Lumps(rng, float(rng.uniform(1.5, 3.5))),
        spots={"popcorn": spots, "non-central": spots[:1] + 0.3}.get(calcification, spots[:0]),
    )


def texture_name(texture: float) -> str:
    """LIDC's texture rating in a word.

    Args:
        texture: 1 to 5, the median of the readers.
    """
    if texture <= GROUND_TO:
        return "ground glass"
    return "solid" if texture >= SOLID_FROM else "part-solid"


def _named(names: Sequence[str], numbers: Sequence[int], usual: str) -> str:
    """What most readers said; of a tie the usual answer, where it is among them."""
    said = [names[min(max(number, 1), len(names)) - 1] for number in multimode(numbers)]
    return usual if usual in said else said[0]


def _blend(hu: NDArray[np.float32], inwards_mm: NDArray[np.float32], target: float) -> None:
    """Bring in a density where `inwards_mm` is above zero, over half a millimetre."""
    hu += np.clip(inwards_mm / 0.5 + 0.5, 0, 1) * (target - hu)
