"""How well scores rank: ROC and precision-recall curves and their areas, exact, ties and all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from .labels import checked_labels

__all__ = [
    "RankingCurve",
    "average_precision",
    "check_ranked",
    "precision_recall_curve",
    "roc_auc",
    "roc_curve",
]


@dataclass(frozen=True, eq=False)
class RankingCurve:
    """A curve with one point for each distinct score, the highest first.

    Args:
        x: (K,) float: false positive rate (ROC), or recall.
        y: (K,) float: true positive rate (ROC), or precision.
        threshold: (K,) float; a point counts what scores this or more.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    threshold: NDArray[np.float64]


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """The chance that a positive scores over a negative, where equal scores count half.

    >>> roc_auc([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    0.75

    Args:
        labels: (N,) bool or 0 and 1.
        scores: (N,) finite.

    Returns:
        The area under the ROC curve; NaN unless both classes are there.

    Raises:
        SettingsError: labels and scores do not fit, or a score is no number.
    """
    positive, values = check_ranked(labels, scores)
    positives, negatives = np.sort(values[positive]), np.sort(values[~positive])
    if not len(positives) or not len(negatives):
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left")
    not_above = np.searchsorted(negatives, positives, side="right")
    return float((below + not_above).sum() / 2 / (len(positives) * len(negatives)))


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> RankingCurve:
    """The ROC curve, from (0, 0) to (1, 1); straight lines between its points have the area `roc_auc`.

    >>> curve = roc_curve([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    >>> curve.x.tolist(), curve.y.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])

    Args:
        labels: (N,) bool or 0 and 1.
        scores: (N,) finite.

    Raises:
        SettingsError: labels and scores do not fit, a score is no number, or a class is missing.
    """
    positive, values = check_ranked(labels, scores)
    if positive.all() or not positive.any():
        raise SettingsError(
            f"{int(positive.sum())} of {len(positive)} are positive",
            wanted="some of both",
            do="Add samples of both classes.",
        )
    threshold, true, false = _counts(positive, values)
    start = np.zeros(1)
    return RankingCurve(
        np.concatenate([start, false / false[-1]]),
        np.concatenate([start, true / true[-1]]),
        np.concatenate([start + np.inf, threshold]),
    )


def precision_recall_curve(labels: ArrayLike, scores: ArrayLike) -> RankingCurve:
    """Precision over recall, recall rising.

    >>> precision_recall_curve([1, 0, 1], [0.9, 0.8, 0.7]).y.round(2).tolist()
    [1.0, 0.5, 0.67]

    Args:
        labels: (N,) bool or 0 and 1.
        scores: (N,) finite.

    Raises:
        SettingsError: labels and scores do not fit, a score is no number, or none is positive.
    """
    positive, values = check_ranked(labels, scores)
    if not positive.any():
        raise SettingsError(
            f"none of {len(positive)} is positive", wanted="at least one", do="Add positive samples."
        )
    threshold, true, false = _counts(positive, values)
    return RankingCurve(true / true[-1], true / (true + false), threshold)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean of the precision at each positive, equal scores taken together.

    >>> average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    0.8333333333333333

    Args:
        labels: (N,) bool or 0 and 1.
        scores: (N,) finite.

    Raises:
        SettingsError: as for `precision_recall_curve`.
    """
    curve = precision_recall_curve(labels, scores)
    return float((np.diff(curve.x, prepend=0.0) * curve.y).sum())


def check_ranked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels as bool and scores as float.

    Raises:
        SettingsError: they do not fit, a label is neither 0 nor 1, or a score is no number.
    """
    positive, values = checked_labels(labels), np.asarray(scores, dtype=np.float64)
    if positive.shape != values.shape or not np.isfinite(values).all():
        lost = f", {int((~np.isfinite(values)).sum())} of them not finite"
        raise SettingsError(
            f"labels of shape {positive.shape} and scores of shape {values.shape}{lost}",
            wanted="one label and one finite score for each sample",
            do="Check the model's output.",
        )
    return positive, values


def _counts(
    positive: NDArray[np.bool_], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Each distinct score, the highest first, with positives and negatives that score it or more."""
    order = np.argsort(-values, kind="stable")
    values = values[order]
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    true = np.cumsum(positive[order], dtype=np.int64)[last]
    return values[last], true, last + 1 - true
