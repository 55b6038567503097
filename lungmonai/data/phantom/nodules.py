"""Painting nodules into a clean chest, in place, and the mask of what was painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .brighter import only_brighter
from .looks import SPICULATED_FROM, Look
from .nodule_shapes import NoduleShape
from .shapes import Grid, Point, Volume, paint_tube

__all__ = ["PlacedNodule", "draw_turn", "paint_nodule", "shares"]

# A thick slice averages what lies in it: so many mm at most between the levels that are averaged.
_LEVEL_MM = 0.7
# Strands of a spiculated nodule: at the surface, where they thin out, and how dense they are.
_STRAND_RADIUS_MM, _STRAND_TIP_MM, _STRAND_HU = (0.4, 0.9), 0.25, (-250.0, 0.0)
_STRAND_LENGTH_MM = (3.0, 5.0)
_STRANDS_A_POINT = 4
# Readers outline generously: in real solid nodules the density is half-way from lung to core this far
# inside the outline (scripts/phantom_densities.py compares both).
_INSET_MM = 0.35
# A small nodule cannot be blurred beyond its own size.
_WIDEST_EDGE = 0.8


@dataclass(frozen=True, eq=False)
class PlacedNodule:
    """A shape and a look at a place.

    Args:
        shape: its surface.
        look: its densities.
        center_mm: (3,) float, (z, y, x) of the centroid from the middle of the volume.
        turn: (3, 3) float, rotates or mirrors the chest's directions into the shape's own.
    """

    shape: NoduleShape
    look: Look
    center_mm: Point
    turn: NDArray[np.float64]

    @property
    def edge_mm(self) -> float:
        """Width over which its density rises."""
        return min(self.look.edge_mm, _WIDEST_EDGE * self.shape.diameter_mm / 2)


def draw_turn(rng: Generator) -> NDArray[np.float64]:
    """A rotation about the patient's long axis and mirrors, so that one shape is not one picture.

    Long axes stay as level or upright as they were: slices were drawn as slices.
    """
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.eye(3)
    turn[1:, 1:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    mirrors: NDArray[np.float64] = turn * rng.choice([-1.0, 1.0], (3, 1))
    return mirrors


def paint_nodule(
    hu: Volume, grid: Grid, nodule: PlacedNodule, rng: Generator
) -> tuple[tuple[slice, ...], NDArray[np.bool_]]:
    """Paint one nodule with its strands.

    What is denser than the nodule stays: a vessel shows through ground glass, a rib is not eaten.

    Args:
        hu: (slices, rows, columns) float32, clean; changed in place.
        grid: of `hu`.
        nodule: what to paint, and where.
        rng: draws the strands.

    Returns:
        A box of voxels, as slices, and which of them lie in the nodule's surface by more than half.
    """
    if nodule.look.spiculation >= SPICULATED_FROM:
        _paint_strands(hu, grid, nodule, rng)
    where, share, target, inside = shares(grid, nodule)
    old = hu[where]
    np.maximum(old, old + share * (target - old), out=old)
    return where, inside


def shares(
    grid: Grid, nodule: PlacedNodule
) -> tuple[tuple[slice, ...], Volume, Volume, NDArray[np.bool_]]:
    """How much of each voxel is nodule, averaged over the slice's thickness.

    Returns:
        A box of voxels as slices; in it the share from 0 to 1; the mean density of that share, in HU;
        and whether more than half of the voxel lies within the surface.
    """
    margin = nodule.shape.reach_mm + nodule.edge_mm + 1
    where, at = grid.box(nodule.center_mm - margin, nodule.center_mm + margin)
    levels = int(np.ceil(grid.step[0] / _LEVEL_MM))
    share: Volume = np.zeros(at.shape[:3], np.float32)
    weighted, inside = np.zeros_like(share), np.zeros_like(share)
    for level in (np.arange(levels) + 0.5) / levels - 0.5:
        local = (at + np.array([level * grid.step[0], 0, 0]) - nodule.center_mm) @ nodule.turn.T
        outside = nodule.shape.outside_mm(local)
        part = np.clip(0.5 - (outside + _INSET_MM) / nodule.edge_mm, 0, 1).astype(np.float32)
        share += part / levels
        weighted += part / levels * nodule.look.hu(outside, local)
        inside += (outside < 0) / np.float32(levels)
    return where, share, (weighted / share.clip(1e-6)).astype(np.float32), inside >= 0.5


def _paint_strands(hu: Volume, grid: Grid, nodule: PlacedNodule, rng: Generator) -> None:
    """Thin tubes from within the surface outwards, thinner and fainter towards their ends."""
    spread = nodule.look.spiculation - SPICULATED_FROM + 1
    longest = _STRAND_LENGTH_MM[1] * spread
    margin = nodule.shape.reach_mm + 2 * longest
    with only_brighter(hu, grid, nodule.center_mm - margin, nodule.center_mm + margin):
        for _ in range(int(rng.integers(2, 5) + _STRANDS_A_POINT * spread)):
            along = rng.normal(0, 1, 3)
            along /= np.linalg.norm(along)
            start = nodule.center_mm + along * _surface_mm(nodule, along)
            bend = rng.normal(0, 0.15, 3).clip(-0.4, 0.4)
            tip = start + (along + bend) * rng.uniform(*_STRAND_LENGTH_MM) * spread
            _paint_strand(hu, grid, (start - along, tip), rng)


def _paint_strand(hu: Volume, grid: Grid, ends: tuple[Point, Point], rng: Generator) -> None:
    """In two pieces, the outer one half as dense as the inner."""
    (root, tip), radius, density = ends, rng.uniform(*_STRAND_RADIUS_MM), rng.uniform(*_STRAND_HU)
    middle, narrow = (root + tip) / 2, (radius + _STRAND_TIP_MM) / 2
    faint = (density + float(grid.value(hu, tip))) / 2
    paint_tube(hu, grid, root, middle, (radius, narrow), density)
    paint_tube(hu, grid, middle, tip, (narrow, _STRAND_TIP_MM), min(faint, density))


def _surface_mm(nodule: PlacedNodule, along: Point) -> float:
    """How far the surface lies from the centroid in a direction of the chest."""
    far = np.linspace(0, nodule.shape.reach_mm, 48)
    outside = nodule.shape.outside_mm((far[:, None] * along) @ nodule.turn.T)
    return float(far[np.flatnonzero(outside <= 0).max(initial=0)])
