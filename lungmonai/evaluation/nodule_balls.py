"""What the segmentation marked in the ball of each annotated nodule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..metrics.hits import counted_diameters

__all__ = ["BallMarks", "ball_marks", "marked_voxels"]

# Steps of the probability volume.
_WHOLE = 255


@dataclass(frozen=True, eq=False)
class BallMarks:
    """What was marked in each ball.

    Args:
        highest_prob: (M,) float64, the segmentation's highest probability; NaN for a ball outside the scan.
        marked: (M,) int64, marked voxels.
        eroded: (M,) int64, those that belong to a group.
    """

    highest_prob: NDArray[np.float64]
    marked: NDArray[np.int64]
    eroded: NDArray[np.int64]


def ball_marks(
    probability: NDArray[np.uint8],
    marked: NDArray[np.bool_],
    grouped: NDArray[np.bool_],
    centers_vox: ArrayLike,
    diameters_mm: ArrayLike,
    spacing_mm: Sequence[float],
) -> BallMarks:
    """Look at the segmentation inside of balls.

    A voxel belongs to a ball when its centre is no further than half the diameter away; the voxel nearest
    to the ball's centre always does.

    Args:
        probability: (slices, rows, columns) uint8, in steps of 1/255.
        marked: (slices, rows, columns) bool, from `marked_voxels`.
        grouped: (slices, rows, columns) bool, those that are left in a group.
        centers_vox: (M, 3) float, (slice, row, column).
        diameters_mm: (M,) float; a negative one counts as 10 mm.
        spacing_mm: of voxels along column, row and slice index.
    """
    centers = np.asarray(centers_vox, np.float64).reshape(-1, 3)
    radii_mm = counted_diameters(diameters_mm) / 2
    steps_mm = np.asarray(spacing_mm, np.float64)[::-1]
    volumes = probability, marked, grouped
    looks = [
        _look(volumes, center, radius, steps_mm) for center, radius in zip(centers, radii_mm, strict=True)
    ]
    table = np.array(looks, np.float64).reshape(-1, 3)
    return BallMarks(table[:, 0], table[:, 1].astype(np.int64), table[:, 2].astype(np.int64))


def marked_voxels(probability: NDArray[np.uint8], threshold: float) -> NDArray[np.bool_]:
    """Voxels over a threshold by the volume's steps of 1/255.

    They are those that the analysis marks at a threshold of 0.5; at another, within half a step of it.

    Args:
        probability: uint8, in steps of 1/255, of any shape.
        threshold: a voxel is marked when its probability is over this.

    Returns:
        bool, of the same shape.
    """
    is_over = np.arange(_WHOLE + 1, dtype=np.float32) / _WHOLE > threshold
    return is_over[probability]


def _look(
    volumes: tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]],
    center_vox: NDArray[np.float64],
    radius_mm: float,
    steps_mm: NDArray[np.float64],
) -> tuple[float, int, int]:
    """Highest probability, marked voxels and grouped voxels in one ball."""
    reach = np.ceil(radius_mm / steps_mm).astype(np.int64) + 1  # the centre may lie between two voxels
    nearest = np.round(center_vox).astype(np.int64)
    low = (nearest - reach).clip(0)
    high = (nearest + reach + 1).clip(0, volumes[0].shape)
    if (low >= high).any():
        return float("nan"), 0, 0
    ball = _ball(low, high, center_vox, radius_mm, steps_mm)
    if not ball.any():
        return float("nan"), 0, 0
    box = tuple(slice(*ends) for ends in zip(low, high, strict=True))
    probability, marked, grouped = (volume[box][ball] for volume in volumes)
    return float(probability.max()) / _WHOLE, int(marked.sum()), int(grouped.sum())


def _ball(
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    center_vox: NDArray[np.float64],
    radius_mm: float,
    steps_mm: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Which voxels of the box from `low` to `high` belong to the ball."""
    axes = np.ogrid[tuple(slice(*ends) for ends in zip(low, high, strict=True))]
    parts = [
        ((axis - center) * step) ** 2 for axis, center, step in zip(axes, center_vox, steps_mm, strict=True)
    ]
    inside: NDArray[np.bool_] = parts[0] + parts[1] + parts[2] <= radius_mm**2
    nearest = np.round(center_vox).astype(np.int64)
    if ((nearest >= low) & (nearest < high)).all():
        inside[tuple(nearest - low)] = True
    return inside
