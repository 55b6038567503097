"""DeLong's variance of areas under ROC curves, and his test of two scores on the same samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from ..json_file import without_nan
from .intervals import LEVEL
from .ranking import check_ranked

__all__ = ["Contrast", "DeLong", "delong"]


@dataclass(frozen=True)
class Contrast:
    """An area, or the difference of two, with its error by DeLong.

    Args:
        value: the area or the difference.
        standard_error: square root of its variance.
        low: lower end of the interval.
        high: upper end.
        level: of the interval.
        p_value: of a difference, two-sided, that it is 0; NaN where it is not 0 and has no error, and for
            a single area.
    """

    value: float
    standard_error: float
    low: float
    high: float
    level: float
    p_value: float

    def as_dict(self) -> dict[str, float | None]:
        """For JSON: None stands where there is no number."""
        return dict(without_nan(vars(self)))


@dataclass(frozen=True, eq=False)
class DeLong:
    """Areas of several scores on the same samples, and how they vary together.

    Args:
        roc_auc: (K,) float.
        covariance: (K, K) float.
    """

    roc_auc: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def area(self, score: int = 0, *, level: float = LEVEL) -> Contrast:
        """One area; its interval is that of the normal distribution, cut at 0 and 1."""
        found = self._contrast(np.eye(len(self.roc_auc))[score], level)
        low, high = max(found.low, 0.0), min(found.high, 1.0)
        return Contrast(found.value, found.standard_error, low, high, level, math.nan)

    def difference(self, first: int = 0, second: int = 1, *, level: float = LEVEL) -> Contrast:
        """The first area less the second."""
        sides = np.eye(len(self.roc_auc))
        return self._contrast(sides[first] - sides[second], level)

    def _contrast(self, weights: NDArray[np.float64], level: float) -> Contrast:
        value = float(weights @ self.roc_auc)
        error = math.sqrt(max(float(weights @ self.covariance @ weights), 0.0))
        reach = NormalDist().inv_cdf((1 + level) / 2) * error
        return Contrast(value, error, value - reach, value + reach, level, _p_value(value, error))


def delong(labels: ArrayLike, scores: ArrayLike) -> DeLong:
    """Areas under the ROC curves and their covariance, from midranks (Sun and Xu 2014).

    Samples count as independent. Where a patient has several, the interval of `ranking_draws` over
    patients is the honest one.

    >>> two = delong([1, 1, 0, 0, 1, 0], [[0.9, 0.7, 0.6, 0.1, 0.5, 0.2], [0.3, 0.8, 0.6, 0.4, 0.5, 0.2]])
    >>> two.roc_auc.round(3).tolist()
    [0.889, 0.667]
    >>> round(two.difference().p_value, 3)
    0.371

    Args:
        labels: (N,) bool or 0 and 1.
        scores: (N,) or (K, N) finite, one row for each score.

    Raises:
        SettingsError: labels and scores do not fit, a score is no number, or a class has fewer than two
            samples, of which no variance can be told.
    """
    rows = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    positive = check_ranked(labels, rows[0])[0]
    for row in rows:
        check_ranked(labels, row)
    if min(positive.sum(), (~positive).sum()) < 2:
        raise SettingsError(
            f"{int(positive.sum())} positive and {int((~positive).sum())} negative samples",
            wanted="two or more of each for DeLong's variance",
            do="Add samples.",
        )
    of_positives, of_negatives = zip(*(_placements(positive, row) for row in rows), strict=True)
    covariance = np.cov(of_positives) / positive.sum() + np.cov(of_negatives) / (~positive).sum()
    return DeLong(np.mean(of_positives, axis=1), np.atleast_2d(covariance))


def _placements(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """DeLong's structural components: the share of the other class that each sample is ranked right to."""
    from scipy.stats import rankdata

    among_all = rankdata(scores)
    over = among_all[positive] - rankdata(scores[positive])
    under = among_all[~positive] - rankdata(scores[~positive])
    return over / (~positive).sum(), 1 - under / positive.sum()


def _p_value(value: float, error: float) -> float:
    if error == 0:
        return 1.0 if value == 0 else math.nan
    return math.erfc(abs(value) / error / math.sqrt(2))
