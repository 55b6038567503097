"""Candidates as a detector would give them: on nodules, and where it would be fooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .chest import Chest
from .places import Places
from .shapes import Point

__all__ = ["Candidates", "ball_candidates", "draw_candidates", "fooling_points"]

# Negatives of a scan: LUNA16 has some 850; here fewer, and fewer yet in a small scan.
MOST_NEGATIVES, MOST_NEGATIVES_SMALL = 450, 100
# LUNA16's second list has 1,557 positives for 1,186 nodules.
DUPLICATE_SHARE = 0.3
# Spread of a positive about the centre, as a share of the diameter: all stay within the radius.
SPREAD, FARTHEST = 0.08, 0.4
# Detectors blur over a few mm: a negative lies at least this far outside a nodule.
BESIDE_MM = 2.0
# Vessels whose sections look like small nodules.
_VESSEL_MM = (0.7, 5.0)
_UPRIGHT = 0.85
_CROSSING_MM = 1.0
_BONE_HU, _NEAR_LUNG_MM = 250.0, 5.0


@dataclass(frozen=True, eq=False)
class Candidates:
    """Points with a class.

    Args:
        center_mm: (N, 3) float, (z, y, x) from the middle of the volume.
        positive: (N,) bool.
        kind: what each lies on.
    """

    center_mm: Point
    positive: NDArray[np.bool_]
    kind: tuple[str, ...]


def draw_candidates(
    chest: Chest,
    places: Places,
    nodules: Sequence[tuple[Point, float]],
    others: Sequence[Point],
    rng: Generator,
    *,
    most: int,
) -> Candidates:
    """Positives on nodules, negatives elsewhere, in random order.

    Args:
        chest: with its vessels.
        places: its lungs' points.
        nodules: (centre in mm, diameter in mm) of each.
        others: centres of findings that are no nodules.
        rng: draws.
        most: negatives.
    """
    fooling = fooling_points(chest, places, rng)
    fooling["finding"] = np.reshape(others, (-1, 3)).astype(np.float64)
    return ball_candidates(fooling, nodules, rng, most=most)


def ball_candidates(
    fooling: dict[str, Point], nodules: Sequence[tuple[Point, float]], rng: Generator, *, most: int
) -> Candidates:
    """Positives within the nodules' balls, and at most so many of the other points outside them.

    Args:
        fooling: (N, 3) points of each kind; no kind gives more than its even share.
        nodules: (centre, diameter) of each, in the same mm.
        rng: draws.
        most: negatives.
    """
    rows: list[tuple[Point, bool, str]] = []
    for center, diameter in nodules:
        for _ in range(1 + int(rng.random() < DUPLICATE_SHARE)):
            aside = rng.normal(0, SPREAD * diameter, 3)
            aside *= min(1.0, FARTHEST * diameter / max(float(np.linalg.norm(aside)), 1e-9))
            rows.append((center + aside, True, "nodule"))
    share = most // max(len(fooling), 1)
    for kind, points in fooling.items():
        far = _outside_nodules(points, nodules)
        rows += [(point, False, kind) for point in rng.permutation(far)[:share]]
    order = rng.permutation(len(rows))
    centers = np.array([rows[i][0] for i in order]).reshape(-1, 3)
    return Candidates(centers, np.array([rows[i][1] for i in order], bool), tuple(rows[i][2] for i in order))


def fooling_points(chest: Chest, places: Places, rng: Generator) -> dict[str, Point]:
    """Where vessels branch, cross, run upright or begin; rib ends; and points anywhere in the lungs."""
    vessels = chest.vessels
    middle = (vessels.start_mm + vessels.end_mm) / 2
    thick = (vessels.start_radius_mm + vessels.end_radius_mm) / 2
    seen = (thick >= _VESSEL_MM[0]) & (thick <= _VESSEL_MM[1])
    along = vessels.end_mm - vessels.start_mm
    upright = np.abs(along[:, 0]) > _UPRIGHT * np.linalg.norm(along, axis=1)
    forks = np.bincount(vessels.parent[vessels.parent >= 0], minlength=len(vessels)) > 1
    anywhere = places.points_mm[rng.integers(0, len(places.points_mm), MOST_NEGATIVES)]
    return {
        "branching": vessels.end_mm[forks & seen],
        "crossing": _crossings(chest, middle, thick, seen),
        "upright vessel": middle[upright & seen],
        "hilum": vessels.end_mm[vessels.parent < 0],
        "bone": _bone_beside_lung(chest, places, rng),
        "lung": anywhere,
    }


def _crossings(chest: Chest, middle: Point, thick: NDArray[np.float64], seen: NDArray[np.bool_]) -> Point:
    """Between two vessels that touch without being parent, child or siblings."""
    rows = np.flatnonzero(seen)
    if len(rows) < 2:
        return np.empty((0, 3))
    pairs = rows[KDTree(middle[rows]).query_pairs(2 * _VESSEL_MM[1], output_type="ndarray")]
    one, other = pairs.T
    parent = chest.vessels.parent
    kin = (parent[one] == other) | (parent[other] == one) | (parent[one] == parent[other])
    far = np.linalg.norm(middle[one] - middle[other], axis=1)
    near = ~kin & (far < thick[one] + thick[other] + _CROSSING_MM)
    return np.asarray((middle[one[near]] + middle[other[near]]) / 2, dtype=np.float64)


def _bone_beside_lung(chest: Chest, places: Places, rng: Generator) -> Point:
    """Voxels of rib within a few mm of the pleura."""
    shell = places.points_mm[places.depth_mm < _NEAR_LUNG_MM]
    shell = shell[rng.integers(0, len(shell), 4 * MOST_NEGATIVES)]
    aside = shell + rng.normal(0, _NEAR_LUNG_MM, shell.shape)
    hu = np.asarray(chest.grid.value(chest.hu, aside), dtype=np.float32)
    return np.asarray(aside[hu > _BONE_HU], dtype=np.float64)


def _outside_nodules(points: Point, nodules: Sequence[tuple[Point, float]]) -> Point:
    for center, diameter in nodules:
        points = points[np.linalg.norm(points - center, axis=1) > diameter / 2 + BESIDE_MM]
    return points
