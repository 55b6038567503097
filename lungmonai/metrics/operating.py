"""The threshold that meets a demand on validation scans, and how far it would move with other scans."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .intervals import DRAWS, LEVEL, Interval, draw_counts, percentile_interval
from .judging import JudgedMarks

__all__ = [
    "Demand",
    "OperatingDraws",
    "OperatingIntervals",
    "OperatingPoint",
    "bootstrap_operating",
    "operating_draws",
    "operating_point",
    "point_at",
]

# The field writes its lower rates as 1/8, 1/4 and 1/2.
_NUMBER = r"(\d+/\d+|\d+(?:\.\d*)?|\.\d+)"
_RATE = re.compile(_NUMBER + r"\s*(?:fps?|false positives?)\s*(?:/|per|a)\s*scan", re.IGNORECASE)
_SENSITIVITY = re.compile(r"sensitivity\s*(?:of\s+)?" + _NUMBER, re.IGNORECASE)
# Draws are counted in blocks, which bounds the memory: 8 bytes for each mark of a block's draws.
_BLOCK_NUMBERS = 1_000_000


@dataclass(frozen=True)
class Demand:
    """What a threshold shall reach.

    >>> print(Demand.parse("2 FP / scan"))
    2 fp/scan
    >>> Demand.parse("sensitivity 0.9").is_rate
    False

    Args:
        value: false positives a scan, or a sensitivity over 0 and up to 1.
        is_rate: whether it is false positives a scan.

    Raises:
        SettingsError: a value that makes no sense.
    """

    value: float
    is_rate: bool

    def __post_init__(self) -> None:
        if not 0 < self.value < np.inf or (self.value > 1 and not self.is_rate):
            raise _no_demand(str(self))

    @classmethod
    def parse(cls, text: str) -> Demand:
        """Read "1 fp/scan", "1/8 fp/scan" or "sensitivity 0.9".

        Raises:
            SettingsError: neither.
        """
        rate, sensitivity = _RATE.fullmatch(text.strip()), _SENSITIVITY.fullmatch(text.strip())
        found = rate or sensitivity
        if found is None:
            raise _no_demand(repr(text))
        try:
            return cls(float(Fraction(found[1])), rate is not None)
        except (ZeroDivisionError, OverflowError) as error:
            raise _no_demand(repr(text)) from error

    def __str__(self) -> str:
        return f"{self.value:g} fp/scan" if self.is_rate else f"sensitivity {self.value:g}"


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it gives.

    Args:
        threshold: marks with a higher score than this are kept.
        false_per_scan: false marks that are kept, a scan.
        sensitivity: share of the nodules that a kept mark hits; NaN where there is no nodule.
    """

    threshold: float
    false_per_scan: float
    sensitivity: float


@dataclass(frozen=True, eq=False)
class OperatingDraws:
    """What draws of the scans give, one number for each.

    Args:
        threshold: (D,) float, chosen anew in each draw: the score above the last that is kept when nothing
            may be, 0 when all marks do not reach the demand, NaN for a sensitivity without a nodule.
        false_per_scan: (D,) float, at the one threshold of all scans.
        sensitivity: (D,) float, there too; NaN in a draw without a nodule.
    """

    threshold: NDArray[np.float64]
    false_per_scan: NDArray[np.float64]
    sensitivity: NDArray[np.float64]


@dataclass(frozen=True)
class OperatingIntervals:
    """A threshold and what it gives, with bootstrap intervals.

    Args:
        threshold: its interval is of thresholds that are chosen anew in each draw.
        false_per_scan: at the one threshold.
        sensitivity: at the one threshold.
    """

    threshold: Interval
    false_per_scan: Interval
    sensitivity: Interval


@dataclass(frozen=True, eq=False)
class _Steps:
    """All that a threshold can do: step k keeps the scores from the highest to `score[k]`.

    Args:
        score: (K,) distinct scores above 0, falling: nothing is kept at a threshold below 0.
        last: (K,) position in `true` and `false` of the last event with that score.
        scan: (E,) scan of each event, in the order of falling scores.
        is_true: (E,) whether a nodule is found, rather than a false mark kept.
        nodule_scan: (M,) scan of each nodule.
        scans: how many.
    """

    score: NDArray[np.float64]
    last: NDArray[np.int64]
    scan: NDArray[np.int64]
    is_true: NDArray[np.bool_]
    nodule_scan: NDArray[np.int64]
    scans: int

    def counted(self, times: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(D, K + 1) false marks a scan and sensitivity after 0, 1, … steps, for (D, scans) draws."""
        weight = times[:, self.scan]
        scans, nodules = times.sum(axis=1), times[:, self.nodule_scan].sum(axis=1)
        false = self._at_steps(np.where(self.is_true, 0, weight)) / scans[:, None]
        with np.errstate(invalid="ignore"):  # no nodules: NaN says so
            return false, self._at_steps(np.where(self.is_true, weight, 0)) / nodules[:, None]

    def _at_steps(self, weight: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = np.cumsum(weight, axis=1)[:, self.last]
        return np.concatenate([np.zeros((len(weight), 1), dtype=sums.dtype), sums], axis=1)

    def threshold(self, kept: int) -> float:
        """Between the last score that is kept and the next."""
        if kept < 0 or not len(self.score):
            return float("nan")
        if kept == 0:
            return float(self.score[0])
        if kept > len(self.score):
            return 0.0
        below = float(self.score[kept]) if kept < len(self.score) else 0.0
        return _between(below, float(self.score[kept - 1]))


def operating_point(judged: JudgedMarks, demand: Demand) -> OperatingPoint:
    """The lowest threshold with at most so many false marks a scan, or the highest with that sensitivity.

    It lies between two scores, so that the same marks are over it when they are scored again with other
    rounding.

    >>> marks = JudgedMarks(2, np.array([0, 1]), np.array([0.9, 0.3]), np.array([0, 1]), np.array([0.5, 0.2]))
    >>> operating_point(marks, Demand(0.5, is_rate=True)).sensitivity
    1.0

    Args:
        judged: from `judge_marks`; scores are probabilities.
        demand: to be met.

    Raises:
        SettingsError: no threshold from 0 to 1 meets it; the message says what can be reached.
    """
    steps = _steps(judged)
    false, sensitivity = (row[0] for row in steps.counted(np.ones((1, judged.scans), dtype=np.int64)))
    kept = int(_kept(demand, false[None], sensitivity[None])[0])
    if not 0 < kept <= len(steps.score):
        raise _unreachable(demand, false, sensitivity)
    return OperatingPoint(steps.threshold(kept), float(false[kept]), float(sensitivity[kept]))


def bootstrap_operating(
    judged: JudgedMarks, demand: Demand, *, seed: int, draws: int = DRAWS, level: float = LEVEL
) -> OperatingIntervals:
    """The threshold that meets a demand, with intervals over draws of the scans.

    Args:
        judged: from `judge_marks`; scores are probabilities.
        demand: to be met.
        seed: of the draws, 0 or more.
        draws: how many.
        level: share of the draws within an interval.

    Raises:
        SettingsError: as for `operating_point`; no draws or scans, or a seed below 0.
    """
    point = operating_point(judged, demand)
    drawn = operating_draws(judged, demand, point.threshold, draw_counts(judged.scans, draws, seed))
    return OperatingIntervals(
        percentile_interval(point.threshold, drawn.threshold, level),
        percentile_interval(point.false_per_scan, drawn.false_per_scan, level),
        percentile_interval(point.sensitivity, drawn.sensitivity, level),
    )


def point_at(judged: JudgedMarks, threshold: float) -> OperatingPoint:
    """What a threshold gives.

    Args:
        judged: from `judge_marks`.
        threshold: marks with a higher score are kept.
    """
    nodules = len(judged.nodule_prob)
    found = int((judged.nodule_prob > threshold).sum())
    false = int((judged.false_prob > threshold).sum())
    return OperatingPoint(threshold, false / judged.scans, found / nodules if nodules else float("nan"))


def operating_draws(
    judged: JudgedMarks, demand: Demand, threshold: float, counts: NDArray[np.int64]
) -> OperatingDraws:
    """The threshold of each draw of the scans, and what the one threshold gives in it.

    Args:
        judged: from `judge_marks`.
        demand: to be met.
        threshold: of all scans, from `operating_point`.
        counts: (D, scans) int, how often each draw has each scan.
    """
    steps = _steps(judged)
    own = int((steps.score > threshold).sum())
    block = max(1, _BLOCK_NUMBERS // max(1, len(steps.scan)))
    thresholds, false_rates, sensitivities = [], [], []
    for first in range(0, len(counts), block):
        false, sensitivity = steps.counted(counts[first : first + block])
        thresholds += [steps.threshold(kept) for kept in _kept(demand, false, sensitivity).tolist()]
        false_rates.append(false[:, own])
        sensitivities.append(sensitivity[:, own])
    return OperatingDraws(np.array(thresholds), *map(_joined, (false_rates, sensitivities)))


def _joined(blocks: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(0), *blocks])


def _steps(judged: JudgedMarks) -> _Steps:
    scan = np.concatenate([judged.nodule_scan, judged.false_scan])
    score = np.concatenate([judged.nodule_prob, judged.false_prob])
    is_true = np.arange(len(score)) < len(judged.nodule_prob)
    order = np.argsort(-score, kind="stable")
    order = order[score[order] > 0]  # no threshold from 0 to 1 keeps the others
    score = score[order]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.zeros(0, np.int64)
    return _Steps(score[last], last, scan[order], is_true[order], judged.nodule_scan, judged.scans)


def _kept(demand: Demand, false: NDArray[np.float64], sensitivity: NDArray[np.float64]) -> NDArray[np.int64]:
    """(D,) steps that meet the demand: one more than there are where all do not, −1 without a nodule."""
    if demand.is_rate:
        return np.asarray((false <= demand.value).sum(axis=1) - 1)
    return np.where(np.isnan(sensitivity[:, -1]), -1, (sensitivity < demand.value).sum(axis=1))


def _between(low: float, high: float) -> float:
    """A threshold that `high` is over and `low` is not, in float32 too, in which networks answer."""
    middle = float(np.float32((low + high) / 2))
    return middle if low <= middle < high else low


def _no_demand(came: str) -> SettingsError:
    return SettingsError(
        f"the demand is {came}",
        wanted='such as "1 fp/scan" or "sensitivity 0.9"',
        do="Give a number above 0; a sensitivity is at most 1.",
    )


def _unreachable(
    demand: Demand, false: NDArray[np.float64], sensitivity: NDArray[np.float64]
) -> SettingsError:
    if len(false) == 1:
        came, do = "no mark has a score above 0", "Check the table of marks."
    elif demand.is_rate:
        came = f"{demand} cannot be had: the most probable marks alone are {false[1]:.4g} a scan"
        do = f"Allow at least {false[1]:.4g}, or add scans."
    elif np.isnan(sensitivity[-1]):
        came, do = f"{demand} cannot be had: there is no nodule", "Add annotated scans."
    elif sensitivity[-1] == 0:
        came = f"{demand} cannot be had: no mark hits a nodule"
        do = "Check that marks and annotations are of the same scans."
    else:
        came = f"{demand} cannot be had: all marks together reach {sensitivity[-1]:.4g}"
        do = f"Ask for at most {np.floor(sensitivity[-1] * 1e4) / 1e4:g}, or lower --mark-threshold."
    return SettingsError(came, wanted="a demand that a threshold meets", do=do)
