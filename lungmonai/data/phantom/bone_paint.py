"""Bones as a shell of cortex around marrow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .shapes import Grid, Point, Volume
from .tubes import bent_tube, paint_tubes

__all__ = ["Bone", "paint_bar", "paint_level", "paint_slat"]

SHELL_MM = 1.3
# Where a slat's piece ends, within the next one.
LAP_MM = 0.3


@dataclass(frozen=True)
class Bone:
    """What a bone is made of; cartilage has the same value twice.

    Args:
        shell_hu: of the cortex.
        marrow_hu: within it.
    """

    shell_hu: float
    marrow_hu: float


def paint_level(part: Volume, level_mm: Volume, grid: Grid, bone: Bone) -> None:
    """Blend a bone into a part of the fine volume, in place.

    Args:
        part: (...) HU.
        level_mm: (...) distance from the bone's surface, negative inside.
        grid: of the volume.
        bone: what it is made of.
    """
    soft = float(np.cbrt(np.prod(grid.step)))
    core = np.clip(0.5 - (level_mm + SHELL_MM) / soft, 0, 1)
    share = np.clip(0.5 - level_mm / soft, 0, 1)
    part += share * (bone.shell_hu + core * (bone.marrow_hu - bone.shell_hu) - part)


def paint_bar(hu: Volume, grid: Grid, landmarks_mm: Point, radii_mm: tuple[float, float], bone: Bone) -> None:
    """A bent round bar, in place."""
    bar = bent_tube(landmarks_mm, radii_mm)
    paint_tubes(hu, grid, [bar], bone.shell_hu)
    paint_tubes(hu, grid, [bar], bone.marrow_hu, -SHELL_MM)


def paint_slat(hu: Volume, grid: Grid, path_mm: Point, half_mm: tuple[float, float], bone: Bone) -> None:
    """A bent slat on the rib cage, in place.

    Args:
        hu: (slices, rows, columns).
        grid: of `hu`.
        path_mm: (N, 3) float, its middle line.
        half_mm: half of its thickness, across the cage's wall, and of its height along the wall.
        bone: what it is made of.
    """
    thick, high = half_mm
    for a, b in pairwise(path_mm):
        where, at = grid.box(np.minimum(a, b) - high - 1, np.maximum(a, b) + high + 1)
        if not at.size:
            continue
        parts = (at - a.astype(np.float32)) @ _frame(a, b, half_mm)
        beyond = np.maximum(-parts[..., 0], parts[..., 0] - np.float32(np.linalg.norm(b - a)))
        level = (np.hypot(parts[..., 1], parts[..., 2]) - 1) * np.float32(thick)
        # Flat ends: a round one would lay its shell over the marrow before it.
        level[beyond > LAP_MM] = np.inf
        paint_level(hu[where], level, grid, bone)


def _frame(a: Point, b: Point, half_mm: tuple[float, float]) -> Volume:
    """(3, 3): the directions along, outwards and across as columns, over the half sizes."""
    along = (b - a) / np.linalg.norm(b - a)
    outwards = np.array([0, *((a + b) / 2)[1:]])
    outwards -= (outwards @ along) * along
    outwards /= max(float(np.linalg.norm(outwards)), 1e-9)
    columns = [along, outwards / half_mm[0], np.cross(along, outwards) / half_mm[1]]
    return np.stack(columns, axis=1).astype(np.float32)
