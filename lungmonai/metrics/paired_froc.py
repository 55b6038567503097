"""Two detectors on the same scans: whether one finds more at the same number of false positives."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .froc import RATES, JudgedMarks
from .froc_bootstrap import bootstrap_froc, froc_draws
from .intervals import DRAWS, LEVEL
from .paired import Paired, paired
from .swaps import draw_swaps

__all__ = ["PairedFroc", "compare_froc", "on_own_scale"]


@dataclass(frozen=True)
class PairedFroc:
    """Two FROC curves.

    Args:
        cpm: both, the difference, and the permutation test.
        at_rates: the same for the sensitivity at each of `RATES`; seven tests, not corrected for being
            seven.
    """

    cpm: Paired
    at_rates: tuple[Paired, ...]


def compare_froc(
    first: JudgedMarks,
    second: JudgedMarks,
    *,
    seed: int,
    draws: int = DRAWS,
    permutations: int = DRAWS,
    level: float = LEVEL,
) -> PairedFroc:
    """Whether one system's FROC is higher than the other's.

    The bootstrap draws scans, the same for both. A permutation gives the answers of whole scans, drawn at
    random, to the other system. Scores are put on a common scale before (`on_own_scale`): two systems
    seldom mean the same by 0.9.

    >>> nodules, false = np.arange(20), np.repeat(np.arange(20), 2)
    >>> prob = np.where(nodules < 16, 0.9, -np.inf)
    >>> good = JudgedMarks(20, nodules, prob, false, np.full(40, 0.5))
    >>> poor = JudgedMarks(20, nodules, np.where(nodules < 6, 0.9, -np.inf), false, np.full(40, 0.5))
    >>> found = compare_froc(good, poor, seed=0, draws=100, permutations=100)
    >>> round(found.cpm.difference.value, 2), found.cpm.difference.low > 0, found.cpm.p_value < 0.05
    (0.5, True, True)

    Args:
        first, second: from `judge_marks`, against the same nodules of the same scans.
        seed: of the draws, 0 or more.
        draws: of the bootstrap, at least one.
        permutations: 0 makes none.
        level: of the intervals.

    Raises:
        SettingsError: the two were not judged against the same, or as for `bootstrap_froc`.
    """
    _check_same(first, second)
    one, two = (bootstrap_froc(side, seed=seed, draws=draws, level=level) for side in (first, second))
    swapped = _swapped(first, second, draw_swaps(first.scans, permutations, seed))
    sides = [
        (np.asarray(one.curve.at_rates), np.asarray(two.curve.at_rates)),
        (one.at_rates, two.at_rates),
        swapped,
    ]
    means = [(left.mean(axis=-1), right.mean(axis=-1)) for left, right in sides]
    by_rate = [[(left[..., rate], right[..., rate]) for left, right in sides] for rate in range(len(RATES))]
    return PairedFroc(_compared(means, level), tuple(_compared(one, level) for one in by_rate))


def _compared(sides: list[tuple[NDArray[np.float64], NDArray[np.float64]]], level: float) -> Paired:
    """From both systems' numbers on the scans themselves, in the draws, and after the permutations."""
    (first, second), drawn, swapped = sides
    chance = swapped if len(swapped[0]) else None
    return paired((float(first), float(second)), drawn, chance, level=level)


def on_own_scale(judged: JudgedMarks) -> JudgedMarks:
    """The same marks, each scored by its place among the system's own false marks.

    Of two false marks the higher one keeps the higher score, and so for all others: the FROC stays as it
    is. A mark over all false ones scores 0, one under n of them −n; one that ties with some, between.

    >>> nodule_prob = np.array([0.99, 0.6, -np.inf])
    >>> judged = JudgedMarks(2, np.array([0, 0, 1]), nodule_prob, np.array([0, 1]), np.array([0.7, 0.6]))
    >>> scaled = on_own_scale(judged)
    >>> scaled.nodule_prob.tolist(), scaled.false_prob.tolist()
    ([0.0, -1.5, -inf], [-0.5, -1.5])

    Args:
        judged: from `judge_marks`.
    """
    falling = np.sort(-judged.false_prob)

    def scaled(prob: NDArray[np.float64]) -> NDArray[np.float64]:
        above = np.searchsorted(falling, -prob, side="left")
        not_below = np.searchsorted(falling, -prob, side="right")
        return np.where(np.isfinite(prob), -(above + not_below) / 2, prob)

    return replace(judged, nodule_prob=scaled(judged.nodule_prob), false_prob=scaled(judged.false_prob))


def _swapped(
    first: JudgedMarks, second: JudgedMarks, swaps: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(P, 7) sensitivities of both after each permutation.

    Both systems' marks stand in one list, as if the second had looked at scans of its own. A permutation
    then draws each scan once, from the one half or the other.
    """
    one, two = on_own_scale(first), on_own_scale(second)
    both = JudgedMarks(
        2 * one.scans,
        np.concatenate([one.nodule_scan, two.nodule_scan + one.scans]),
        np.concatenate([one.nodule_prob, two.nodule_prob]),
        np.concatenate([one.false_scan, two.false_scan + one.scans]),
        np.concatenate([one.false_prob, two.false_prob]),
    )
    left, right = (
        froc_draws(both, np.concatenate(halves, axis=1))
        for halves in ((1 - swaps, swaps), (swaps, 1 - swaps))
    )
    return left, right


def _check_same(first: JudgedMarks, second: JudgedMarks) -> None:
    if first.scans != second.scans or not np.array_equal(first.nodule_scan, second.nodule_scan):
        raise SettingsError(
            f"the one has {len(first.nodule_scan)} nodules in {first.scans} scans, "
            f"the other {len(second.nodule_scan)} in {second.scans}",
            wanted="both judged against the same nodules",
            do="Judge both with the same scans and annotations.",
        )
