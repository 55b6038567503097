"""Vessels branch, narrow, fill the lungs and stay in them; airways run beside arteries."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from lungmonai.data.phantom.chest import Chest, make_chest
from lungmonai.data.phantom.shapes import Grid
from lungmonai.data.phantom.vessels import Vessels, draw_airways, draw_vessels, grow_airways, joined

SPACING_MM = (1.8, 1.8, 2.5)


@pytest.fixture(scope="module")
def chest() -> Chest:
    return make_chest(np.random.default_rng(4), shape=(110, 180, 180), spacing_mm=SPACING_MM)


def line(points: list[tuple[float, float, float]], radii: list[float]) -> Vessels:
    """One vessel through points, without branches."""
    at, r = np.array(points, float), np.array(radii)
    return Vessels(at[:-1], at[1:], r[:-1], r[1:], np.arange(len(points) - 1) - 1)


def test_there_are_thousands_from_thick_to_thin(chest: Chest) -> None:
    vessels = chest.vessels
    assert 3000 < len(vessels) < 60000
    assert 4 < vessels.start_radius_mm.max() < 7
    assert 0.2 < vessels.end_radius_mm.min() < 0.7


def test_each_starts_where_its_parent_ends_and_is_no_wider(chest: Chest) -> None:
    vessels = chest.vessels
    child = np.flatnonzero(vessels.parent >= 0)
    parent = vessels.parent[child]
    np.testing.assert_allclose(vessels.start_mm[child], vessels.end_mm[parent])
    assert (vessels.start_radius_mm[child] <= vessels.end_radius_mm[parent] + 1e-9).all()
    assert (vessels.end_radius_mm <= vessels.start_radius_mm).all()


def test_ten_trees_two_for_each_lobe(chest: Chest) -> None:
    assert (chest.vessels.parent == -1).sum() == 10


def test_most_of_their_length_lies_in_the_lungs(chest: Chest) -> None:
    vessels = chest.vessels
    share = np.linspace(0, 1, 5)[:, None, None]
    along = vessels.start_mm + share * (vessels.end_mm - vessels.start_mm)
    assert (chest.grid.value(chest.lungs, along) > 0).mean() > 0.97


def test_they_reach_near_the_pleura_but_not_through_it(chest: Chest) -> None:
    lung = chest.lungs > 0
    far_in = ndimage.distance_transform_edt(lung, sampling=SPACING_MM[::-1])
    rim = chest.grid.mm(np.argwhere((far_in > 0) & (far_in < 4))[::40])
    twigs = chest.vessels.end_radius_mm < 0.8
    nearest, _ = cKDTree(chest.vessels.end_mm[twigs]).query(rim)
    assert np.percentile(nearest, 50) < 10
    assert np.percentile(nearest, 90) < 18


def test_thick_ones_are_as_dense_as_blood(chest: Chest) -> None:
    thick = (chest.vessels.end_radius_mm > 2.5) & (chest.vessels.parent >= 0)
    # Half-way along; a bronchus may touch the wall of one, so most is enough.
    middle = (chest.vessels.start_mm[thick] + chest.vessels.end_mm[thick]) / 2
    assert np.percentile(chest.grid.value(chest.hu, middle), 20) > 20


def test_joined_trees_keep_their_own_parents() -> None:
    one = line([(0, 0, 0), (1, 0, 0), (2, 0, 0)], [3, 2, 1])
    both = joined([one, one])
    assert both.parent.tolist() == [-1, 0, -1, 2]
    assert len(both) == 4


def test_airways_run_beside_wide_arteries_without_touching_them() -> None:
    artery = line([(0, 0, 0), (-10, 0, 0), (-20, 0, 0), (-30, 0, 0)], [4, 3, 2, 0.5])
    airway = grow_airways(artery)
    assert len(airway) == 2
    assert airway.parent.tolist() == [-1, 0]
    np.testing.assert_allclose(airway.start_mm[1], airway.end_mm[0])
    np.testing.assert_allclose(airway.start_mm[:, 0], artery.start_mm[:2, 0], atol=1e-6)
    gap = np.linalg.norm(airway.end_mm - artery.end_mm[:2], axis=1)
    assert (gap > artery.end_radius_mm[:2] + airway.end_radius_mm).all()
    assert (airway.start_radius_mm < artery.start_radius_mm[:2]).all()


def test_an_airway_is_a_dark_hole_in_a_wall_and_a_vessel_is_solid() -> None:
    grid = Grid((20, 60, 60), (0.7, 0.7, 1.0))
    tube = line([(-8, 0, 0), (8, 0, 0)], [3, 3])
    hu = np.full(grid.shape, -850, np.float32)
    draw_airways(hu, grid, tube, lumen=False)
    draw_airways(hu, grid, tube, lumen=True)
    across = hu[10, 30]
    assert across[30] < -950
    assert across.max() > -600
    assert across[0] == -850
    draw_vessels(hu, grid, tube, 45)
    assert hu[10, 30, 30] == 45
