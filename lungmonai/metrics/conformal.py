"""Predictions that are sets of classes, and hold the true one as often as they promise.

Split conformal prediction with a threshold for each class (class-conditional, or Mondrian: Vovk, Gammerman
and Shafer, *Algorithmic Learning in a Random World*, 2005; for classifiers Sadinle, Lei and Wasserman, JASA
2019). A threshold for both classes together would keep its promise on the average of the two, and the rarer
class, here the malignant one, would pay for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from .calibration import checked_probs

__all__ = ["ConformalSets", "fit_conformal", "least_samples"]


@dataclass(frozen=True)
class ConformalSets:
    """Which classes cannot be ruled out at a coverage.

    >>> sets = ConformalSets(0.9, negative_up_to=0.6, positive_from=0.3, negatives=40, positives=30)
    >>> sets([0.1, 0.4, 0.9]).tolist()
    [[True, False], [True, True], [False, True]]

    Args:
        coverage: of the samples of each class, at least this share has its class in its set.
        negative_up_to: a set holds the negative class up to this probability of the positive one.
        positive_from: a set holds the positive class from this probability of it.
        negatives: samples of the negative class that this was fitted on.
        positives: samples of the positive class.

    Raises:
        SettingsError: a number outside its range.
    """

    coverage: float
    negative_up_to: float
    positive_from: float
    negatives: int
    positives: int

    def __post_init__(self) -> None:
        numbers = (self.coverage, self.negative_up_to, self.positive_from)
        if not (0 < self.coverage < 1 and all(0 <= number <= 1 for number in numbers)):
            raise SettingsError(
                f"coverage {self.coverage}, bounds {self.negative_up_to} and {self.positive_from}",
                wanted="a coverage between 0 and 1 and bounds from 0 to 1",
                do="Fit them again.",
            )

    def __call__(self, probs: ArrayLike) -> NDArray[np.bool_]:
        """(N, 2) bool: whether the set of each sample holds the negative and the positive class.

        Args:
            probs: (N,) of the positive class, 0 to 1.
        """
        values = np.asarray(probs, dtype=np.float64)
        return np.stack([values <= self.negative_up_to, values >= self.positive_from], axis=-1)

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "coverage": self.coverage,
            "negative_up_to": self.negative_up_to,
            "positive_from": self.positive_from,
            "negatives": self.negatives,
            "positives": self.positives,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ConformalSets:
        """What `as_dict` gave; more keys are not looked at.

        Raises:
            SettingsError: a number is missing or makes no sense.
        """
        try:
            return cls(
                float(content["coverage"]),
                float(content["negative_up_to"]),
                float(content["positive_from"]),
                int(content["negatives"]),
                int(content["positives"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(
                f"conformal sets without sound numbers ({error!r})",
                wanted="a coverage, two bounds and two counts",
                do="Fit them again.",
            ) from error


def least_samples(coverage: float) -> int:
    """How many samples of a class a coverage needs: below this no bound rules anything out.

    The bound is the ⌈(n + 1) · coverage⌉-th of n scores, which must not be more than n.

    >>> least_samples(0.9)
    9

    Args:
        coverage: between 0 and 1.

    Raises:
        SettingsError: it is not.
    """
    _check_coverage(coverage)
    # (n + 1) · coverage ≤ n means n ≥ coverage / (1 − coverage); digits are lost there, so just below.
    count = max(1, int(coverage / (1 - coverage) * (1 - 1e-9)) - 1)
    while _rank(count, coverage) > count:
        count += 1
    return count


def fit_conformal(labels: ArrayLike, probs: ArrayLike, coverage: float) -> ConformalSets:
    """Bounds such that a new sample's set holds its class with at least this chance, whichever it is.

    That holds for samples that are drawn as these were, and for every network. With n samples of a class,
    their scores 1 − (probability of that class) in rising order, the bound is the
    ⌈(n + 1) · coverage⌉-th score.

    >>> fit_conformal([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.4, 0.8, 0.9], 0.7)
    ConformalSets(coverage=0.7, negative_up_to=0.6, positive_from=0.4, negatives=3, positives=3)

    Args:
        labels: (N,) bool or 0 and 1; samples that the network did not learn from.
        probs: (N,) of the positive class, 0 to 1.
        coverage: between 0 and 1.

    Raises:
        SettingsError: no such coverage, too few samples of a class for it, or labels and probabilities that
            do not fit.
    """
    _check_coverage(coverage)
    positive, values = checked_probs(labels, probs)
    # Each in the order of rising scores.
    of_negatives, of_positives = np.sort(values[~positive]), -np.sort(-values[positive])
    least = least_samples(coverage)
    if min(len(of_negatives), len(of_positives)) < least:
        raise SettingsError(
            f"{len(of_negatives)} negative and {len(of_positives)} positive samples for a coverage of "
            f"{coverage:g}",
            wanted=f"at least {least} of each",
            do="Add samples or ask for a lower coverage.",
        )
    upper, lower = (float(one[_rank(len(one), coverage) - 1]) for one in (of_negatives, of_positives))
    return ConformalSets(coverage, upper, lower, len(of_negatives), len(of_positives))


def _check_coverage(coverage: float) -> None:
    if not 0 < coverage < 1:
        raise SettingsError(f"coverage is {coverage}", wanted="between 0 and 1", do="Take 0.9, say.")


def _rank(count: int, coverage: float) -> int:
    # Rounded first: 10 · 0.9 must not become 10 by a last digit.
    return math.ceil(round((count + 1) * coverage, 9))
