"""Sizes of shapes whose size is known."""

import numpy as np
import pytest
from scipy import ndimage

from lungmonai.analysis.measure import grow_back, measure_voxels

SPACING = (0.6, 0.6, 1.2)  # x, y, z


def ball(radius_mm: float):
    z, y, x = np.indices((40, 80, 80))
    return ((x - 40) * 0.6) ** 2 + ((y - 40) * 0.6) ** 2 + ((z - 20) * 1.2) ** 2 <= radius_mm**2


@pytest.mark.parametrize("radius_mm", [5.0, 8.0, 15.0])
def test_a_ball_has_its_diameter_and_volume(radius_mm: float) -> None:
    mask = ball(radius_mm)
    size = measure_voxels(np.flatnonzero(mask), mask.shape, SPACING)
    assert size.volume_mm3 == pytest.approx(4 / 3 * np.pi * radius_mm**3, rel=0.03)
    assert size.equivalent_diameter_mm == pytest.approx(2 * radius_mm, rel=0.01)
    # Outer corners of square pixels lie up to a diagonal further out than their centres.
    assert 2 * radius_mm <= size.long_axis_mm <= 2 * radius_mm + np.hypot(0.6, 0.6)


def test_one_voxel_measures_its_diagonal() -> None:
    size = measure_voxels(np.array([0]), (3, 3, 3), (0.5, 0.5, 2.0))
    assert size.volume_mm3 == pytest.approx(0.5)
    assert size.long_axis_mm == pytest.approx(np.hypot(0.5, 0.5))


def test_the_long_axis_lies_within_a_slice() -> None:
    mask = np.zeros((20, 10, 10), bool)
    mask[:, 5, 5:7] = True  # long across slices, short within
    size = measure_voxels(np.flatnonzero(mask), mask.shape, (1.0, 1.0, 3.0))
    assert size.long_axis_mm == pytest.approx(np.hypot(2, 1))


def test_pixels_that_are_not_square() -> None:
    mask = np.zeros((3, 10, 10), bool)
    mask[1, 2:6, 3] = True
    size = measure_voxels(np.flatnonzero(mask), mask.shape, (0.5, 2.0, 1.0))
    assert size.long_axis_mm == pytest.approx(np.hypot(8.0, 0.5))


def test_growing_back_undoes_the_erosion_of_a_convex_shape() -> None:
    mask = ball(9.0)
    eroded = ndimage.binary_erosion(mask)
    grown = grow_back(np.flatnonzero(eroded), mask)
    assert np.array_equal(grown, np.flatnonzero(ndimage.binary_dilation(eroded) & mask))
