"""A crude synthetic chest CT with a few round nodules: what the stand-in weights were trained on.

`lungmonai.data.make_phantom` is far nearer to a patient; this stays until weights are trained on that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lungmonai.io import CTScan

from .shapes import Grid, Point, Volume
from .toy_chest import draw_chest, draw_nodules, draw_vessels

__all__ = ["ToyScan", "make_toy_scan"]

# A scanner's in-plane blur, in voxels, and the noise that is left after it.
BLUR_VOX, NOISE_HU = 0.7, 25.0


@dataclass(frozen=True, eq=False)
class ToyScan:
    """A synthetic scan and what was put in it.

    Args:
        scan: axial, columns to the left, rows to the back, slices upwards.
        truth: (centre in LPS mm, diameter in mm) of each nodule.
    """

    scan: CTScan
    truth: tuple[tuple[tuple[float, float, float], float], ...]


def make_toy_scan(
    seed: int,
    *,
    shape: tuple[int, int, int] = (96, 256, 256),
    spacing_mm: tuple[float, float, float] = (1.3, 1.3, 2.5),
) -> ToyScan:
    """Make the scan that belongs to a seed.

    Args:
        seed: same seed, shape and spacing: same scan.
        shape: (slices, rows, columns).
        spacing_mm: between columns, rows and slices.
    """
    rng = np.random.default_rng(seed)
    grid = Grid(shape, spacing_mm)
    hu, lungs = draw_chest(grid, rng)
    draw_vessels(hu, lungs, grid, rng)
    balls = list(draw_nodules(hu, lungs, grid, rng))
    affine = np.diag([*spacing_mm, 1.0])
    # Any origin but zero: code that forgets the origin must fail here.
    affine[:3, 3] = rng.uniform(-250, -100, 3).round(1)
    scan = CTScan(_scanned(hu, rng), affine, series_uid=f"toy-{seed}")
    truth = tuple((_as_triple(scan.lps_from_vox(grid.vox(center))), diameter) for center, diameter in balls)
    return ToyScan(scan, truth)


def _scanned(hu: Volume, rng: Generator) -> NDArray[np.int16]:
    """Blur and noise, as a scanner adds them: (z, y, x) int16 HU."""
    from scipy.ndimage import gaussian_filter1d

    # Blurring in two directions leaves white noise 1 / (2 · sqrt(pi) · sigma) of its size.
    hu += rng.standard_normal(hu.shape, np.float32) * (NOISE_HU * 2 * np.sqrt(np.pi) * BLUR_VOX)
    for axis in (1, 2):
        gaussian_filter1d(hu, BLUR_VOX, axis, output=hu, truncate=3)
    return np.clip(np.rint(hu), -1024, 3071).astype(np.int16)


def _as_triple(point: Point) -> tuple[float, float, float]:
    x, y, z = point.tolist()
    return x, y, z
