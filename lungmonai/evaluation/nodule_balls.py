"""What the segmentation marked in the ball of each annotated nodule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..metrics.hits import counted_diameters

__all__ = ["BallMarks", "ball_marks"]

# Steps of the probability volume.
_WHOLE = 255
# Voxels around the ball that decide what erosion leaves of it.
_RIM = 1


@dataclass(frozen=True, eq=False)
class BallMarks:
    """What was marked in each ball.

    Args:
        highest_prob: (M,) float64, the segmentation's highest probability; NaN for a ball outside the scan.
        marked: (M,) int64, marked voxels.
        eroded: (M,) int64, those that erosion leaves.
    """

    highest_prob: NDArray[np.float64]
    marked: NDArray[np.int64]
    eroded: NDArray[np.int64]


def ball_marks(
    probability: NDArray[np.uint8],
    centers_vox: ArrayLike,
    diameters_mm: ArrayLike,
    spacing_mm: Sequence[float],
    threshold: float,
) -> BallMarks:
    """Look at the segmentation inside of balls.

    A voxel belongs to a ball when its centre is no further than half the diameter away; the voxel nearest
    to the ball's centre always does. Voxels count as marked by the volume's steps of 1/255: as the analysis
    marks them at a threshold of 0.5, and within half a step of it at another.

    Args:
        probability: (slices, rows, columns) uint8, in steps of 1/255.
        centers_vox: (M, 3) float, (slice, row, column).
        diameters_mm: (M,) float; a negative one counts as 10 mm.
        spacing_mm: of voxels along column, row and slice index.
        threshold: a voxel is marked when its probability is over this.
    """
    centers = np.asarray(centers_vox, np.float64).reshape(-1, 3)
    radii_mm = counted_diameters(diameters_mm) / 2
    steps_mm = np.asarray(spacing_mm, np.float64)[::-1]
    looks = [
        _look(probability, center, radius, steps_mm, threshold)
        for center, radius in zip(centers, radii_mm, strict=True)
    ]
    table = np.array(looks, np.float64).reshape(-1, 3)
    return BallMarks(table[:, 0], table[:, 1].astype(np.int64), table[:, 2].astype(np.int64))


def _look(
    probability: NDArray[np.uint8],
    center_vox: NDArray[np.float64],
    radius_mm: float,
    steps_mm: NDArray[np.float64],
    threshold: float,
) -> tuple[float, int, int]:
    """Highest probability, marked voxels and voxels after erosion in one ball."""
    from ..analysis.group import erode

    reach = np.ceil(radius_mm / steps_mm).astype(np.int64) + _RIM
    nearest = np.round(center_vox).astype(np.int64)
    low = (nearest - reach).clip(0)
    high = (nearest + reach + 1).clip(0, probability.shape)
    if (low >= high).any():
        return float("nan"), 0, 0
    box = probability[tuple(slice(*ends) for ends in zip(low, high, strict=True))]
    ball = _ball(low, high, center_vox, radius_mm, steps_mm)
    if not ball.any():
        return float("nan"), 0, 0
    marked = box.astype(np.float32) / _WHOLE > threshold
    return (
        float(box[ball].max()) / _WHOLE,
        int(np.count_nonzero(marked & ball)),
        int(np.count_nonzero(erode(marked) & ball)),
    )


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
