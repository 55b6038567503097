"""How far a FROC might be off, had other scans been drawn: LUNA16's bootstrap, in a fraction of its time.

The script draws scans with replacement, makes the curve of what was drawn, and sorts the draws. All that
changes from draw to draw is how often a scan counts. So the marks are sorted once, and a draw is a weighted
running sum, read at the few places where the curve is wanted. Each draw gives to the last bit what
`froc(judged, drawn)` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .froc import RATES, Froc, curve_places, froc, sensitivity_at
from .intervals import DRAWS, LEVEL, Interval, draw_counts, percentile_interval
from .judging import JudgedMarks

__all__ = ["FrocBootstrap", "bootstrap_froc", "froc_draws"]

# Of the false marks, the highest this many times the limit are summed first: most draws need no more.
_HEADROOM = 1.25


@dataclass(frozen=True, eq=False)
class FrocBootstrap:
    """A curve and its bootstrap draws.

    Args:
        curve: of the scans themselves.
        counts: (draws, scans) int, how often each draw holds each scan; for a paired comparison.
        at_rates: (draws, 7) float, sensitivity at `RATES`; NaN for a draw without a nodule.
        more_rates: other false positives a scan at which it was read.
        at_more: (draws, len(more_rates)) float.
        level: share of the draws within an interval.
    """

    curve: Froc
    counts: NDArray[np.int64]
    at_rates: NDArray[np.float64]
    more_rates: tuple[float, ...] = ()
    at_more: NDArray[np.float64] | None = None
    level: float = LEVEL

    @property
    def cpm(self) -> Interval:
        """The competition performance metric: of each draw, not the mean of seven intervals."""
        return percentile_interval(self.curve.cpm, self.at_rates.mean(axis=1), self.level)

    @property
    def sensitivity(self) -> tuple[Interval, ...]:
        """At each of `RATES`."""
        pairs = zip(self.curve.at_rates, self.at_rates.T, strict=True)
        return tuple(percentile_interval(value, drawn, self.level) for value, drawn in pairs)

    @property
    def sensitivity_at_more(self) -> tuple[Interval, ...]:
        """At each of `more_rates`."""
        if self.at_more is None:
            return ()
        pairs = zip(sensitivity_at(self.curve, self.more_rates), self.at_more.T, strict=True)
        return tuple(percentile_interval(value, drawn, self.level) for value, drawn in pairs)


def bootstrap_froc(
    judged: JudgedMarks,
    *,
    seed: int,
    draws: int = DRAWS,
    more_rates: Sequence[float] = (),
    level: float = LEVEL,
) -> FrocBootstrap:
    """Draw scans with replacement, as many as there are, and read each draw's curve.

    Args:
        judged: from `judge_marks`.
        seed: of the draws, 0 or more.
        draws: how many; the script's default is 1,000.
        more_rates: false positives a scan at which to read the curve too, above 0.
        level: share of the draws within an interval.

    Raises:
        SettingsError: no scans or draws, a seed below 0, a level that is no share, or a rate not above 0.

    >>> judged = JudgedMarks(3, np.array([0, 1]), np.array([0.9, 0.4]), np.array([2]), np.array([0.5]))
    >>> drawn = bootstrap_froc(judged, seed=0, draws=100)
    >>> drawn.cpm.low <= drawn.curve.cpm <= drawn.cpm.high
    True
    """
    if not 0 < level < 1:
        raise SettingsError(f"the level is {level:g}", wanted="a share between 0 and 1", do="Take 0.95.")
    counts = draw_counts(judged.scans, draws, seed)
    read = froc_draws(judged, counts, (*RATES, *more_rates))
    at_rates, at_more = read[:, : len(RATES)], read[:, len(RATES) :]
    return FrocBootstrap(froc(judged), counts, at_rates, tuple(more_rates), at_more, level)


def froc_draws(
    judged: JudgedMarks, counts: NDArray[np.integer], rates: Sequence[float] = RATES
) -> NDArray[np.float64]:
    """Sensitivities of each draw, to the last bit those of `froc(judged, counts[draw])`.

    Args:
        judged: from `judge_marks`.
        counts: (draws, scans) int from 0, how often each draw holds each scan.
        rates: false positives a scan, above 0.

    Returns:
        (draws, len(rates)) float; NaN for a draw without a nodule.

    Raises:
        SettingsError: the counts do not fit, a draw is empty, or a rate is not above 0.
    """
    _check_counts(counts, judged.scans)
    steps, places = _Steps.of(judged), curve_places(rates)
    read = np.empty((len(counts), len(places)))
    weights = counts.astype(np.int32)  # half the memory traffic of int64
    for into, times in zip(read, weights, strict=True):
        steps.read(times, places, into)
    return read


@dataclass(frozen=True, eq=False)
class _Steps:
    """Marks in falling order of score, and where the curve's points lie among them.

    Args:
        nodules: (M,) int, scan of every nodule.
        true: scan of each found nodule, the highest score first.
        false: scan of each false mark, the highest score first.
        true_until, false_until: (K,) int, how many of them score a point's threshold or more, from 0.
    """

    nodules: NDArray[np.int64]
    true: NDArray[np.int64]
    false: NDArray[np.int64]
    true_until: NDArray[np.int64]
    false_until: NDArray[np.int64]

    @classmethod
    def of(cls, judged: JudgedMarks) -> _Steps:
        found = np.isfinite(judged.nodule_prob)
        true_prob, true_scan = _falling(judged.nodule_prob[found], judged.nodule_scan[found])
        false_prob, false_scan = _falling(judged.false_prob, judged.false_scan)
        falling = -np.unique(np.concatenate([true_prob, false_prob]))[::-1]
        until = (np.searchsorted(-prob, falling, side="right") for prob in (true_prob, false_prob))
        true_until, false_until = (np.concatenate([[0], many]) for many in until)
        return cls(judged.nodule_scan, true_scan, false_scan, true_until, false_until)

    def read(self, times: NDArray[np.int32], places: NDArray[np.float64], into: NDArray[np.float64]) -> None:
        """Sensitivity at the places, where scans count so many times; interpolated as `np.interp` does."""
        scans, nodules = int(times.sum()), int(times[self.nodules].sum())
        if not nodules:
            into[:] = np.nan
            return
        false = self._false_until_past(times, float(places.max(initial=0.0))) / scans
        true = _running(times[self.true]) / nodules
        # Only the points on both sides of each place matter.
        marks = np.searchsorted(false, places, side="right") - 1
        left = np.searchsorted(self.false_until, marks, side="right") - 1
        near = np.unique([left, np.minimum(left + 1, len(self.false_until) - 1)])
        into[:] = np.interp(places, false[self.false_until[near]], true[self.true_until[near]])

    def _false_until_past(self, times: NDArray[np.int32], rate: float) -> NDArray[np.int64]:
        """Running sums of false marks: all, or up to a point of the curve beyond so many a scan."""
        limit = rate * int(times.sum())
        wanted = _HEADROOM * limit
        while True:
            point = int(np.searchsorted(self.false_until, wanted))
            until = self.false_until[point] if point < len(self.false_until) else len(self.false)
            sums = _running(times[self.false[:until]])
            # One beyond the limit: nothing then hangs on how the division rounds.
            if until == len(self.false) or sums[-1] > limit + 1:
                return sums
            wanted *= 2


def _falling(
    prob: NDArray[np.float64], scan: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    order = np.argsort(-prob, kind="stable")
    return prob[order], scan[order]


def _running(weights: NDArray[np.int32]) -> NDArray[np.int64]:
    """Sums of the first 0, 1, 2, … weights."""
    sums = np.zeros(len(weights) + 1, dtype=np.int64)
    np.cumsum(weights, out=sums[1:])
    return sums


def _check_counts(counts: NDArray[np.integer], scans: int) -> None:
    fits = counts.ndim == 2 and counts.shape[1] == scans and np.issubdtype(counts.dtype, np.integer)
    if not fits or (counts < 0).any() or not counts.any(axis=1).all():
        raise SettingsError(
            f"counts of shape {counts.shape} and kind {counts.dtype}",
            wanted=f"whole numbers from 0, one for each of {scans} scans in each draw, and some above 0",
            do="Take them from draw_counts.",
        )
