"""Noise of the size and grain that was asked for, edges as the kernel makes them."""

import numpy as np
import pytest

from lungmonai.data.phantom.scanner import Kernel, scanned
from lungmonai.errors import SettingsError

SPACING_MM = (0.7, 0.7, 2.5)
KERNELS: tuple[Kernel, ...] = ("soft", "lung")


def noise(
    kernel: Kernel, noise_hu: float = 30, spacing_mm: tuple[float, float, float] = SPACING_MM
) -> np.ndarray:
    """The middle of a scan of water, (24, 64, 64) HU."""
    water = np.zeros((24, 192, 192), np.float32)
    hu = scanned(water, np.random.default_rng(5), spacing_mm=spacing_mm, kernel=kernel, noise_hu=noise_hu)
    return hu[:, 64:128, 64:128].astype(float)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("noise_hu", [15, 60])
def test_the_middle_has_the_noise_that_was_asked_for(kernel: Kernel, noise_hu: float) -> None:
    middle = noise(kernel, noise_hu)
    assert middle.std() == pytest.approx(noise_hu, rel=0.12)
    assert middle.mean() == pytest.approx(0, abs=0.2 * noise_hu)


def test_soft_noise_is_blotchy_and_lung_noise_is_fine() -> None:
    neighbours = {k: correlation(n[:, :, 1:], n[:, :, :-1]) for k in KERNELS for n in [noise(k)]}
    assert neighbours["soft"] > 0.5
    assert neighbours["lung"] < 0.2


@pytest.mark.parametrize(("kernel", "most"), [("soft", 0.11), ("lung", 0.04)])
def test_little_of_the_noise_is_of_low_frequency(kernel: Kernel, most: float) -> None:
    """Filtered back projection's noise power rises with frequency; blurred noise has twice as much."""
    n = noise(kernel)
    blocks = n.reshape(24, 4, 16, 4, 16).mean(axis=(2, 4))
    assert blocks.std() < most * n.std()


def test_noise_is_the_same_in_rows_and_columns() -> None:
    n = noise("soft")
    along = correlation(n[:, :, 1:], n[:, :, :-1])
    assert correlation(n[:, 1:], n[:, :-1]) == pytest.approx(along, abs=0.05)


def test_thin_slices_share_noise_with_their_neighbours_and_thick_ones_do_not() -> None:
    thin, thick = noise("soft", spacing_mm=(0.7, 0.7, 0.8)), noise("soft")
    assert 0.2 < correlation(thin[1:], thin[:-1]) < 0.5
    assert abs(correlation(thick[1:], thick[:-1])) < 0.1


def test_noise_is_less_at_the_edge_and_more_in_dense_slices() -> None:
    hu = np.zeros((12, 192, 192), np.float32)
    hu[6:] = -800
    out = scanned(hu, np.random.default_rng(0), spacing_mm=SPACING_MM, kernel="soft", noise_hu=30).astype(
        float
    )
    assert out[:6, :24, :24].std() < 0.75 * out[:6, 84:108, 84:108].std()
    assert out[6:, 84:108, 84:108].std() < 0.9 * out[:6, 84:108, 84:108].std()


@pytest.mark.parametrize("kernel", KERNELS)
def test_flat_tissue_keeps_its_value_and_the_input_is_left_alone(kernel: Kernel) -> None:
    hu = np.full((3, 64, 64), -850, np.float32)
    out = scanned(hu, np.random.default_rng(0), spacing_mm=SPACING_MM, kernel=kernel, noise_hu=0)
    assert out.dtype == np.int16
    assert (out == -850).all()
    assert (hu == -850).all()


def edge(kernel: Kernel) -> np.ndarray:
    """Across an edge from −1000 to 0 HU."""
    hu = np.full((1, 64, 128), -1000, np.float32)
    hu[:, :, 32:96] = 0
    out = scanned(hu, np.random.default_rng(0), spacing_mm=SPACING_MM, kernel=kernel, noise_hu=0)
    return out[0, 32, 48:112].astype(float)


def test_lung_edges_overshoot_and_soft_edges_do_not() -> None:
    assert 40 < edge("lung").max() < 300
    assert -1005 < edge("soft").min() < edge("soft").max() < 5


def test_lung_edges_are_steeper() -> None:
    assert np.diff(edge("lung")).min() < 1.3 * np.diff(edge("soft")).min()


def test_values_stay_in_what_scanners_store() -> None:
    hu = np.full((2, 32, 32), -1020, np.float32)
    hu[:, 10:20, 10:20] = 9000
    out = scanned(hu, np.random.default_rng(0), spacing_mm=SPACING_MM, kernel="lung", noise_hu=60)
    assert out.min() == -1024
    assert out.max() == 3071


def test_nothing_is_reconstructed_outside_the_circle_if_so_asked() -> None:
    hu = np.zeros((2, 64, 64), np.float32)
    out = scanned(
        hu, np.random.default_rng(0), spacing_mm=SPACING_MM, kernel="soft", noise_hu=10, circle=True
    )
    assert (out[:, [0, 0, -1, -1], [0, -1, 0, -1]] == -1024).all()
    assert (out[:, 32, 2:-2] > -200).all()
    assert (out == -1024).mean() == pytest.approx(1 - np.pi / 4, abs=0.03)


def test_same_generator_same_noise() -> None:
    hu = np.zeros((2, 32, 32), np.float32)
    a, b, c = (
        scanned(hu, np.random.default_rng(s), spacing_mm=SPACING_MM, kernel="soft", noise_hu=20)
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_another_kernel_or_negative_noise_is_refused() -> None:
    hu = np.zeros((1, 8, 8), np.float32)
    rng = np.random.default_rng(0)
    with pytest.raises(SettingsError, match="the kernel 'bone'; wanted soft or lung"):
        scanned(hu, rng, spacing_mm=SPACING_MM, kernel="bone", noise_hu=1)  # type: ignore[arg-type]
    for bad in (-1.0, float("nan")):
        with pytest.raises(SettingsError, match=r"a noise of .* HU; wanted zero or more"):
            scanned(hu, rng, spacing_mm=SPACING_MM, kernel="soft", noise_hu=bad)
