"""The paired comparison of two scores, draw by draw and permutation by permutation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.delong import delong
from lungmonai.metrics.intervals import draw_counts, percentile_interval
from lungmonai.metrics.paired_auc import compare_auc
from lungmonai.metrics.ranking import average_precision, roc_auc
from lungmonai.metrics.swaps import draw_swaps


def case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, two scores of different worth, and patients with several samples."""
    rng = np.random.default_rng(seed)
    labels = np.append([True, True, False, False], rng.random(26) < 0.4)
    first, second = (np.round(labels * gain + rng.normal(size=30), 1) for gain in (1.0, 0.3))
    return labels, first, second, rng.permutation(np.arange(30) % 9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_draw_and_permutation_is_what_it_says(seed: int) -> None:
    labels, first, second, patients = case(seed)
    found = compare_auc(labels, first, second, patients, seed=seed, draws=25, permutations=25)
    differences = {roc_auc: [], average_precision: []}
    for times in draw_counts(9, 25, seed):
        rows = np.repeat(np.arange(30), times[patients])
        if 0 < labels[rows].sum() < len(rows):
            for area, values in differences.items():
                values.append(area(labels[rows], first[rows]) - area(labels[rows], second[rows]))
    for area, one in ((roc_auc, found.roc_auc), (average_precision, found.average_precision)):
        value = area(labels, first) - area(labels, second)
        expected = percentile_interval(value, differences[area])
        assert one.difference.value == pytest.approx(value)
        assert (one.difference.low, one.difference.high) == pytest.approx((expected.low, expected.high))
    ranks = [
        np.array([(side < one).sum() + (side == one).sum() / 2 for one in side]) for side in (first, second)
    ]
    value, far = roc_auc(labels, first) - roc_auc(labels, second), 0
    for swap in draw_swaps(9, 25, seed):
        moved = swap[patients] == 1
        left, right = np.where(moved, ranks[1], ranks[0]), np.where(moved, ranks[0], ranks[1])
        far += abs(roc_auc(labels, left) - roc_auc(labels, right)) >= abs(value) - 1e-9
    assert found.roc_auc.p_value == pytest.approx((1 + far) / 26)
    assert found.delong == delong(labels, [first, second]).difference()


def test_the_scale_of_a_score_makes_no_difference() -> None:
    labels, first, second, patients = case(3)
    plain, scaled = (
        compare_auc(labels, first, side, patients, seed=0, draws=30, permutations=30)
        for side in (second, np.exp(second) * 100)
    )
    assert plain.as_dict() == scaled.as_dict()


def test_delong_and_the_permutation_agree_where_samples_are_independent() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(150) % 2 == 0
    shared = labels + rng.normal(size=150)
    first, second = shared + rng.normal(size=150) / 2, shared + rng.normal(size=150)
    found = compare_auc(labels, first, second, np.arange(150), seed=0, draws=500, permutations=2000)
    assert found.roc_auc.p_value == pytest.approx(found.delong.p_value, abs=0.03)
    assert found.roc_auc.difference.low == pytest.approx(found.delong.low, abs=0.02)
    assert found.roc_auc.difference.high == pytest.approx(found.delong.high, abs=0.02)


def test_repeated_patients_widen_the_interval() -> None:
    """The same 40 patients written down four times: DeLong thinks it has 160, the bootstrap does not."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2 == 0
    first, second = (labels * gain + rng.normal(size=40) for gain in (1.0, 0.5))
    once, often = (
        compare_auc(*(np.tile(part, times) for part in (labels, first, second, np.arange(40))), seed=0)
        for times in (1, 4)
    )
    assert once.roc_auc == often.roc_auc
    assert often.delong.standard_error < 0.6 * once.delong.standard_error


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(SettingsError, match="1 positive and 2 negative samples"):
        compare_auc([1, 0, 0], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0, 1, 2], seed=0)
    with pytest.raises(SettingsError, match="0 draws of 4 groups with seed 0"):
        compare_auc([1, 0, 1, 0], np.arange(4.0), np.arange(4.0), np.arange(4), seed=0, draws=0)
