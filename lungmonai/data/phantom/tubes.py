"""Bent tubes through landmarks, and how they are painted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .shapes import Grid, Point, Volume, paint_tube

__all__ = ["Tube", "bent_tube", "paint_tubes"]

# How wide apart the points of a bent tube are.
STEP_MM = 5.0


@dataclass(frozen=True, eq=False)
class Tube:
    """A bent tube.

    Args:
        points_mm: (N, 3) float, (z, y, x).
        radii_mm: (N,) float.
    """

    points_mm: Point
    radii_mm: Point


def bent_tube(landmarks_mm: Point, radii_mm: tuple[float, float]) -> Tube:
    """A smooth tube through landmarks, its points some mm apart.

    Args:
        landmarks_mm: (N, 3) float, (z, y, x), two or more.
        radii_mm: at the first and at the last.
    """
    from scipy.interpolate import PchipInterpolator

    along = np.concatenate([[0], np.linalg.norm(np.diff(landmarks_mm, axis=0), axis=1).cumsum()])
    at = np.linspace(0, along[-1], max(2, round(float(along[-1]) / STEP_MM) + 1))
    return Tube(PchipInterpolator(along, landmarks_mm)(at), np.interp(at, along[[0, -1]], radii_mm))


def paint_tubes(
    hu: Volume, grid: Grid, tubes: Iterable[Tube], target_hu: float, wider_mm: float = 0.0
) -> None:
    """Paint tubes into the fine volume, in place."""
    for tube in tubes:
        radii = (tube.radii_mm + wider_mm).tolist()
        for k, ends in enumerate(pairwise(radii)):
            paint_tube(hu, grid, tube.points_mm[k], tube.points_mm[k + 1], ends, target_hu)
