"""Painted shapes have the volume of what they stand for, wherever they lie."""

import numpy as np
import pytest

from lungmonai.data.phantom.fields import Layer, coarse_grid, distance_mm, ellipsoid
from lungmonai.data.phantom.shapes import Grid, paint, paint_tube

SHAPE, SPACING_MM = (30, 60, 70), (0.7, 0.8, 1.5)


@pytest.fixture
def grid() -> Grid:
    return Grid(SHAPE, SPACING_MM)


def painted_mm3(hu: np.ndarray) -> float:
    """Volume of what was painted as 1 on 0."""
    return float(hu.sum() * np.prod(SPACING_MM))


def test_mm_and_voxels_are_each_others_reverse(grid: Grid) -> None:
    at = np.random.default_rng(0).uniform(-20, 20, (5, 4, 3))
    np.testing.assert_allclose(grid.mm(grid.vox(at)), at, atol=1e-9)
    np.testing.assert_allclose(grid.vox([0, 0, 0]), [14.5, 29.5, 34.5])
    # z goes with slices and the third spacing, x with columns and the first.
    np.testing.assert_allclose(grid.vox([1.5, 0.8, 0.7]) - grid.vox([0, 0, 0]), 1)


def test_value_is_that_of_the_nearest_voxel_and_the_edges_outside(grid: Grid) -> None:
    volume = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    at = grid.mm([[3.2, 10.4, 20.4], [3.2, 10.4, 500]])
    assert grid.value(volume, at).tolist() == [volume[3, 10, 20], volume[3, 10, -1]]


def test_a_box_outside_is_empty_and_paints_nothing(grid: Grid) -> None:
    where, at = grid.box([100, 100, 100], [110, 110, 110])
    assert at.size == 0
    hu = np.zeros(SHAPE, np.float32)
    assert hu[where].size == 0
    paint_tube(hu, grid, np.array([200.0, 0, 0]), np.array([210.0, 0, 0]), 3, 1)
    paint(hu, grid, [200, 0, 0], [210, 5, 5], lambda at: at[..., 0], 1)
    assert not hu.any()


def test_a_ball_has_its_volume(grid: Grid) -> None:
    hu = np.zeros(SHAPE, np.float32)
    center = np.array([2.2, -3.3, 1.1])
    paint(hu, grid, center - 9, center + 9, lambda at: np.linalg.norm(at - center, axis=-1) - 7, 1)
    assert painted_mm3(hu) == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.02)
    assert hu.max() == pytest.approx(1)
    weights = hu[..., None] * grid.mm(np.moveaxis(np.indices(SHAPE), 0, -1))
    np.testing.assert_allclose(weights.sum(axis=(0, 1, 2)) / hu.sum(), center, atol=0.05)


@pytest.mark.parametrize("along", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)], ids=str)
@pytest.mark.parametrize(("radius_mm", "within"), [(3.0, 0.06), (1.0, 0.25), (0.5, 0.45)])
def test_a_tube_has_its_volume_even_where_thinner_than_a_voxel(
    grid: Grid, along: tuple[int, int, int], radius_mm: float, within: float
) -> None:
    unit = np.array(along) / np.linalg.norm(along)
    start, end = 0.3 - 8 * unit, 0.3 + 8 * unit
    hu = np.zeros(SHAPE, np.float32)
    paint_tube(hu, grid, start, end, radius_mm, 1)
    exact = np.pi * radius_mm**2 * 16 + 4 / 3 * np.pi * radius_mm**3
    assert painted_mm3(hu) == pytest.approx(exact, rel=within)


def test_a_tube_tapers(grid: Grid) -> None:
    hu = np.zeros(SHAPE, np.float32)
    paint_tube(hu, grid, np.array([0.0, 0, -12]), np.array([0.0, 0, 12]), (4, 1), 1)
    areas = hu.sum(axis=(0, 1))
    wide, thin = areas[grid.vox([0, 0, -10])[2].astype(int)], areas[grid.vox([0, 0, 10])[2].astype(int)]
    assert wide / thin > 5


def test_a_painted_edge_is_a_voxel_wide() -> None:
    grid = Grid((4, 4, 40), (1.0, 1.0, 1.0))
    hu = np.zeros(grid.shape, np.float32)
    paint(hu, grid, [-2, -2, -20], [2, 2, 20], lambda at: at[..., 2] - 0.2, 1)
    # Voxel centres lie at halves: the one at 0.5 is full to 0.2.
    assert hu[2, 2, 18:22].tolist() == pytest.approx([1, 1, 0.2, 0])


def test_painting_blends_with_what_is_there(grid: Grid) -> None:
    hu = np.full(SHAPE, -850, np.float32)
    paint_tube(hu, grid, np.array([0.0, 0, -9]), np.array([0.0, 0, 9]), 3, 45)
    assert hu.min() == -850
    assert hu.max() == pytest.approx(45)


def test_a_coarse_level_reads_as_the_shape_that_it_stands_for(grid: Grid) -> None:
    coarse = coarse_grid(grid)
    level = ellipsoid(coarse, np.array([1.0, 2, -1]), (12, 10, 14))
    layer = Layer.of_level(level, coarse, grid)
    full = np.zeros(SHAPE, np.float32)
    for z in range(SHAPE[0]):
        found = layer.slice(z)
        if found:
            full[z][found[0]] = np.clip(0.5 - found[1], 0, 1)
    assert painted_mm3(full) == pytest.approx(4 / 3 * np.pi * 12 * 10 * 14, rel=0.03)


def test_a_layer_that_is_nowhere_covers_no_slice(grid: Grid) -> None:
    coarse = coarse_grid(grid)
    layer = Layer.of_level(np.full(coarse.shape, 99, np.float32) + coarse.z, coarse, grid)
    assert all(layer.slice(z) is None for z in range(SHAPE[0]))


def test_a_scaled_level_becomes_a_distance(grid: Grid) -> None:
    coarse = coarse_grid(grid)
    plane = np.broadcast_to(7 * (coarse.y - 3), coarse.shape).astype(np.float32)
    np.testing.assert_allclose(
        distance_mm(plane, coarse), np.broadcast_to(coarse.y - 3, coarse.shape), atol=1e-3
    )


@pytest.mark.parametrize(("axis", "voxel_mm"), [(0, 1.5), (1, 0.8), (2, 0.7)])
def test_the_edge_of_a_level_is_one_voxel_wide_along_its_normal(
    grid: Grid, axis: int, voxel_mm: float
) -> None:
    coarse = coarse_grid(grid)
    level = np.broadcast_to((coarse.z, coarse.y, coarse.x)[axis] - 0.4, coarse.shape).astype(np.float32)
    layer = Layer.of_level(level, coarse, grid)
    found = layer.slice(14)
    assert found
    at = (grid.z[14:15], grid.y[:, found[0][0]], grid.x[:, :, found[0][1]])[axis] - 0.4
    near = np.abs(at[0] / voxel_mm) < 2
    expected = np.broadcast_to(at[0] / voxel_mm, found[1].shape)
    assert near.any()
    np.testing.assert_allclose(
        found[1][np.broadcast_to(near, found[1].shape)],
        expected[np.broadcast_to(near, expected.shape)],
        atol=0.02,
    )
