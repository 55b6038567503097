"""Bootstrap intervals: how far a number might be off, had other patients been drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from ..json_file import without_nan

__all__ = [
    "DRAWS",
    "LEVEL",
    "Interval",
    "bootstrap",
    "bootstrap_mean",
    "draw_counts",
    "percentile_interval",
]

# numberOfBootstrapSamples and bConfidence of LUNA16's script (noduleCADEvaluationLUNA16.py).
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
        draws: that gave a number; a draw without any nodule, say, gives none. Without draws the ends are NaN.
    """

    value: float
    low: float
    high: float
    level: float
    draws: int

    def __str__(self) -> str:
        return f"{self:.3f}"

    def __format__(self, spec: str) -> str:
        """All three numbers in one format, `0.842 (0.812 to 0.868)`; without draws the value alone."""
        value, low, high = (format(number, spec or ".3f") for number in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})" if self.draws else value

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None stands where there is no number."""
        return dict(without_nan(vars(self)))


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
        draws: how many; of a single group none, as in `draw_counts`.
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
    drawn = np.empty((draws if len(members) > 1 else 0, len(values)))
    for row in drawn:
        chosen = rng.integers(len(members), size=len(members))
        row[:] = statistic(np.concatenate([members[group] for group in chosen]))
    return tuple(percentile_interval(*pair, level) for pair in zip(values.tolist(), drawn.T, strict=True))


def bootstrap_mean(
    values: ArrayLike, groups: ArrayLike, *, seed: int, draws: int = DRAWS, level: float = LEVEL
) -> Interval:
    """The interval of a mean: what `bootstrap` gives for it, all draws at once.

    >>> str(bootstrap_mean([1.0, 2.0, 4.0, 5.0], ["a", "a", "b", "c"], seed=0, draws=200))
    '3.000 (1.500 to 5.000)'

    Args:
        values: (N,) float, one for each sample.
        groups: (N,) the group of each sample, such as its patient or scan.
        seed: of the draws, 0 or more.
        draws: how many.
        level: share of the draws within the interval.

    Raises:
        SettingsError: as for `draw_counts`.
    """
    numbers = np.asarray(values, dtype=np.float64)
    _, which = np.unique(np.asarray(groups), return_inverse=True)
    sums, sizes = np.bincount(which, numbers), np.bincount(which)
    counts = draw_counts(len(sizes), draws, seed, of="groups")
    return percentile_interval(float(numbers.mean()), (counts @ sums) / (counts @ sizes), level)


def draw_counts(groups: int, draws: int, seed: int, *, of: str = "scans") -> NDArray[np.int64]:
    """How often each scan, or other group, is drawn, in each draw of as many as there are, with replacement.

    The first draws are the same however many are asked for. Of a single group there is none: each would be
    the group itself, and an interval of width 0 would say that nothing varies.

    >>> draw_counts(4, 3, seed=0).sum(axis=1).tolist()
    [4, 4, 4]
    >>> draw_counts(1, 3, seed=0).shape
    (0, 1)

    Args:
        groups: how many there are.
        draws: how many.
        seed: 0 or more.
        of: what the groups are, for messages.

    Returns:
        (draws, groups) int, or (0, 1); each row's sum is `groups`.

    Raises:
        SettingsError: none to be drawn, no draws, or a seed below 0.
    """
    if groups < 1 or draws < 1 or seed < 0:
        raise SettingsError(
            f"{draws} draws of {groups} {of} with seed {seed}",
            wanted="at least one draw of at least one, and a seed from 0",
            do="Check them.",
        )
    rng = np.random.default_rng(seed)
    counts = np.empty((draws if groups > 1 else 0, groups), dtype=np.int64)
    for row in counts:
        row[:] = np.bincount(rng.integers(groups, size=groups), minlength=groups)
    return counts


def percentile_interval(value: float, drawn: ArrayLike, level: float = LEVEL) -> Interval:
    """The interval between two of a bootstrap's draws (Efron's percentile method), as LUNA16's script has it.

    Of n sorted draws its ends are the numbers ⌊n·(1 − level)/2⌋ and ⌊n·(1 + level)/2⌋, counted from 0.

    >>> str(percentile_interval(0.5, np.arange(1000) / 1000))
    '0.500 (0.025 to 0.975)'

    Args:
        value: of the samples themselves.
        drawn: (draws,) the same number of each draw; a draw that is not finite is left out.
        level: share of the draws between the ends.
    """
    good = np.asarray(drawn, dtype=np.float64)
    good = np.sort(good[np.isfinite(good)])
    if not len(good):
        return Interval(value, float("nan"), float("nan"), level, 0)
    # Rounded first: a share of 0.05 that is off by a last digit must not take the draw before.
    low, high = (int(round(len(good) * (1 + side) / 2, 9)) for side in (-level, level))
    return Interval(value, float(good[low]), float(good[min(high, len(good) - 1)]), level, len(good))


def _members(groups: NDArray[np.generic]) -> list[NDArray[np.int64]]:
    """Positions of each group's samples."""
    _, which = np.unique(groups, return_inverse=True)
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
