"""Logistic regression against its score equations, and against models that are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.logistic import fit_logistic


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), ridge=st.sampled_from([0.01, 1.0, 30.0]))
def test_the_score_equations_hold(seed: int, ridge: float) -> None:
    """At the least loss Σ (p − label) = 0, and Σ (p − label) z = −ridge · slope for each feature."""
    rng = np.random.default_rng(seed)
    features = rng.normal(5, 3, (40, 2))
    labels = np.append([True, False], rng.random(38) < 1 / (1 + np.exp(5 - features[2:, 0])))
    model = fit_logistic(features, labels, ridge)
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    probs = 1 / (1 + np.exp(-(model.intercept + z @ model.slopes)))
    assert model(features) == pytest.approx(probs)
    assert (probs - labels).sum() == pytest.approx(0, abs=1e-6)
    assert z.T @ (probs - labels) == pytest.approx(-ridge * model.slopes, abs=1e-6)


def test_a_feature_of_two_values_gives_the_shares() -> None:
    """Without pull, the fitted probabilities are the shares of positives on either side."""
    features = np.repeat([[0.0], [1.0]], 10, axis=0)
    labels = np.array([1] * 2 + [0] * 8 + [1] * 7 + [0] * 3)
    model = fit_logistic(features, labels, ridge=1e-9)
    assert model([[0.0], [1.0]]) == pytest.approx([0.2, 0.7], abs=1e-5)


def test_classes_apart_keep_finite_slopes() -> None:
    model = fit_logistic([[1.0], [2.0], [8.0], [9.0]], [0, 0, 1, 1])
    assert 0 < model.slopes[0] < 5
    assert model([[-1e6], [1e6]]) == pytest.approx([0, 1])


def test_what_is_not_known_counts_as_the_mean() -> None:
    features = np.array([[1.0, 3.0], [2.0, np.nan], [5.0, 4.0], [7.0, 5.0]])
    model = fit_logistic(features, [0, 0, 1, 1])
    assert model.mean == pytest.approx([3.75, 4.0])
    assert model([[2.0, np.nan]]) == pytest.approx(model([[2.0, 4.0]]))
    same = fit_logistic([[1.0, 2.0], [3.0, 2.0], [2.5, 2.0]], [0, 1, 1])  # a feature that never differs
    assert same.slopes[1] == pytest.approx(0)


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        ([[1.0], [2.0]], [1], r"features of shape \(2, 1\) and labels of shape \(1,\); wanted a row"),
        ([[1.0], [np.inf]], [1, 0], "wanted a row of finite numbers"),
        ([[1.0], [2.0]], [1, 1], "2 of 2 samples are positive"),
        ([[1.0, np.nan], [2.0, np.nan]], [1, 0], "1 of 2 features are not known of any"),
    ],
)
def test_what_cannot_be_fitted_is_refused(features: list, labels: list, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        fit_logistic(features, labels)
