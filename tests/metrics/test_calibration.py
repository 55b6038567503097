"""Calibration against its formulas, summed bin by bin, and numbers worked by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.calibration import calibration, chance_ece, log_loss

SAMPLES = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=40)


@settings(max_examples=80, deadline=None)
@given(samples=SAMPLES, bins=st.sampled_from([1, 3, 10]))
def test_the_error_is_the_mean_gap_of_the_bins(samples: list[tuple[bool, int]], bins: int) -> None:
    labels, probs = (np.array(column, float) for column in zip(*samples, strict=True))
    probs = probs / 20
    found = calibration(labels, probs, bins)
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        within = [low < p <= high or (number == 0 and p == 0) for p in probs]
        assert found.count[number] == sum(within)
        if any(within):
            mean, share = probs[within].mean(), labels[within].mean()
            assert found.mean_prob[number] == pytest.approx(mean)
            assert found.observed[number] == pytest.approx(share)
            total += sum(within) / len(probs) * abs(mean - share)
        else:
            assert np.isnan([found.mean_prob[number], found.observed[number]]).all()
    assert found.ece == pytest.approx(total)
    assert found.brier == pytest.approx(
        sum((p - y) ** 2 for p, y in zip(probs, labels, strict=True)) / len(probs)
    )
    assert found.samples == len(samples)


def test_by_hand() -> None:
    found = calibration([0, 1, 1, 1], [0.2, 0.2, 0.9, 0.9])
    assert found.ece == pytest.approx(0.5 * 0.3 + 0.5 * 0.1)
    assert found.brier == pytest.approx((0.04 + 0.64 + 0.01 + 0.01) / 4)
    assert calibration([1, 0], [1.0, 0.0]).brier == 0
    assert log_loss([1, 0], [0.8, 0.5]) == pytest.approx(-(np.log(0.8) + np.log(0.5)) / 2)


def test_probabilities_that_are_right_have_a_small_error() -> None:
    rng = np.random.default_rng(0)
    probs = rng.random(200_000)
    found = calibration(rng.random(200_000) < probs, probs)
    assert found.ece < 0.005
    assert found.brier == pytest.approx(1 / 6, abs=0.002)  # ∫ p (1 − p) dp
    assert calibration(rng.random(200_000) < probs**2, probs).ece == pytest.approx(1 / 6, abs=0.005)


def test_chance_alone_gives_an_error() -> None:
    """One bin of n samples at 0.5: the mean of |share − 0.5| of a binomial, near √(1 / (2 π n))."""
    for count in (50, 500):
        found = chance_ece(np.full(count, 0.5), seed=0, draws=2000)
        assert found == pytest.approx((2 * np.pi * count) ** -0.5, rel=0.06)
    assert chance_ece([0.0, 1.0], seed=0) == 0
    assert chance_ece([0.3, 0.6], seed=0) == chance_ece([0.3, 0.6], seed=0)
    with pytest.raises(SettingsError, match="0 draws with seed 0; wanted at least one draw"):
        chance_ece([0.5], seed=0, draws=0)
    with pytest.raises(SettingsError, match="a probability is outside 0 to 1"):
        chance_ece([1.5], seed=0)
    with pytest.raises(SettingsError, match="0 bins; wanted at least 1"):
        chance_ece([0.5], 0, seed=0)


def test_the_error_of_chance_is_that_of_drawn_labels() -> None:
    """With one sample a bin and probability p, the gap is 1 − p in p of the draws, else p."""
    probs = np.array([0.05, 0.35, 0.72])
    expected = np.mean(2 * probs * (1 - probs))
    assert chance_ece(probs, seed=0, draws=20_000) == pytest.approx(expected, rel=0.02)


def test_certain_answers_have_a_finite_loss() -> None:
    assert log_loss([0], [1.0]) == pytest.approx(25 * np.log(2))
    assert 80 < log_loss([1], [0.0]) < 90
    assert log_loss([1], [1.0]) == pytest.approx(0, abs=1e-7)


def test_as_json_types_an_empty_bin_has_no_mean() -> None:
    content = json.loads(json.dumps(calibration([1], [0.7], 2).as_dict(), allow_nan=False))
    assert content["bins"][0] == {
        "from": 0.0, "to": 0.5, "count": 0, "mean_probability": None, "observed_share": None,
    }  # fmt: skip
    assert content["bins"][1]["observed_share"] == 1
    assert content["brier"] == pytest.approx(0.09)


@pytest.mark.parametrize(
    ("labels", "probs", "bins", "text"),
    [
        ([0, 1], [0.5], 10, "labels of shape .2,. and probabilities of shape .1,.; wanted one label"),
        ([], [], 10, "of at least one sample"),
        ([0, 2], [0.5, 0.5], 10, "a label is neither 0 nor 1"),
        ([0, 1], [0.5, 1.5], 10, "a probability is outside 0 to 1, or no number"),
        ([0, 1], [0.5, np.nan], 10, "a probability is outside 0 to 1, or no number"),
        ([0, 1], [0.5, 0.5], 0, "0 bins; wanted at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(labels: list[int], probs: list[float], bins: int, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        calibration(labels, probs, bins)
