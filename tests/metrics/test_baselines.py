"""Baselines of size and texture: no patient is answered for by a model that has seen him."""

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.metrics.baselines import cross_fitted, size_and_texture
from lungmonai.metrics.folds import deal_folds
from lungmonai.metrics.logistic import fit_logistic
from lungmonai.metrics.ranking import roc_auc


def nodules(seed: int, count: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Diameters, labels that follow them, and patients with several nodules."""
    rng = np.random.default_rng(seed)
    diameters = rng.lognormal(2, 0.5, count)
    labels = rng.random(count) < 1 / (1 + np.exp(-3 * (np.log(diameters) - 2.3)))
    return diameters, labels, rng.integers(0, 60, count)


def test_each_answer_is_that_of_a_model_fitted_without_the_fold() -> None:
    diameters, labels, patients = nodules(1)
    features = size_and_texture(diameters)
    found = cross_fitted(features, labels, patients, seed=0)
    fold = deal_folds(labels, patients, seed=0)
    for one in range(5):
        own = fold == one
        assert found[own] == pytest.approx(fit_logistic(features[~own], labels[~own])(features[own]))


def test_what_was_learnt_by_heart_does_not_help() -> None:
    """Features without meaning give an area of a half on average, though a fit on itself gives more."""
    own, crossed = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        features, labels = rng.normal(size=(80, 12)), rng.random(80) < 0.5
        own.append(roc_auc(labels, fit_logistic(features, labels)(features)))
        crossed.append(roc_auc(labels, cross_fitted(features, labels, np.arange(80), seed=0)))
    # One area of 80 samples errs by some 0.065, the mean of 20 by 0.015.
    assert np.mean(own) > 0.7
    assert np.mean(crossed) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(("labels", "folds"), [([1, 0] * 3, 5), ([1] * 4 + [0] * 2, 3), ([0, 0, 0, 1], 2)])
def test_too_few_patients_are_refused(labels: list[int], folds: int) -> None:
    text = f"{folds} folds of {len(labels)} patients, .* wanted as many patients of either kind as folds"
    with pytest.raises(SettingsError, match=text):
        cross_fitted(np.ones((len(labels), 1)), labels, np.arange(len(labels)), seed=0, folds=folds)


def test_sizes_that_are_none_are_refused() -> None:
    with pytest.raises(SettingsError, match="2 diameters of 3 are not over 0"):
        size_and_texture([3.0, 0.0, np.nan])
    assert size_and_texture([np.e], [np.nan]).tolist() == [[1.0, pytest.approx(np.nan, nan_ok=True)]]
