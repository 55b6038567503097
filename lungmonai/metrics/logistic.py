"""A small logistic regression: what a few plain numbers say without a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from .labels import checked_labels

__all__ = ["RIDGE", "LogisticModel", "fit_logistic"]

# scikit-learn's default (C = 1): with some hundred samples it hardly moves a slope, and keeps it finite
# where the classes can be told apart without error.
RIDGE = 1.0


@dataclass(frozen=True, eq=False)
class LogisticModel:
    """P = 1 / (1 + exp(−(intercept + slopes · z))), where z are the features with mean 0 and deviation 1.

    A feature that is NaN counts as the mean.

    Args:
        intercept: of the standardised features.
        slopes: (K,) float.
        mean: (K,) float, of each feature where it was fitted.
        deviation: (K,) float, its standard deviation there.
    """

    intercept: float
    slopes: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def __call__(self, features: ArrayLike) -> NDArray[np.float64]:
        """(N,) float, probabilities of (N, K) features."""
        return _sigmoid(self.intercept + self.standardised(features) @ self.slopes)

    def standardised(self, features: ArrayLike) -> NDArray[np.float64]:
        """(N, K) float: less the mean, over the deviation, 0 where NaN."""
        scaled = (np.asarray(features, dtype=np.float64) - self.mean) / self.deviation
        return np.where(np.isnan(scaled), 0.0, scaled)


def fit_logistic(features: ArrayLike, labels: ArrayLike, ridge: float = RIDGE) -> LogisticModel:
    """The model with the least Σ log loss + ridge / 2 · |slopes|², found by SciPy.

    >>> model = fit_logistic([[4.0], [6.0], [8.0], [20.0], [5.0], [15.0]], [0, 0, 1, 1, 0, 1])
    >>> model([[4.0], [15.0]]).round(2).tolist()
    [0.28, 0.74]

    Args:
        features: (N, K) float; NaN where one is not known.
        labels: (N,) bool or 0 and 1.
        ridge: pull of the slopes towards 0.

    Raises:
        SettingsError: features and labels do not fit, a feature is known of no sample, or a class is missing.
    """
    from scipy.optimize import minimize

    table, positive = _checked(features, labels)
    mean, deviation = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    flat = LogisticModel(0.0, np.zeros(table.shape[1]), mean, np.where(deviation > 0, deviation, 1.0))
    design = np.column_stack([np.ones(len(table)), flat.standardised(table)])
    pull = np.array([0.0, *[ridge] * table.shape[1]])
    found = minimize(
        _loss,
        np.zeros(len(pull)),
        args=(design, positive.astype(np.float64), pull),
        jac=True,
        hess=_curvature,
        method="trust-exact",
        options={"gtol": 1e-8},
    )
    return LogisticModel(float(found.x[0]), np.asarray(found.x[1:]), flat.mean, flat.deviation)


def _loss(
    weights: NDArray[np.float64],
    design: NDArray[np.float64],
    labels: NDArray[np.float64],
    pull: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    logits = design @ weights
    loss = np.logaddexp(0, logits).sum() - labels @ logits + (pull * weights**2).sum() / 2
    return float(loss), design.T @ (_sigmoid(logits) - labels) + pull * weights


def _curvature(
    weights: NDArray[np.float64],
    design: NDArray[np.float64],
    labels: NDArray[np.float64],
    pull: NDArray[np.float64],
) -> NDArray[np.float64]:
    probs = _sigmoid(design @ weights)
    return np.asarray((design.T * (probs * (1 - probs))) @ design + np.diag(pull))


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # The form that no large number overflows.
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))


def _checked(features: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    table, positive = np.asarray(features, dtype=np.float64), checked_labels(labels)
    if table.ndim != 2 or positive.shape != (len(table),) or np.isinf(table).any():
        raise SettingsError(
            f"features of shape {table.shape} and labels of shape {positive.shape}",
            wanted="a row of finite numbers, or NaN where one is not known, and a label for each sample",
            do="Check the table.",
        )
    if positive.all() or not positive.any() or np.isnan(table).all(axis=0).any():
        raise SettingsError(
            f"{int(positive.sum())} of {len(positive)} samples are positive, and "
            f"{int(np.isnan(table).all(axis=0).sum())} of {table.shape[1]} features are not known of any",
            wanted="samples of both classes, and features that are known of some",
            do="Add samples, or leave the feature out.",
        )
    return table, positive
