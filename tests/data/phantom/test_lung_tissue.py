"""Fissures are thin bright sheets in darker tissue."""

import numpy as np
import pytest

from lungmonai.data.phantom.fields import coarse_grid
from lungmonai.data.phantom.lung_tissue import LungTissue
from lungmonai.data.phantom.patient import draw_patient
from lungmonai.data.phantom.shapes import Grid

GRID = Grid((40, 100, 100), (2.0, 2.0, 2.0))


@pytest.fixture(scope="module")
def painted() -> tuple[np.ndarray, np.ndarray]:
    """HU and labels of two boxes of lung; in the right one an oblique sheet lies across, in the left none."""
    coarse = coarse_grid(GRID)
    rng = np.random.default_rng(0)
    empty = np.zeros(coarse.shape, np.float32)
    sides = [empty + np.abs(coarse.x - middle) - 30 for middle in (-50, 50)]
    sheets = {"right oblique": empty + coarse.y, "horizontal": empty + 99, "left oblique": empty + 99}
    tissue = LungTissue(coarse, GRID, draw_patient(GRID, rng), sides, sheets, rng)
    hu, labels = np.full(GRID.shape, 40, np.float32), np.zeros(GRID.shape, np.uint8)
    for z in range(GRID.shape[0]):
        tissue.paint(hu[z], labels[z], z)
    return hu, labels


def test_the_right_lung_is_one_and_the_left_two(painted: tuple[np.ndarray, np.ndarray]) -> None:
    _, labels = painted
    assert set(np.unique(labels[:, :, :45])) == {0, 1}
    assert set(np.unique(labels[:, :, 55:])) == {0, 2}


def test_a_sheet_is_brighter_than_the_tissue_beside_it_and_thin(
    painted: tuple[np.ndarray, np.ndarray],
) -> None:
    hu, labels = painted
    lung = hu[5:-5]
    right, left = (
        np.median(np.where(labels[5:-5] == n, lung, np.nan)[:, :, c], axis=(0, 2))
        for n, c in ((1, slice(15, 36)), (2, slice(65, 86)))
    )
    beside = np.median(np.delete(right, range(47, 53)))
    assert right[49:51].min() > beside + 40
    assert right[[46, 53]].max() < beside + 40
    assert np.ptp(left[44:56]) < 40
