"""Two scores for the same samples: areas under their ROC curves, and whether they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .delong import Contrast, delong
from .intervals import DRAWS, LEVEL, draw_counts
from .paired import Paired, paired
from .ranking import check_ranked
from .ranking_draws import group_numbers, ranking_draws
from .swaps import draw_swaps

__all__ = ["PairedAuc", "compare_auc"]


@dataclass(frozen=True)
class PairedAuc:
    """Areas under two ROC curves.

    Args:
        roc_auc: both, with the bootstrap over groups and the permutation test.
        average_precision: both, with the bootstrap over groups.
        delong: the difference of the areas by DeLong, samples taken as independent.
    """

    roc_auc: Paired
    average_precision: Paired
    delong: Contrast

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: value.as_dict() for name, value in vars(self).items()}


def compare_auc(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike,
    *,
    seed: int,
    draws: int = DRAWS,
    permutations: int = DRAWS,
    level: float = LEVEL,
) -> PairedAuc:
    """Whether one score ranks better than the other.

    The bootstrap draws groups, the same for both scores. A permutation swaps the two scores of whole
    groups at random; they are first turned into ranks, so that scores on two scales can change places.

    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 2
    >>> good, poor = labels + rng.normal(size=60), rng.normal(size=60)
    >>> found = compare_auc(labels, good, poor, np.arange(60), seed=0, draws=200, permutations=200)
    >>> found.roc_auc.difference.low > 0, found.roc_auc.p_value < 0.05, found.delong.p_value < 0.05
    (True, True, True)

    Args:
        labels: (N,) bool or 0 and 1.
        first, second: (N,) finite.
        groups: (N,) the group of each sample, such as its patient.
        seed: of the draws, 0 or more.
        draws: of the bootstrap, at least one.
        permutations: 0 makes none.
        level: of the intervals.

    Raises:
        SettingsError: labels and scores do not fit, a score is no number, or a class has fewer than two
            samples.
    """
    positive = check_ranked(labels, first)[0]
    number, count = group_numbers(groups)
    sides = [np.asarray(side, dtype=np.float64) for side in (first, second)]
    contrast = delong(positive, np.stack(sides)).difference(level=level)
    counts = draw_counts(count, draws, seed, of="groups")
    once = np.ones((1, count), dtype=np.int64)
    found = [ranking_draws(positive, side, number, np.concatenate([once, counts])) for side in sides]
    swapped = _swapped(positive, sides, number, draw_swaps(count, permutations, seed))
    areas, precisions = ([getattr(one, name) for one in found] for name in ("roc_auc", "average_precision"))
    return PairedAuc(
        paired(_first(areas), _rest(areas), swapped, level=level),
        paired(_first(precisions), _rest(precisions), level=level),
        contrast,
    )


def _swapped(
    positive: NDArray[np.bool_],
    sides: list[NDArray[np.float64]],
    number: NDArray[np.int64],
    swaps: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The areas after each permutation.

    Both scores' ranks stand in one list, the second's groups numbered on; a permutation then takes each
    group once, from the one half or the other.
    """
    from scipy.stats import rankdata

    if not len(swaps):
        return None
    ranks = np.concatenate([rankdata(side) for side in sides])
    groups = np.concatenate([number, number + swaps.shape[1]])
    labels = np.concatenate([positive, positive])
    first, second = (
        ranking_draws(labels, ranks, groups, np.concatenate(halves, axis=1)).roc_auc
        for halves in ((1 - swaps, swaps), (swaps, 1 - swaps))
    )
    return first, second


def _first(pair: list[NDArray[np.float64]]) -> tuple[float, float]:
    return float(pair[0][0]), float(pair[1][0])


def _rest(pair: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return pair[0][1:], pair[1][1:]
