"""Which groups change sides in a permutation."""

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.metrics.intervals import draw_counts
from lungmonai.metrics.swaps import draw_swaps


def test_each_group_changes_sides_half_the_time() -> None:
    swaps = draw_swaps(40, 2000, seed=3)
    assert set(np.unique(swaps)) == {0, 1}
    assert swaps.mean(axis=0) == pytest.approx(np.full(40, 0.5), abs=0.06)
    assert abs(np.corrcoef(swaps.T)[0, 1:]).max() < 0.1
    assert (draw_swaps(40, 2000, seed=3) == swaps).all()
    assert (draw_swaps(40, 2000, seed=4) != swaps).any()


def test_the_bootstrap_of_the_same_seed_has_other_random_numbers() -> None:
    """A bootstrap of two groups and a test of two draw from 0 and 1 alike, but not the same."""
    counts, swaps = draw_counts(2, 300, seed=0), draw_swaps(2, 300, seed=0)
    assert (swaps.sum(axis=1) != counts[:, 1]).mean() > 0.3


@pytest.mark.parametrize(("permutations", "seed"), [(-1, 0), (5, -1)])
def test_negative_numbers_are_refused(permutations: int, seed: int) -> None:
    with pytest.raises(SettingsError, match="wanted both from 0"):
        draw_swaps(3, permutations, seed)


def test_a_single_group_gives_no_test() -> None:
    assert draw_swaps(1, 9, seed=0).shape == (0, 1)
