"""Weighted areas and curves against the same of the samples that were really repeated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics import ranking_draws as module
from lungmonai.metrics.ranking import average_precision, precision_recall_curve, roc_auc, roc_curve
from lungmonai.metrics.ranking_draws import group_numbers, ranking_draws

AT = np.array([0.0, 0.05, 0.3, 0.5, 0.77, 1.0])


def samples(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores with ties, and groups from 0 to 4 of different size."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(6, 40))
    return rng.random(count) < rng.uniform(0.1, 0.9), rng.integers(0, 7, count) / 7, rng.integers(0, 5, count)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_counts_stand_for_copies(seed: int) -> None:
    labels, scores, groups = samples(seed)
    counts = np.random.default_rng(seed + 1).integers(0, 4, (6, 5))
    found = ranking_draws(labels, scores, groups, counts, AT)
    for draw, times in enumerate(counts):
        rows = np.repeat(np.arange(len(labels)), times[groups])
        label, score = labels[rows], scores[rows]
        if label.any() and not label.all():
            curve = roc_curve(label, score)
            assert found.roc_auc[draw] == pytest.approx(roc_auc(label, score))
            assert found.average_precision[draw] == pytest.approx(average_precision(label, score))
            assert found.sensitivity[draw] == pytest.approx(np.interp(AT, curve.x, curve.y))
            assert found.precision[draw] == pytest.approx(slow_precision(label, score))
        else:
            assert np.isnan(found.roc_auc[draw])
            assert np.isnan(found.sensitivity[draw]).all()
            assert np.isnan(found.precision[draw]).all()


def slow_precision(labels: np.ndarray, scores: np.ndarray) -> list[float]:
    curve = precision_recall_curve(labels, scores)
    return [next(y for x, y in zip(curve.x, curve.y, strict=True) if x >= recall - 1e-9) for recall in AT]


def test_many_draws_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, scores, groups = samples(3)
    counts = np.random.default_rng(0).integers(0, 3, (50, 5))
    whole = ranking_draws(labels, scores, groups, counts, AT)
    monkeypatch.setattr(module, "_AT_A_TIME", 20)
    parts = ranking_draws(labels, scores, groups, counts, AT)
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(getattr(parts, name), values)


def test_groups_are_numbered_by_name() -> None:
    numbers, count = group_numbers(["p2", "p10", "p2"])
    assert (numbers.tolist(), count) == ([1, 0, 1], 2)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SettingsError, match="one label and one finite score for each sample"):
        ranking_draws([1, 0], [0.5, np.nan], [0, 0], [[1]])


@pytest.mark.parametrize(
    ("groups", "counts"), [([0], [[1]]), ([0, 1], [[1]]), ([0, -1], [[1, 1]]), ([0, 0], [1, 1])]
)
def test_groups_that_do_not_fit_are_refused(groups: list[int], counts: list) -> None:
    with pytest.raises(SettingsError, match="for 2 samples; wanted a group for each sample, numbered from 0"):
        ranking_draws([1, 0], [0.5, 0.2], groups, counts)
