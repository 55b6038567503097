"""The grown box against the rule written out voxel by voxel, and balls of known size."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import DataError
from lungmonai.transforms import nodule_mask


def by_the_rule(hu: np.ndarray, centers) -> np.ndarray:
    """One voxel after the other; what is outside the scan is air."""

    def dense(place) -> bool:
        inside = all(0 <= p < n for p, n in zip(place, hu.shape, strict=True))
        return inside and hu[tuple(place)] > -700

    mask = np.zeros(hu.shape, np.uint8)
    for center in centers:
        widths = []
        for axis in range(3):
            step = np.eye(3, dtype=int)[axis]
            width = 2
            while dense(center + width * step) and dense(center - width * step):
                width += 1
            widths.append(width)
        for place in itertools.product(
            *(range(c - w, c + w + 1) for c, w in zip(center, widths, strict=True))
        ):
            if dense(place):
                mask[place] = 1
    return mask


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 12)] * 3),
    share=st.sampled_from([0.0, 0.5, 0.9, 0.98, 1.0]),
    seed=st.integers(0, 2**32 - 1),
    nodules=st.integers(0, 4),
)
def test_equals_the_rule(shape, share: float, seed: int, nodules: int) -> None:
    rng = np.random.default_rng(seed)
    hu = np.where(rng.random(shape) < share, rng.integers(-699, 400, shape), -700).astype(np.int16)
    centers = rng.integers(0, shape, (nodules, 3))
    kept = hu.copy()
    mask = nodule_mask(hu, centers)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, by_the_rule(hu, centers))
    assert np.array_equal(hu, kept)


def ball(shape, center, radius: float) -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return np.linalg.norm(grid - center, axis=-1) <= radius


def test_a_ball_in_air_is_found_whole_and_alone() -> None:
    truth = ball((30, 40, 50), (14, 20, 25), 6.3)
    other = ball((30, 40, 50), (14, 20, 40), 4)
    hu = np.where(truth | other, 30, -850).astype(np.int16)
    assert np.array_equal(nodule_mask(hu, [(14, 20, 25)]), truth)
    assert np.array_equal(nodule_mask(hu, [(14, 20, 25), (14, 20, 40)]), truth | other)


def test_a_small_nodule_gets_the_first_box_of_two() -> None:
    hu = np.full((11, 11, 11), -900, np.int16)
    hu[5, 5, 5] = hu[5, 5, 7] = hu[5, 5, 8] = 0
    mask = nodule_mask(hu, [(5, 5, 5)])
    assert np.argwhere(mask).tolist() == [[5, 5, 5], [5, 5, 7]]


def test_at_the_border_nothing_wraps_round() -> None:
    hu = np.full((9, 9, 9), 0, np.int16)
    hu[6:] = -900
    # Beside slice 0 is nothing, not slice 8 or 7; the box is 0 to 2.
    assert np.argwhere(nodule_mask(hu, [(0, 4, 4)])).max(axis=0).tolist() == [2, 8, 8]
    assert nodule_mask(hu, [(0, 4, 4)])[:3].all()


def test_centres_are_rounded() -> None:
    hu = np.where(ball((20, 20, 20), (10, 9, 11), 4), 0, -900).astype(np.int16)
    assert np.array_equal(nodule_mask(hu, [(10.4, 8.6, 11.49)]), nodule_mask(hu, [(10, 9, 11)]))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), nodules=st.integers(1, 5))
def test_numbers_go_to_the_nearest_centre_of_the_boxes_that_hold_a_voxel(seed: int, nodules: int) -> None:
    rng = np.random.default_rng(seed)
    hu = np.where(rng.random((8, 9, 10)) < 0.95, 0, -1000).astype(np.int16)
    centers = rng.integers(0, hu.shape, (nodules, 3))
    spacing = np.array([2.5, 0.7, 0.7])
    numbers = nodule_mask(hu, centers, instances=True, spacing_mm=tuple(spacing))
    alone = [by_the_rule(hu, [center]) for center in centers]
    assert np.array_equal(numbers > 0, np.any(alone, axis=0))
    for place in np.argwhere(numbers):
        distances = np.linalg.norm((centers - place) * spacing, axis=1)
        holding = [n for n in range(nodules) if alone[n][tuple(place)]]
        chosen = numbers[tuple(place)] - 1
        assert chosen in holding
        assert distances[chosen] <= min(distances[holding]) + 1e-9


def test_a_scan_without_nodules_has_an_empty_mask() -> None:
    assert not nodule_mask(np.zeros((4, 5, 6), np.int16), []).any()


def test_refuses_centres_outside_and_too_many() -> None:
    hu = np.zeros((4, 5, 6), np.int16)
    with pytest.raises(DataError, match=r"nodule 2 has its centre at voxel \(1, 5, 0\); wanted .*4, 5, 6"):
        nodule_mask(hu, [(1, 2, 3), (1, 5, 0)])
    with pytest.raises(DataError, match="nodule 1 has its centre at voxel"):
        nodule_mask(hu, [(-1, 2, 3)])
    with pytest.raises(DataError, match="nodule 1 has its centre at voxel"):
        nodule_mask(hu, [(float("nan"), 2, 3)])
    with pytest.raises(DataError, match="256 nodules; wanted at most 255"):
        nodule_mask(hu, [(1, 2, 3)] * 256)
