"""Bootstrap intervals: how far a number might be off, had other patients been drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError

__all__ = ["DRAWS", "LEVEL", "Interval", "bootstrap", "percentile_interval"]

# LUNA16's evaluation draws as often.
DRAWS = 1000
LEVEL = 0.95


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

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON: None stands where there is no number."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        kept = {name: number if np.isfinite(number) else None for name, number in numbers.items()}
        return {**kept, "level": self.level, "draws": self.draws}


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], ArrayLike],
    groups: ArrayLike,
    *,
    seed: int,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> tuple[Interval, ...]:
    """Percentile intervals, resampling whole groups: the nodules of one patient are not independent.

    Numbers that one statistic returns together are drawn together, so that the last of
    `[auc_a, auc_b, auc_a - auc_b]` is a paired comparison.

    >>> values, patients = np.array([1.0, 2.0, 4.0, 5.0]), ["a", "a", "b", "c"]
    >>> (mean,) = bootstrap(lambda rows: values[rows].mean(), patients, seed=0, draws=200)
    >>> mean.value, 1.5 <= mean.low < mean.high <= 5
    (3.0, True)

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
    return tuple(percentile_interval(*pair, level) for pair in zip(values.tolist(), drawn.T, strict=True))


def percentile_interval(value: float, drawn: ArrayLike, level: float = LEVEL) -> Interval:
    """The interval between the outer percentiles of what a bootstrap drew (Efron's percentile method).

    Between two draws it is interpolated. LUNA16's script takes the draws themselves: that is
    `froc_bootstrap.percentile_interval`, for FROC.

    >>> str(percentile_interval(0.5, [0.4, 0.5, 0.6, float("nan")], level=0.5))
    '0.500 (0.450 to 0.550)'

    Args:
        value: of the samples themselves.
        drawn: (draws,) the same number of each draw; a draw that is not finite is left out.
        level: share of the draws within the interval.
    """
    draws = np.asarray(drawn, dtype=np.float64)
    good = draws[np.isfinite(draws)]
    if not len(good):
        return Interval(value, float("nan"), float("nan"), level, 0)
    low, high = np.quantile(good, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), level, len(good))


def _members(groups: NDArray[np.generic]) -> list[NDArray[np.int64]]:
    """Positions of each group's samples."""
    _, which = np.unique(groups, return_inverse=True)
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
