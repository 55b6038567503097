"""Crops with voxels of a stated size, against SciPy's interpolation."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from lungmonai.data.even_crop import checked_spacing, even_crop
from lungmonai.errors import SettingsError
from lungmonai.networks.shapes import CROP_SHAPE

AIR = -1000
CROP_MM = (1.25, 0.7, 0.7)


def sampled(hu: np.ndarray, center_vox, spacing_mm, crop_mm=CROP_MM) -> np.ndarray:
    placed = even_crop(center_vox, hu.shape, spacing_mm, crop_mm)
    return placed.sampled(hu[placed.box])


def grid(center_vox, spacing_mm, crop_mm=CROP_MM) -> np.ndarray:
    axes = [
        center + (np.arange(size) - (size - 1) / 2) * crop / own
        for center, size, crop, own in zip(center_vox, CROP_SHAPE, crop_mm, spacing_mm, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


@pytest.mark.parametrize(
    "spacing_mm", [(0.7, 0.6, 0.6), (2.5, 0.8, 0.75), (5.0, 0.9, 0.56), (1.25, 0.7, 0.7)]
)
def test_equals_scipys_linear_interpolation(spacing_mm) -> None:
    hu = np.random.default_rng(0).integers(-1000, 2000, (70, 90, 95)).astype(np.int16)
    center = (34.3, 44.9, 47.25)
    expected = map_coordinates(hu.astype(float), grid(center, spacing_mm), order=1)
    assert np.abs(sampled(hu, center, spacing_mm) - expected).max() <= 0.51  # rounded to whole HU


def test_a_crop_at_the_border_is_shifted_inward() -> None:
    hu = np.random.default_rng(1).integers(-1000, 2000, (60, 80, 80)).astype(np.int16)
    for corner in ((0, 0, 0), (59, 79, 79), (-4, 90, 0)):
        # By definition: the nearest place at which the whole crop lies inside.
        reach = [(n - 1) / 2 * c / 0.8 for n, c in zip(CROP_SHAPE, CROP_MM, strict=True)]
        inside = [
            np.clip(at, half, size - 1 - half)
            for at, half, size in zip(corner, reach, hu.shape, strict=True)
        ]
        expected = map_coordinates(hu.astype(float), grid(inside, (0.8,) * 3), order=1)
        assert np.abs(sampled(hu, corner, (0.8,) * 3) - expected).max() <= 0.51


def test_a_scan_smaller_than_a_crop_lies_in_the_middle_of_air() -> None:
    hu = np.full((10, 80, 80), 300, np.int16)
    crop = sampled(hu, (2, 40, 40), (1.25, 0.7, 0.7))
    assert (crop[:11] == AIR).all()
    assert (crop[-11:] == AIR).all()
    assert (crop[11:-11] == 300).all()
    assert len(crop[11:-11]) == 10


def test_the_own_spacing_and_a_voxels_place_give_the_voxels_themselves() -> None:
    hu = np.random.default_rng(2).integers(-1000, 2000, (60, 80, 80)).astype(np.int16)
    crop = sampled(hu, (29.5, 39.5, 40.5), CROP_MM)
    assert np.array_equal(crop, hu[14:46, 16:64, 17:65])


def test_a_ball_has_the_same_size_in_scans_of_any_spacing() -> None:
    counts = []
    for spacing in ((0.7, 0.6, 0.6), (1.25, 0.7, 0.7), (2.0, 0.9, 0.9)):
        shape = [int(60 / mm) for mm in spacing]
        center = [(size - 1) / 2 for size in shape]
        away = np.stack(np.indices(shape), -1) - center
        ball = np.where(np.linalg.norm(away * spacing, axis=-1) < 8, 100, AIR).astype(np.int16)
        counts.append((sampled(ball, center, spacing) > -450).sum())
    assert max(counts) / min(counts) < 1.06


@pytest.mark.parametrize(
    "spacing", [[1, 2], [0, 1, 1], [1, 1, -1], "abc", [1, 1, float("nan")], 3, [1, 1, np.inf]]
)
def test_a_spacing_that_is_none_is_refused(spacing) -> None:
    with pytest.raises(SettingsError, match=r"spacing of crops is .* wanted three numbers above 0"):
        checked_spacing(spacing)


def test_none_stays_none() -> None:
    assert checked_spacing(None) is None
    assert checked_spacing([1, 2, 3]) == (1.0, 2.0, 3.0)
