"""How a phantom lies in the world, and how fine its voxels are: drawn for each scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .scanner import Kernel

__all__ = ["Frame", "draw_frame", "stored"]

# Between columns and rows; body and field of view go together.
PIXEL_MM = (0.55, 0.85)
# Between slices: what LUNA16 holds, up to its limit of 2.5 mm.
SLICES_MM = (0.7, 0.8, 1.0, 1.25, 1.25, 1.5, 2.0, 2.5)
# Height of a scan, and the most slices it may have.
HEIGHT_MM, MOST_SLICES = (265.0, 330.0), 400
SIDE = 512
SMALL_SHAPE, SMALL_PIXEL_MM, SMALL_SLICES_MM = (96, 256, 256), (1.15, 1.45), (2.4, 3.0)
# Shares of scans stored with columns to the right and rows to the front, and with an oblique frame.
FLIPPED_SHARE, OBLIQUE_SHARE = 0.2, 0.1
OBLIQUE_DEGREES = 5.0
# Share of scans with nothing outside the circle that the scanner reconstructs.
CIRCLE_SHARE = 0.4
ORIGIN_MM = ((-260.0, -120.0), (-260.0, -120.0), (-450.0, 100.0))
# Noise by kernel, in HU: sharp kernels show more of it.
NOISE_HU = {"soft": (15.0, 35.0), "lung": (25.0, 60.0)}


@dataclass(frozen=True, eq=False)
class Frame:
    """Size, place and quality of one scan.

    Args:
        shape: (slices, rows, columns).
        spacing_mm: (x, y, z).
        affine_lps: (4, 4) float, of the voxels in canonical order.
        flipped: whether rows and columns are stored backwards.
        kernel: of the reconstruction.
        noise_hu: standard deviation.
        circle: nothing was reconstructed outside the largest circle.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    affine_lps: NDArray[np.float64]
    flipped: bool
    kernel: Kernel
    noise_hu: float
    circle: bool


def draw_frame(rng: Generator, *, small: bool) -> Frame:
    """Draw a scan's frame.

    Args:
        rng: decides.
        small: 256 rows and columns, 96 slices.
    """
    if small:
        shape = SMALL_SHAPE
        pixel, between = rng.uniform(*SMALL_PIXEL_MM), rng.uniform(*SMALL_SLICES_MM)
    else:
        pixel, between = rng.uniform(*PIXEL_MM), rng.choice(SLICES_MM)
        shape = (min(round(rng.uniform(*HEIGHT_MM) / between), MOST_SLICES), SIDE, SIDE)
    # Six digits, as headers write them: what is computed is then what is read back.
    spacing = (round(float(pixel), 6), round(float(pixel), 6), round(float(between), 6))
    kind = rng.random()
    turn = _oblique(rng) if FLIPPED_SHARE <= kind < FLIPPED_SHARE + OBLIQUE_SHARE else np.eye(3)
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = [round(rng.uniform(*limits), 3) for limits in ORIGIN_MM]
    kernel: Kernel = "lung" if rng.random() < 0.5 else "soft"
    noise_hu = float(rng.uniform(*NOISE_HU[kernel]))
    circle = bool(rng.random() < CIRCLE_SHARE)
    return Frame(shape, spacing, affine, bool(kind < FLIPPED_SHARE), kernel, noise_hu, circle)


def stored(volume: NDArray[np.generic], frame: Frame) -> NDArray[np.generic]:
    """A canonical volume as the frame stores it; the same call takes it back."""
    return np.ascontiguousarray(volume[:, ::-1, ::-1]) if frame.flipped else volume


def _oblique(rng: Generator) -> NDArray[np.float64]:
    """A rotation by a few degrees about the x and the z axis."""
    about_x, about_z = np.radians(rng.uniform(-OBLIQUE_DEGREES, OBLIQUE_DEGREES, 2))
    (cx, cz), (sx, sz) = np.cos([about_x, about_z]), np.sin([about_x, about_z])
    tilt = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    swing = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(tilt @ swing, dtype=np.float64)
