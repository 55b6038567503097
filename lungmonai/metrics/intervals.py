"""Bootstrap intervals: how far a number might be off, had other patients been drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError

__all__ = ["DRAWS", "Interval", "bootstrap"]

# LUNA16's evaluation draws as often.
DRAWS = 1000
_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A number with its bootstrap percentile interval.

    Args:
        value: of the samples themselves.
        low: lower end.
        high: upper end.
        level: share of the draws between them.
        draws: that gave a number; a draw without any nodule, say, gives none.
    """

    value: float
    low: float
    high: float
    level: float
    draws: int

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], ArrayLike],
    groups: ArrayLike,
    *,
    seed: int,
    draws: int = DRAWS,
    level: float = _LEVEL,
) -> tuple[Interval, ...]:
    """Percentile intervals, resampling whole groups: the nodules of one patient are not independent.

    Numbers that one statistic returns together are drawn together, so that the last of
    `[auc_a, auc_b, auc_a - auc_b]` is a paired comparison.

    Args:
        statistic: from positions of samples, which may repeat, to (K,) numbers; NaN where there is none.
        groups: (N,) the group of each sample, such as its patient or scan.
        seed: of the draws, 0 or more.
        draws: how many.
        level: share of the draws within the interval.

    Returns:
        K intervals.

    Raises:
        SettingsError: no groups, no draws, a level that is no share, or a seed below 0.
    """
    if not draws > 0 or not 0 < level < 1 or not np.size(groups) or seed < 0:
        raise SettingsError(
            f"{draws} draws of {np.size(groups)} samples with level {level} and seed {seed}",
            wanted="at least one draw and one sample, a level between 0 and 1, and a seed from 0",
            do="Check them.",
        )
    members = _members(np.asarray(groups))
    rng = np.random.default_rng(seed)
    values = np.atleast_1d(np.asarray(statistic(np.sort(np.concatenate(members))), dtype=np.float64))
    drawn = np.empty((draws, len(values)))
    for draw in range(draws):
        chosen = rng.integers(len(members), size=len(members))
        drawn[draw] = statistic(np.concatenate([members[group] for group in chosen]))
    return tuple(_interval(*pair, level) for pair in zip(values.tolist(), drawn.T, strict=True))


def _members(groups: NDArray[np.generic]) -> list[NDArray[np.int64]]:
    """Positions of each group's samples."""
    _, which = np.unique(groups, return_inverse=True)
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order])) + 1)


def _interval(value: float, drawn: NDArray[np.float64], level: float) -> Interval:
    good = drawn[np.isfinite(drawn)]
    if not len(good):
        return Interval(value, float("nan"), float("nan"), level, 0)
    low, high = np.quantile(good, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), level, len(good))
