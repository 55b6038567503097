"""ROC and precision-recall areas and curves of many weightings of the same samples at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from .ranking import check_ranked

__all__ = ["RankingDraws", "group_numbers", "ranking_draws"]

# Steps times draws held at a time: some 200 MB.
_AT_A_TIME = 4_000_000


@dataclass(frozen=True, eq=False)
class RankingDraws:
    """What each draw gives; NaN where it has only one class.

    Args:
        roc_auc: (D,) float.
        average_precision: (D,) float; 1 where all are positive.
        sensitivity: (D, A) float, on the ROC curve at the asked false positive rates.
        precision: (D, A) float, at the highest threshold that reaches the asked recall.
    """

    roc_auc: NDArray[np.float64]
    average_precision: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    precision: NDArray[np.float64]


def ranking_draws(
    labels: ArrayLike, scores: ArrayLike, groups: ArrayLike, counts: ArrayLike, at: ArrayLike = ()
) -> RankingDraws:
    """Areas and curves when each group is counted as often as a draw says.

    The samples are sorted once and counted by group; each draw is then a weighted running sum. A
    bootstrap over patients has counts that add up to their number, a permutation has counts of 0 and 1.

    >>> patients, counts = [0, 0, 1, 1], [[1, 1], [0, 2]]
    >>> both = ranking_draws([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], patients, counts)
    >>> both.roc_auc.tolist()  # of all four; of the second group, taken twice
    [0.75, 1.0]

    Args:
        labels: (N,) bool or 0 and 1.
        scores: (N,) finite.
        groups: (N,) int, the group of each sample, from 0; `group_numbers` gives it.
        counts: (D, groups) int, how often each draw takes each group.
        at: (A,) false positive rates, and recalls, from 0 to 1.

    Raises:
        SettingsError: labels and scores do not fit, a score is no number, or groups or counts do not fit.
    """
    positive, values = check_ranked(labels, scores)
    number, times = _checked_groups(groups, counts, len(positive))
    places = np.asarray(at, dtype=np.float64)
    parts = [
        (_roc_auc(true, false), _average_precision(true, false), *_curves(true, false, places))
        for true, false in _running(positive, values, number, times)
    ]
    return RankingDraws(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def group_numbers(groups: ArrayLike) -> tuple[NDArray[np.int64], int]:
    """The groups numbered from 0 in the order of their names, and how many there are.

    >>> group_numbers(["b", "a", "b"])
    (array([1, 0, 1]), 2)
    """
    names, numbers = np.unique(np.asarray(groups), return_inverse=True)
    return numbers.astype(np.int64), len(names)


def _checked_groups(
    groups: ArrayLike, counts: ArrayLike, samples: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    number, times = np.asarray(groups), np.asarray(counts)
    fits = number.shape == (samples,) and times.ndim == 2
    if not fits or (samples and not 0 <= number.min() <= number.max() < times.shape[1]):
        raise SettingsError(
            f"groups of shape {number.shape} and counts of shape {times.shape} for {samples} samples",
            wanted="a group for each sample, numbered from 0, and a count of each group in each draw",
            do="Take them from group_numbers and draw_counts.",
        )
    return number, times


def _running(
    positive: NDArray[np.bool_],
    values: NDArray[np.float64],
    groups: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """For some draws at a time: (d, K + 1) weights of positives and of negatives over each threshold."""
    from scipy.sparse import csr_array

    step, steps = _steps(positive, values)
    # How many samples of each group lie on each step.
    of_true, of_false = (
        csr_array((side.astype(np.float64), (step, groups)), shape=(steps, counts.shape[1]))
        for side in (positive, ~positive)
    )
    at_a_time = max(1, _AT_A_TIME // steps)
    for start in range(0, len(counts), at_a_time):
        drawn = counts[start : start + at_a_time].astype(np.float64).T
        yield _sums(of_true @ drawn), _sums(of_false @ drawn)


def _steps(positive: NDArray[np.bool_], values: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """The step of each sample, from 0 for the highest score, and how many there are.

    Each distinct score is one, save that those between two scores of positives are one together: no
    corner of a curve lies between them.
    """
    scores, place = np.unique(-values, return_inverse=True)
    held = np.bincount(place, weights=positive, minlength=len(scores)) > 0
    new = held | np.append(True, held[:-1])
    return (np.cumsum(new) - 1)[place], int(new.sum())


def _sums(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(d, K + 1) running sums of (K, d), from 0."""
    return np.pad(np.cumsum(steps.T, axis=1), ((0, 0), (1, 0)))


def _roc_auc(true: NDArray[np.float64], false: NDArray[np.float64]) -> NDArray[np.float64]:
    area = (np.diff(false) * (true[:, 1:] + true[:, :-1])).sum(axis=1) / 2
    with np.errstate(invalid="ignore"):  # one class only: NaN says so
        return np.asarray(area / (true[:, -1] * false[:, -1]))


def _average_precision(true: NDArray[np.float64], false: NDArray[np.float64]) -> NDArray[np.float64]:
    # Where nothing is counted yet nothing is gained either.
    precision = true[:, 1:] / np.maximum(true + false, 1)[:, 1:]
    with np.errstate(invalid="ignore"):
        return np.asarray((np.diff(true) * precision).sum(axis=1) / true[:, -1])


def _curves(
    true: NDArray[np.float64], false: NDArray[np.float64], at: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(d, A) sensitivity by false positive rate and precision by recall; NaN where a class is missing."""
    sensitivity, precision = np.full((2, len(true), len(at)), np.nan)
    if len(at):
        for draw in np.flatnonzero((true[:, -1] > 0) & (false[:, -1] > 0)):
            hit, miss = true[draw], false[draw]
            sensitivity[draw] = np.interp(at, miss / miss[-1], hit / hit[-1])
            precision[draw] = _precision_at(hit, miss, at)
    return sensitivity, precision


def _precision_at(
    true: NDArray[np.float64], false: NDArray[np.float64], recalls: NDArray[np.float64]
) -> NDArray[np.float64]:
    # The first point that takes something; a recall of 0 is reached there.
    wanted = np.maximum(recalls * true[-1], np.finfo(np.float64).tiny)
    reached = np.searchsorted(true, wanted - 1e-9 * true[-1], side="left")
    reached = np.maximum(reached, np.searchsorted(true + false, 1))
    return np.asarray(true[reached] / (true[reached] + false[reached]))
