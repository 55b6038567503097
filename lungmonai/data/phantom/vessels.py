"""The vessels and airways of the lungs as tapering tubes, lobe by lobe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .mediastinum import HILA
from .patient import Patient
from .shapes import Grid, Point, Volume, paint_tube
from .tree import Room, Tree, grow

__all__ = ["Vessels", "draw_airways", "draw_vessels", "grow_airways", "grow_vessels", "joined"]

# A vessel where it enters the largest lobe, the exponent of Murray's law (measured trees have 2.3
# to 3), and how far a branch narrows that has no child.
ROOT_MM, MURRAY, TAPER = 4.8, 2.4, 0.75
# Vessels end this far from pleura and fissures, on average some mm more.
OFF_PLEURA_MM = 3.0
# One twig for so much lung: as many as the scan can show, and no more than can be drawn in time.
TWIG_MM3, TWIG_VOXELS = 650.0, 450.0
# Airways run beside arteries that are wider than this; lumen and wall as shares of the artery.
AIRWAY_FROM_MM, LUMEN, WALL, WALL_LEAST_MM = 1.0, 0.85, 0.16, 0.4
WALL_HU, AIRWAY_HU = -60.0, -990.0


@dataclass(frozen=True, eq=False)
class Vessels:
    """Tubes that branch: N of them.

    Args:
        start_mm: (N, 3) float, (z, y, x) mm from the middle of the volume.
        end_mm: (N, 3) float, the same.
        start_radius_mm: (N,) float.
        end_radius_mm: (N,) float, no larger.
        parent: (N,) int, the tube at whose end this one starts, or −1 for a root.
    """

    start_mm: NDArray[np.float64]
    end_mm: NDArray[np.float64]
    start_radius_mm: NDArray[np.float64]
    end_radius_mm: NDArray[np.float64]
    parent: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.parent)


def grow_vessels(rooms: list[Room], patient: Patient, fine: Grid, rng: Generator) -> tuple[Vessels, Vessels]:
    """Arteries and veins of all lobes.

    Args:
        rooms: the lobes, in the order of `LOBES`.
        patient: whose.
        fine: grid that they will be drawn in: it decides how many there are.
        rng: draws where they end and how they bend.
    """
    each_mm3 = max(TWIG_MM3, TWIG_VOXELS * float(np.prod(fine.step)))
    sizes = [(room.level < -OFF_PLEURA_MM).sum() * float(np.prod(room.grid.step)) for room in rooms]
    counts = [max(2, int(size / each_mm3)) for size in sizes]
    found = []
    for kind in ("arteries", "veins"):
        roots = patient.places(HILA[kind])
        trees = [
            _tubes(grow(root, _spread(room, count, rng), room, rng), max(counts))
            for root, room, count in zip(roots, rooms, counts, strict=True)
            if (room.level < -OFF_PLEURA_MM).any()
        ]
        found.append(joined(trees))
    return found[0], found[1]


def grow_airways(arteries: Vessels) -> Vessels:
    """Bronchi beside the larger arteries; radii are of the lumen."""
    wide = arteries.end_radius_mm > AIRWAY_FROM_MM
    number = np.cumsum(wide) - 1
    parent = np.where(arteries.parent[wide] >= 0, number[arteries.parent[wide]], -1)
    along = arteries.end_mm - arteries.start_mm
    start, end = (
        at + _beside(along) * ((1 + LUMEN + WALL) * radius)[:, None]
        for at, radius in (
            (arteries.start_mm, arteries.start_radius_mm),
            (arteries.end_mm, arteries.end_radius_mm),
        )
    )
    start, end = start[wide], end[wide]
    start[parent >= 0] = end[parent[parent >= 0]]
    first_mm, last_mm = arteries.start_radius_mm[wide], arteries.end_radius_mm[wide]
    return Vessels(start, end, LUMEN * first_mm, LUMEN * last_mm, parent)


def draw_vessels(hu: Volume, grid: Grid, vessels: Vessels, target_hu: float) -> None:
    """Paint the tubes, in place."""
    _draw(hu, grid, vessels, np.zeros(len(vessels)), target_hu)


def draw_airways(hu: Volume, grid: Grid, airways: Vessels, *, lumen: bool) -> None:
    """Paint the walls, or what they hold, in place."""
    if lumen:
        _draw(hu, grid, airways, np.zeros(len(airways)), AIRWAY_HU)
    else:
        wall = np.maximum(WALL_LEAST_MM, WALL * airways.end_radius_mm / LUMEN)
        _draw(hu, grid, airways, wall, WALL_HU)


def _draw(hu: Volume, grid: Grid, tubes: Vessels, wider_mm: NDArray[np.float64], target_hu: float) -> None:
    radii = np.stack([tubes.start_radius_mm + wider_mm, tubes.end_radius_mm + wider_mm], axis=1).tolist()
    for a, b, (first_mm, last_mm) in zip(tubes.start_mm, tubes.end_mm, radii, strict=True):
        paint_tube(hu, grid, a, b, (first_mm, last_mm), target_hu)


def _spread(room: Room, count: int, rng: Generator) -> Point:
    """(N, 3) points of a room, evenly spread, off its walls."""
    spots = np.argwhere(room.level < -OFF_PLEURA_MM)
    chosen = spots[rng.integers(0, len(spots), count)] + rng.uniform(-0.5, 0.5, (count, 3))
    return room.grid.mm(chosen)


def _tubes(tree: Tree, most: int) -> Vessels:
    """Two tubes for each branch that forks, one for the others; it narrows to its larger child."""
    radius = ROOT_MM * (tree.supplied / most) ** (1 / MURRAY)
    end = TAPER * radius
    children = np.flatnonzero(tree.parent >= 0)
    np.maximum.at(end, tree.parent[children], radius[children])
    end = np.minimum(end, radius)
    half = (radius + end) / 2
    forks = tree.supplied > 1
    # Rows: the first halves, in the order of the branches, and then the second halves of those that fork.
    second = len(forks) + np.cumsum(forks) - 1
    stop = np.where(forks[:, None], tree.middle_mm, tree.end_mm)
    first_parent = np.where(tree.parent >= 0, second[tree.parent], -1)
    return Vessels(
        np.concatenate([tree.start_mm, tree.middle_mm[forks]]),
        np.concatenate([stop, tree.end_mm[forks]]),
        np.concatenate([radius, half[forks]]),
        np.concatenate([np.where(forks, half, end), end[forks]]),
        np.concatenate([first_parent, np.flatnonzero(forks)]),
    )


def joined(parts: list[Vessels]) -> Vessels:
    """All tubes of some trees."""
    before = np.cumsum([0] + [len(part) for part in parts])
    parents = [np.where(p.parent >= 0, p.parent + n, -1) for p, n in zip(parts, before, strict=False)]
    return Vessels(
        np.concatenate([p.start_mm for p in parts]),
        np.concatenate([p.end_mm for p in parts]),
        np.concatenate([p.start_radius_mm for p in parts]),
        np.concatenate([p.end_radius_mm for p in parts]),
        np.concatenate(parents),
    )


def _beside(along: Point) -> Point:
    """(N, 3) unit vectors across directions, to the back and up as far as can be."""
    unit = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    back = np.array([0.5, 0.85, 0.0]) - (unit @ [0.5, 0.85, 0.0])[:, None] * unit
    across: Point = back / np.maximum(np.linalg.norm(back, axis=1, keepdims=True), 1e-9)
    return across
