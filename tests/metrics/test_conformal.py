"""Conformal sets: their promise by simulation, their bounds by counting."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.metrics.conformal import ConformalSets, fit_conformal, least_samples


def drawn(rng: np.random.Generator, count: int, share: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Labels and overlapping probabilities that are not calibrated at all."""
    labels = rng.random(count) < share
    return labels, 1 / (1 + np.exp(-4 * rng.normal(np.where(labels, 0.6, -0.3), 1)))


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_each_class_is_covered_as_often_as_promised(coverage: float) -> None:
    """Over many fits the mean coverage is ⌈(n + 1)·coverage⌉ / (n + 1) in each class (Vovk 2012)."""
    rng = np.random.default_rng(0)
    held, expected = [], []
    for _ in range(300):
        labels, probs = drawn(rng, 120)
        sets = fit_conformal(labels, probs, coverage)
        new_labels, new_probs = drawn(rng, 1000)
        inside = sets(new_probs)[np.arange(1000), new_labels.astype(int)]
        held.append([inside[~new_labels].mean(), inside[new_labels].mean()])
        counts = np.array([sets.negatives, sets.positives])
        expected.append(np.ceil((counts + 1) * coverage) / (counts + 1))
    np.testing.assert_allclose(np.mean(held, axis=0), np.mean(expected, axis=0), atol=0.008)
    assert (np.mean(held, axis=0) >= coverage - 0.004).all()


def test_the_bounds_leave_out_as_many_as_they_may() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        labels, probs = drawn(rng, int(rng.integers(60, 200)))
        sets = fit_conformal(labels, probs, 0.9)
        for own, bound in (
            (probs[~labels], sets.negative_up_to),
            (1 - probs[labels], 1 - sets.positive_from),
        ):
            allowed = len(own) - int(np.ceil(round((len(own) + 1) * 0.9, 9)))
            assert (own > bound + 1e-12).sum() == allowed


def test_sets_by_hand() -> None:
    sets = ConformalSets(0.9, negative_up_to=0.3, positive_from=0.6, negatives=20, positives=20)
    assert sets([0.3, 0.31, 0.6]).tolist() == [[True, False], [False, False], [False, True]]
    assert sets([]).shape == (0, 2)
    again = ConformalSets.from_dict(json.loads(json.dumps({**sets.as_dict(), "data": "more"})))
    assert again == sets


@pytest.mark.parametrize(("coverage", "least"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_the_least_number_of_samples(coverage: float, least: int) -> None:
    assert least_samples(coverage) == least
    labels = np.arange(2 * least) < least
    probs = np.linspace(0.1, 0.9, 2 * least)
    sets = fit_conformal(labels, probs, coverage)
    assert (sets.negatives, sets.positives) == (least, least)
    with pytest.raises(SettingsError, match=f"wanted at least {least} of each"):
        fit_conformal(labels[1:], probs[1:], coverage)


@pytest.mark.parametrize("coverage", [0.5, 1 / 3, 0.9, 0.95, 0.99, 0.995, 0.123])
def test_as_few_samples_as_there_can_be(coverage: float) -> None:
    """The rank ⌈(n + 1) · coverage⌉ in exact fractions: within n for this n, and for no smaller one."""
    exact = Fraction(coverage).limit_denominator(1000)
    least = next(n for n in range(1, 1000) if math.ceil((n + 1) * exact) <= n)
    assert least_samples(coverage) == least


def test_a_coverage_next_to_1_does_not_keep_anybody_waiting() -> None:
    assert least_samples(1 - 1e-12) > 1e11


def test_what_makes_no_sense_is_refused() -> None:
    for coverage in (0.0, 1.0, np.nan):
        with pytest.raises(SettingsError, match=r"coverage is .*; wanted between 0 and 1"):
            fit_conformal([0, 1], [0.2, 0.8], coverage)
        with pytest.raises(SettingsError, match=r"coverage is .*; wanted between 0 and 1"):
            least_samples(coverage)
    text = r"1 negative and 1 positive samples for a coverage of 0\.9; wanted at least 9"
    with pytest.raises(SettingsError, match=text):
        fit_conformal([0, 1], [0.2, 0.8], 0.9)
    with pytest.raises(SettingsError, match=r"coverage 0\.9, bounds 1\.2 and 0\.1"):
        ConformalSets(0.9, 1.2, 0.1, 9, 9)
    with pytest.raises(SettingsError, match="conformal sets without sound numbers"):
        ConformalSets.from_dict({"coverage": 0.9})
