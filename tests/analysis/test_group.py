"""Grouping answers as SciPy does, to the last bit and in the same order."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lungmonai.analysis.group import MOST_VOXELS, erode, group_voxels, voxels_of_sphere
from lungmonai.errors import WeightsError


def scipy_groups(marked, hu):
    labels, count = ndimage.label(ndimage.binary_erosion(marked))
    weights = hu.astype(np.float32).clip(-1000, 1000) + 1001
    centers = ndimage.center_of_mass(weights, labels, np.arange(1, count + 1))
    return labels, np.array(centers).reshape(-1, 3)


def random_volume(seed: int, share: float, shape=(9, 14, 11)):
    rng = np.random.default_rng(seed)
    hu = rng.integers(-1500, 2500, shape).astype(np.int16)
    return rng.random(shape) < share, hu


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.5, 1.0), size=st.integers(3, 12))
def test_grouping_equals_scipy(seed: int, share: float, size: int) -> None:
    marked, hu = random_volume(seed, share, (size, 14, 11))
    groups = group_voxels(marked, hu)
    labels, centers = scipy_groups(marked, hu)
    assert np.array_equal(erode(marked), ndimage.binary_erosion(marked))
    assert np.array_equal(groups.center_vox, centers)
    assert np.array_equal(np.flatnonzero(labels), groups.voxels)
    assert np.array_equal(labels.ravel()[groups.voxels] - 1, groups.labels)
    assert np.array_equal(np.bincount(labels.ravel())[1:], groups.counts)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.floats(0.05, 0.9),
    size=st.integers(1, 7),
    least=st.sampled_from([1, 2, 5, 20]),
)
def test_what_erosion_would_remove_whole_is_kept(seed: int, share: float, size: int, least: int) -> None:
    marked, hu = random_volume(seed, share, (size, 9, 8))
    all_labels, count = ndimage.label(marked)
    eroded = ndimage.binary_erosion(marked)
    kept = eroded.copy()
    for number in range(1, count + 1):
        group = all_labels == number
        if group.sum() >= least and not (group & eroded).any():
            kept |= group
    labels, count = ndimage.label(kept)
    groups = group_voxels(marked, hu, keep_thin=least)
    assert np.array_equal(np.flatnonzero(labels), groups.voxels)
    assert np.array_equal(labels.ravel()[groups.voxels] - 1, groups.labels)
    assert len(groups) == count


def test_voxels_of_a_sphere() -> None:
    # A sphere of 10 mm has 523.6 mm³.
    assert voxels_of_sphere(10.0, (1.0, 1.0, 1.0)) == 524
    assert voxels_of_sphere(10.0, (0.5, 0.5, 2.0)) == 1048


@pytest.mark.parametrize("fill", [False, True])
def test_empty_and_full_volumes(fill: bool) -> None:
    marked = np.full((5, 6, 7), fill)
    groups = group_voxels(marked, np.zeros(marked.shape, np.int16))
    assert len(groups) == int(fill)
    assert groups.center_vox.shape == (int(fill), 3)
    if fill:
        assert groups.counts.tolist() == [3 * 4 * 5]
        assert groups.center_vox.tolist() == [[2.0, 2.5, 3.0]]


def test_a_network_that_marks_everything_is_refused_before_memory_is_taken() -> None:
    side = int(np.ceil(np.cbrt(MOST_VOXELS + 1))) + 2  # erosion takes a voxel from each side
    marked = np.ones((side, side, side), bool)
    hu = np.broadcast_to(np.int16(0), marked.shape)  # no memory of its own
    with pytest.raises(WeightsError, match=r"the segmentation marks 10,.* of .* voxels, nearly everything"):
        group_voxels(marked, hu)


def test_memory_is_what_the_limit_was_chosen_by() -> None:
    marked = np.ones((52, 82, 82), bool)
    hu = np.zeros(marked.shape, np.int16)
    tracemalloc.start()
    groups = group_voxels(marked, hu)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 200 < most / len(groups.voxels) < 300  # 260 bytes a voxel


def test_only_keeps_order_and_voxels() -> None:
    marked, hu = random_volume(3, 0.8)
    groups = group_voxels(marked, hu)
    keep = np.arange(len(groups)) % 2 == 1
    kept = groups.only(keep)
    assert np.array_equal(kept.center_vox, groups.center_vox[1::2])
    for number, old in enumerate(range(1, len(groups), 2)):
        assert np.array_equal(kept.voxels_of(number), groups.voxels_of(old))


@pytest.mark.shared_data
def test_grouping_equals_the_golden_masks(shared_data) -> None:
    golden = np.load(shared_data / "golden" / "c3n-00247_masks.npz")
    shape = tuple(golden["shape"])
    raw, eroded = (
        np.unpackbits(golden[name])[: np.prod(shape)].reshape(shape).astype(bool)
        for name in ("mask_raw", "mask_eroded")
    )
    from lungmonai.io import read_ct

    groups = group_voxels(raw, read_ct(shared_data / "ct" / "c3n-00247").hu)
    assert np.array_equal(erode(raw), eroded)
    assert np.array_equal(groups.center_vox, golden["cand_com_irc"])
    assert np.array_equal(groups.counts, golden["cand_size"])
