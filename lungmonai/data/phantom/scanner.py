"""What a scanner makes of a clean volume: its blur, its noise, its whole numbers."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...errors import SettingsError
from .shapes import Volume

__all__ = ["KERNELS", "Kernel", "scanned"]

Kernel = Literal["soft", "lung"]

# Modulation transfer (1 + rise * f²) * exp(-fall * f²), f in line pairs a mm. Soft: half at 0.35,
# as smooth body kernels have it. Lung: 1.3 at 0.35 (edges overshoot), half near 0.9.
KERNELS: dict[str, tuple[float, float]] = {"soft": (0.0, 5.7), "lung": (8.0, 3.4)}

LOWEST_HU, HIGHEST_HU = -1024, 3071
AIR_HU = -1000.0
# Filtered back projection: noise power rises with frequency, and a little is left at zero.
NOISE_AT_ZERO = 0.02
# Share of the noise that is left at the image's edge, where rays have crossed little tissue.
NOISE_AT_EDGE = 0.55
# Thin slices share detector rows with their neighbours.
SHARED_BELOW_MM, SHARED = 1.5, 0.35


def scanned(
    hu: Volume,
    rng: Generator,
    *,
    spacing_mm: tuple[float, float, float],
    kernel: Kernel,
    noise_hu: float,
    circle: bool = False,
) -> NDArray[np.int16]:
    """Blur by the reconstruction kernel, add its correlated noise, and round.

    Args:
        hu: (slices, rows, columns), clean; not changed.
        rng: draws the noise.
        spacing_mm: (x, y, z).
        kernel: `soft` blurs; `lung` sharpens, with overshoot and finer noise.
        noise_hu: standard deviation in the middle of the body, in a slice of usual density.
        circle: nothing is reconstructed outside the largest circle, as on many scanners: -1024 there.

    Returns:
        (slices, rows, columns) int16 HU in [-1024, 3071].

    Raises:
        SettingsError: for another kernel, or noise below zero.
    """
    from scipy.fft import irfft2, rfft2

    _check(kernel, noise_hu)
    transfer, texture = _filters(hu.shape[1:], spacing_mm, kernel)
    falls = _falls_outwards(hu.shape[1:])
    levels = noise_hu * _noise_of_slices(hu)
    out = np.empty(hu.shape, np.int16)
    before = rng.standard_normal(hu.shape[1:], np.float32)
    shared = SHARED if spacing_mm[2] < SHARED_BELOW_MM else 0.0
    for z, level in enumerate(levels):
        own = rng.standard_normal(before.shape, np.float32)
        mixed = np.sqrt(1 - shared**2) * own + shared * before
        before = own
        noise = irfft2(rfft2(mixed) * texture, s=before.shape) * (falls * np.float32(level))
        clean = irfft2(rfft2(hu[z]) * transfer, s=before.shape)
        out[z] = np.clip(np.rint(clean + noise), LOWEST_HU, HIGHEST_HU)
    if circle:
        out[:, _outside_circle(hu.shape[1:])] = LOWEST_HU
    return out


def _check(kernel: str, noise_hu: float) -> None:
    if kernel not in KERNELS:
        raise SettingsError(f"the kernel {kernel!r}", wanted=" or ".join(KERNELS), do="Choose one of them.")
    if not noise_hu >= 0:
        what = f"a noise of {noise_hu} HU"
        raise SettingsError(what, wanted="zero or more", do="Give its standard deviation.")


def _filters(
    shape: tuple[int, ...], spacing_mm: tuple[float, float, float], kernel: str
) -> tuple[Volume, Volume]:
    """In Fourier space: what the kernel does to the image, and to white noise (unit variance after)."""
    rows = np.fft.fftfreq(shape[0], spacing_mm[1])[:, None]
    columns = np.fft.rfftfreq(shape[1], spacing_mm[0])[None]
    f2 = rows**2 + columns**2
    rise, fall = KERNELS[kernel]
    transfer = (1 + rise * f2) * np.exp(-fall * f2)
    texture = np.sqrt(np.sqrt(f2) + NOISE_AT_ZERO) * transfer
    # The half spectrum leaves out its mirror image: every column but the first stands for two (and of
    # an even number the last for one, which hardly weighs).
    twice = np.where(columns > 0, 2.0, 1.0)
    power = float((twice * texture**2).sum() / twice.sum() / shape[0])
    return transfer.astype(np.float32), (texture / np.sqrt(power)).astype(np.float32)


def _outside_circle(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    y, x = (np.linspace(-1, 1, n) for n in shape)
    outside: NDArray[np.bool_] = np.hypot(y[:, None], x[None]) > 1
    return outside


def _falls_outwards(shape: tuple[int, ...]) -> Volume:
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    outwards = np.exp(-1.5 * (1.6 * y[:, None] ** 2 + x[None] ** 2))
    return np.asarray(NOISE_AT_EDGE + (1 - NOISE_AT_EDGE) * outwards, np.float32)


def _noise_of_slices(hu: Volume) -> NDArray[np.float64]:
    """(slices,) factors about 1: shoulders and abdomen let fewer rays through than lungs."""
    mass = np.array([float(part[::4, ::4].mean()) - AIR_HU for part in hu]).clip(1)
    factors: NDArray[np.float64] = np.clip((mass / np.median(mass)) ** 0.6, 0.7, 1.6)
    return factors
