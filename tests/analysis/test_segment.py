"""Segmentation shows each slice with its neighbours, and keeps what counts."""

import numpy as np
import pytest

from lungmonai.analysis.segment import Window, segment_volume


def whole(shape) -> Window:
    slices, rows, columns = shape
    return Window((0, rows), (0, columns), (0, rows), (0, columns), (0, slices))


def weighted(blocks):
    """A stand-in network that tells its seven slices apart: a weighted sum of them."""
    for block in blocks:
        windows = np.stack([block[i : i + 7] for i in range(len(block) - 6)]).astype(np.float64)
        yield (np.tensordot(windows, WEIGHTS, (1, 0)) / 1000).astype(np.float32)


WEIGHTS = np.array([1, 2, 4, 8, 16, 32, 64]) / 127


def oracle(hu):
    """Each slice by itself, with the first and last one repeated beyond the ends."""
    near = [np.clip(np.arange(z - 3, z + 4), 0, len(hu) - 1) for z in range(len(hu))]
    return np.stack([np.tensordot(WEIGHTS, hu[n].astype(np.float64), (0, 0)) / 1000 for n in near])


@pytest.mark.parametrize("slices", [3, 5, 7, 20])
@pytest.mark.parametrize("per_call", [1, 2, 4, 16])
def test_every_slice_is_seen_with_its_neighbours(slices: int, per_call: int) -> None:
    hu = np.random.default_rng(0).integers(0, 1000, (slices, 6, 5)).astype(np.int16)
    steps = []
    found = segment_volume(
        hu,
        weighted,
        whole(hu.shape),
        slices_per_call=per_call,
        threshold=0.5,
        progress=lambda done, total: steps.append((done, total)),
    )
    expected = oracle(hu)
    assert np.array_equal(found.marked, expected.astype(np.float32) > 0.5)
    assert np.abs(found.probability / 255 - expected).max() <= 0.5 / 255 + 1e-6
    assert steps[-1] == (slices, slices)


def test_a_window_keeps_its_inside_only() -> None:
    hu = np.full((12, 20, 20), 900, np.int16)
    window = Window((4, 16), (0, 20), (6, 14), (2, 18), (3, 9))
    found = segment_volume(
        hu, weighted, window, slices_per_call=1, threshold=0.5, progress=lambda done, total: None
    )
    expected = np.zeros(hu.shape, bool)
    expected[3:9, 6:14, 2:18] = True
    assert np.array_equal(found.marked, expected)
    assert found.probability[~expected].max() == 0


def test_middle_blocks_are_views_of_the_volume() -> None:
    hu = np.zeros((12, 8, 8), np.int16)
    shared = []

    def run(blocks):
        for block in blocks:
            shared.append(np.shares_memory(block, hu))
            yield np.zeros((1, 8, 8), np.float32)

    segment_volume(hu, run, whole(hu.shape), slices_per_call=1, threshold=0.5, progress=lambda d, t: None)
    assert shared == [False] * 3 + [True] * 6 + [False] * 3
