"""Ranking scores against their definitions, pair by pair and threshold by threshold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.ranking import average_precision, precision_recall_curve, roc_auc, roc_curve

SAMPLES = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40)


def both(samples: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    """The samples with one more of each class."""
    labels, scores = zip(*samples, (True, 3), (False, 4), strict=True)
    return np.array(labels), np.array(scores, float)


@settings(max_examples=80, deadline=None)
@given(samples=SAMPLES)
def test_auc_is_the_share_of_pairs_in_order(samples: list[tuple[bool, int]]) -> None:
    labels, scores = both(samples)
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[labels] for n in scores[~labels]]
    assert roc_auc(labels, scores) == pytest.approx(np.mean(pairs))
    assert roc_auc(~labels, -scores) == pytest.approx(np.mean(pairs))


@settings(max_examples=80, deadline=None)
@given(samples=SAMPLES)
def test_curves_are_counts_at_each_threshold(samples: list[tuple[bool, int]]) -> None:
    labels, scores = both(samples)
    thresholds = sorted(set(scores), reverse=True)
    roc, pr = roc_curve(labels, scores), precision_recall_curve(labels, scores)
    assert roc.threshold.tolist() == [np.inf, *thresholds]
    assert pr.threshold.tolist() == thresholds
    for place, threshold in enumerate(thresholds):
        over = scores >= threshold
        true = (over & labels).sum()
        assert roc.x[place + 1] == pytest.approx((over & ~labels).sum() / (~labels).sum())
        assert roc.y[place + 1] == pr.x[place] == pytest.approx(true / labels.sum())
        assert pr.y[place] == pytest.approx(true / over.sum())
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(roc_auc(labels, scores))


def test_average_precision_by_hand() -> None:
    # Positives on places 1 and 3 of four: precision 1 and 2/3.
    assert average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]) == pytest.approx((1 + 2 / 3) / 2)
    # Both positives share their score with a negative: precision 2/3 at both.
    assert average_precision([1, 0, 1], [0.5, 0.5, 0.5]) == pytest.approx(2 / 3)


def test_a_missing_class_has_no_area() -> None:
    assert np.isnan(roc_auc([1, 1], [0.2, 0.4]))
    with pytest.raises(SettingsError, match="2 of 2 are positive; wanted some of both"):
        roc_curve([1, 1], [0.2, 0.4])
    with pytest.raises(SettingsError, match="none of 2 is positive"):
        precision_recall_curve([0, 0], [0.2, 0.4])


@pytest.mark.parametrize("scores", [[0.1], [0.1, np.nan]])
def test_what_does_not_fit_is_refused(scores: list[float]) -> None:
    with pytest.raises(SettingsError, match="wanted one label and one finite score for each sample"):
        roc_auc([0, 1], scores)
