"""A tree in a simple room: it reaches its points, conserves them, and stays inside."""

import numpy as np
import pytest

from lungmonai.data.phantom.shapes import Grid
from lungmonai.data.phantom.tree import Room, Tree, grow

RADIUS_MM = 60.0


@pytest.fixture(scope="module")
def ball() -> Room:
    """A ball around the origin."""
    grid = Grid((60, 60, 60), (2.5, 2.5, 2.5))
    return Room((np.sqrt(grid.z**2 + grid.y**2 + grid.x**2) - RADIUS_MM).astype(np.float32), grid)


def points_in_ball(count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    points = rng.uniform(-RADIUS_MM, RADIUS_MM, (20 * count, 3))
    return points[np.linalg.norm(points, axis=1) < RADIUS_MM - 5][:count]


@pytest.fixture(scope="module")
def tree(ball: Room) -> Tree:
    return grow(np.array([0.0, 0, -55]), points_in_ball(300), ball, np.random.default_rng(0))


def test_depth_is_the_distance_from_the_wall(ball: Room) -> None:
    at = np.array([[5.0, 0, 0], [30, 0, 0], [0, 40, 30], [0, 0, 70]])
    np.testing.assert_allclose(ball.depth(at), [55, 30, 10, -10], atol=0.7)


def test_points_near_the_wall_move_inwards_and_others_stay(ball: Room) -> None:
    at = np.array([[0.0, 0, 0], [0, 0, 59.5], [0, 62, 0]])
    moved = ball.kept_off(at, 4.0)
    np.testing.assert_array_equal(moved[0], at[0])
    assert (ball.depth(moved) > 3.0).all()
    np.testing.assert_allclose(moved[1] / np.linalg.norm(moved[1]), [0, 0, 1], atol=0.05)


def test_every_point_is_the_end_of_a_twig(tree: Tree) -> None:
    twigs = tree.end_mm[tree.supplied == 1]
    assert len(twigs) == 300
    far = np.linalg.norm(points_in_ball(300)[:, None] - twigs[None], axis=-1).min(axis=1)
    assert far.max() < 1e-6


def test_what_a_branch_supplies_is_what_its_children_do(tree: Tree) -> None:
    children = np.zeros(len(tree.parent), int)
    with_parent = tree.parent >= 0
    np.add.at(children, tree.parent[with_parent], tree.supplied[with_parent])
    forks = tree.supplied > 1
    np.testing.assert_array_equal(children[forks], tree.supplied[forks])
    assert (children[~forks] == 0).all()
    assert tree.supplied[0] == 300
    assert (tree.parent[1:] < np.arange(1, len(tree.parent))).all()


def test_branches_stay_in_the_room_and_join(tree: Tree, ball: Room) -> None:
    assert (ball.depth(np.concatenate([tree.middle_mm, tree.end_mm])) > 0).all()
    child = np.flatnonzero(tree.parent >= 0)
    np.testing.assert_array_equal(tree.start_mm[child], tree.end_mm[tree.parent[child]])


def test_branches_that_cannot_reach_their_points_inside_are_left_out(ball: Room) -> None:
    outside = np.array([[0.0, 0, 75.0], [0, 5, 78], [0, 0, 0], [5, 0, 0]])
    tree = grow(np.array([0.0, 0, -55]), outside, ball, np.random.default_rng(0))
    assert (np.linalg.norm(tree.end_mm, axis=1) < RADIUS_MM).all()


def test_points_on_one_another_get_a_branch_each(ball: Room) -> None:
    tree = grow(np.array([0.0, 0, -55]), np.zeros((5, 3)), ball, np.random.default_rng(0))
    twigs = tree.end_mm[tree.supplied == 1]
    np.testing.assert_array_equal(twigs, np.zeros((5, 3)))


def test_one_point_gets_one_branch(ball: Room) -> None:
    tree = grow(np.zeros(3), np.array([[0.0, 20, 0]]), ball, np.random.default_rng(0))
    assert tree.parent.tolist() == [-1]
    np.testing.assert_allclose(tree.end_mm, [[0, 20, 0]])
