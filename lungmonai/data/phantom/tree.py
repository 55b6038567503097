"""Trees that fill a space: each branch heads for the middle of the points that it supplies.

The points are split between two branches by a plane, again and again, until each has one: the way
of Tawhai et al., "CT-based geometry analysis and finite element models of the human and ovine
bronchial tree", J Appl Physiol 97 (2004). The calibre follows Murray's law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .shapes import Grid, Point, Volume

__all__ = ["Room", "Tree", "grow"]

# How much of the way to the middle of its points a branch goes: from, to; less near the root, where
# segments fan out, which supply more points than so many.
FORWARDS, MANY = (0.35, 0.55), 120
# Branches bend by such a share of their length, leave their parents gently, and keep off the walls.
BEND, GENTLE, OFF_WALL_MM = 0.03, 0.33, 2.5
# Near its root a tree may leave its space: vessels enter lobes through fat and each other's lobes.
ROOT_MM = 28.0


@dataclass(frozen=True, eq=False)
class Room:
    """A space to fill.

    Args:
        level: distance from its wall, negative inside, on a coarse grid.
        grid: of the level.
    """

    level: Volume
    grid: Grid

    def depth(self, at: Point) -> NDArray[np.float64]:
        """(N,) mm from the wall of (N, 3) points, negative outside."""
        from scipy.ndimage import map_coordinates

        vox = self.grid.vox(at).T
        return np.asarray(-map_coordinates(self.level, vox, order=1, mode="nearest"), np.float64)

    def kept_off(self, at: Point, off_mm: float) -> Point:
        """(N, 3) points, those too near to the wall or outside moved inwards."""
        steps = np.diag(self.grid.step)
        for _ in range(3):
            lack = np.clip(off_mm - self.depth(at), 0, 8)
            if not lack.any():
                break
            inwards = np.stack([self.depth(at + s) - self.depth(at - s) for s in steps], axis=1)
            inwards /= np.maximum(np.linalg.norm(inwards, axis=1, keepdims=True), 1e-6)
            at = at + inwards * lack[:, None]
        return at


@dataclass(frozen=True, eq=False)
class Tree:
    """Branches of a tree, parents before children.

    Args:
        start_mm: (N, 3) float, (z, y, x).
        middle_mm: (N, 3) float, through which the branch bends.
        end_mm: (N, 3) float.
        supplied: (N,) int, how many points each branch supplies.
        parent: (N,) int, −1 for the root.
    """

    start_mm: Point
    middle_mm: Point
    end_mm: Point
    supplied: NDArray[np.int64]
    parent: NDArray[np.int64]


def grow(root_mm: Point, points_mm: Point, room: Room, rng: Generator) -> Tree:
    """Grow a tree from a root to each of some points, within a room.

    Args:
        root_mm: (3,) float.
        points_mm: (N, 3) float, to supply; N at least 1.
        room: to stay in; branches that cannot are left out.
        rng: draws lengths and bends.
    """
    rows: list[tuple[NDArray[np.generic], ...]] = []
    goal = points_mm.mean(axis=0)
    buds = _Buds(root_mm[None], (goal - root_mm)[None], np.array([-1]), [np.arange(len(points_mm))])
    done = 0
    while buds.groups:
        middles, ends = buds.reach(points_mm, room, rng)
        free = (room.depth(ends) > 0.5) & (room.depth(middles) > -0.5)
        near = (buds.parents < 0) | (np.linalg.norm(ends - root_mm, axis=1) < ROOT_MM)
        keep = np.flatnonzero(free | near)
        counts = np.array([len(group) for group in buds.groups])
        rows.append((buds.starts[keep], middles[keep], ends[keep], counts[keep], buds.parents[keep]))
        buds = buds.fork(keep, middles, ends, points_mm, done)
        done += len(keep)
    return Tree(*(np.concatenate(column) for column in zip(*rows, strict=True)))


@dataclass(frozen=True, eq=False)
class _Buds:
    """Branches about to grow: from where, in which direction, of which parent, for which points."""

    starts: Point
    along: Point
    parents: NDArray[np.int64]
    groups: list[NDArray[np.int64]]

    def reach(self, points: Point, room: Room, rng: Generator) -> tuple[Point, Point]:
        """Middles and ends of branches that go part of the way to their goals; the last go all of it."""
        goals = np.stack([points[group].mean(axis=0) for group in self.groups])
        early = np.array([0.6 if len(group) > MANY else 1.0 for group in self.groups])
        last = np.array([len(group) == 1 for group in self.groups])
        way = (goals - self.starts) * np.where(last, 1.0, rng.uniform(*FORWARDS, len(last)) * early)[:, None]
        length = np.linalg.norm(way, axis=1, keepdims=True)
        onwards = self.along / np.maximum(np.linalg.norm(self.along, axis=1, keepdims=True), 1e-9)
        gently = GENTLE * length * onwards
        ends = self.starts + np.where(last[:, None], way, (1 - GENTLE) * way + gently)
        ends += np.where(last[:, None], 0, BEND) * length * rng.standard_normal(way.shape)
        middles = self.starts + 0.4 * (ends - self.starts) + 0.4 * gently
        middles += BEND * length * rng.standard_normal(way.shape)
        return room.kept_off(middles, OFF_WALL_MM), room.kept_off(ends, OFF_WALL_MM)

    def fork(self, keep: NDArray[np.int64], middles: Point, ends: Point, points: Point, done: int) -> _Buds:
        """The next branches: two at the end of each that was kept, none where one point is reached."""
        along = ends - middles
        halves = [_halves(points, self.groups[k], along[k]) for k in keep]
        of = np.repeat(np.arange(len(keep)), [len(h) for h in halves])
        return _Buds(ends[keep][of], along[keep][of], done + of, [half for both in halves for half in both])


def _halves(points: Point, group: NDArray[np.int64], along: Point) -> list[NDArray[np.int64]]:
    """Split a group by the plane through its middle across its longest extent beside a direction."""
    if len(group) < 2:
        return []
    off = points[group] - points[group].mean(axis=0)
    unit = along / max(float(np.linalg.norm(along)), 1e-9)
    beside = off - 0.7 * (off @ unit)[:, None] * unit
    longest = np.linalg.eigh(beside.T @ beside)[1][:, -1]
    side = off @ longest > 0
    if side.all() or not side.any():  # points on one another, which no plane parts
        side = np.arange(len(group)) < len(group) // 2
    return [group[side], group[~side]]
