"""DeLong's variance against its definition, pair by pair, and against a published example."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.delong import delong

# DeLong, DeLong and Clarke-Pearson 1988, as the manual of SAS's PROC LOGISTIC gives it ("Comparing receiver
# operating characteristic curves"): albumin, total protein, K-G score, and whether surgery helped.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1
3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0
2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0
3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1
3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def test_the_published_example() -> None:
    table = np.array(OVARIAN.split(), float).reshape(-1, 4)
    found = delong(table[:, 3], [table[:, 0], 10 - table[:, 2], table[:, 1]])
    areas = [found.area(place) for place in range(3)]
    assert [round(one.value, 4) for one in areas] == [0.7366, 0.7258, 0.6478]
    assert [round(one.standard_error, 4) for one in areas] == [0.0927, 0.1028, 0.1000]
    assert (round(areas[0].low, 4), round(areas[0].high, 4)) == (0.5549, 0.9182)
    albumin, protein = found.difference(0, 1), found.difference(2, 1)
    assert (round(albumin.value, 4), round(albumin.standard_error, 4)) == (0.0108, 0.0953)
    assert (round(protein.value, 4), round(protein.standard_error, 4)) == (-0.0780, 0.1046)
    assert (round(albumin.p_value, 4), round(protein.p_value, 4)) == (0.9102, 0.4561)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_midranks_are_the_structural_components(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([[True, True, False, False], rng.random(int(rng.integers(0, 20))) < 0.4])
    scores = rng.integers(0, 6, (3, len(labels))) / 6
    pairs = [
        [[(p > n) + 0.5 * (p == n) for n in row[~labels]] for p in row[labels]] for row in scores
    ]  # score, positive, negative
    of_positives = np.array([np.mean(one, axis=1) for one in pairs])
    of_negatives = np.array([np.mean(one, axis=0) for one in pairs])
    positives, negatives = labels.sum(), (~labels).sum()

    def spread(parts, count):
        left = parts - parts.mean(axis=1, keepdims=True)
        return left @ left.T / (count - 1) / count

    found = delong(labels, scores)
    assert found.roc_auc == pytest.approx(of_positives.mean(axis=1))
    expected = spread(of_positives, positives) + spread(of_negatives, negatives)
    assert found.covariance == pytest.approx(expected, abs=1e-12)


def test_the_interval_covers_the_true_area() -> None:
    """Of normal scores with distance 1 the area is Φ(1/√2) = 0.7602; some 95 of 100 intervals hold it."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3 == 0
    held = 0
    for _ in range(200):
        area = delong(labels, labels + rng.normal(size=120)).area()
        held += area.low <= 0.7602 <= area.high
    assert 180 <= held <= 199


def test_a_perfect_area_has_no_error_and_stays_below_1() -> None:
    perfect = delong([1, 1, 0, 0], [[0.9, 0.8, 0.2, 0.1], [0.1, 0.2, 0.8, 0.9]])
    area = perfect.area()
    assert (area.value, area.low, area.high, area.standard_error) == (1, 1, 1, 0)
    assert math.isnan(area.p_value)  # that an area is 0 is nobody's question
    assert math.isnan(perfect.difference().p_value)
    assert perfect.difference().as_dict()["p_value"] is None
    assert delong([1, 1, 0, 0], [[0.9, 0.3, 0.4, 0.1]] * 2).difference().p_value == 1
    wide = delong([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.3, 0.4, 0.2, 0.1]).area()
    assert wide.value < 1 == wide.high


def test_too_few_of_a_class_are_refused() -> None:
    with pytest.raises(SettingsError, match="1 positive and 3 negative samples; wanted two or more of each"):
        delong([1, 0, 0, 0], [0.4, 0.3, 0.2, 0.1])
    with pytest.raises(SettingsError, match="one finite score for each sample"):
        delong([1, 1, 0, 0], [[0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, np.inf]])
