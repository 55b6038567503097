"""The evaluation of LUNA16: sensitivity over false positives a scan.

The rule is that of its script `noduleCADEvaluationLUNA16.py`, on arrays instead of files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .hits import hits

__all__ = ["RATES", "Findings", "Froc", "JudgedMarks", "Marks", "froc", "judge_marks"]

# False positives a scan at which sensitivity is read; their mean is the CPM.
RATES = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
# The script reads an interpolated curve at its grid's points, of which these rates are not all members.
_GRID = np.linspace(RATES[0], RATES[-1], 10_001)


@dataclass(frozen=True, eq=False)
class Marks:
    """What a system reports.

    Args:
        scan: (N,) int, from 0.
        lps_mm: (N, 3) float, LPS mm.
        prob: (N,) float; any score will do that is higher for what is more likely a nodule.

    Raises:
        SettingsError: the lengths differ, or a score is no number.
    """

    scan: NDArray[np.int64]
    lps_mm: NDArray[np.float64]
    prob: NDArray[np.float64]

    def __post_init__(self) -> None:
        _check_lengths(self.scan, self.lps_mm, self.prob)


@dataclass(frozen=True, eq=False)
class Findings:
    """What is there: annotated nodules, or findings that count neither way.

    Args:
        scan: (M,) int, from 0.
        lps_mm: (M, 3) float, LPS mm.
        diameter_mm: (M,) float; negative where nobody measured one.

    Raises:
        SettingsError: the lengths differ, or a diameter is no number.
    """

    scan: NDArray[np.int64]
    lps_mm: NDArray[np.float64]
    diameter_mm: NDArray[np.float64]

    def __post_init__(self) -> None:
        _check_lengths(self.scan, self.lps_mm, self.diameter_mm)


@dataclass(frozen=True, eq=False)
class JudgedMarks:
    """Marks against findings: all that the curve depends on.

    Args:
        scans: how many there are, those without any mark or nodule too.
        nodule_scan: (M,) int, scan of each nodule.
        nodule_prob: (M,) float, the highest score of a mark that hits it; −∞ where none does.
        false_scan: (F,) int, scan of each false mark.
        false_prob: (F,) float, its score.
    """

    scans: int
    nodule_scan: NDArray[np.int64]
    nodule_prob: NDArray[np.float64]
    false_scan: NDArray[np.int64]
    false_prob: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Froc:
    """The free-response curve.

    Args:
        false_per_scan: (K,) float, rising from 0.
        sensitivity: (K,) float, rising from 0; NaN where there is no nodule.
        threshold: (K,) float: a point counts marks with this score or more.
        at_rates: sensitivity at each of `RATES`.
    """

    false_per_scan: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    threshold: NDArray[np.float64]
    at_rates: tuple[float, ...]

    @property
    def cpm(self) -> float:
        """Competition performance metric: mean sensitivity at `RATES`."""
        return float(np.mean(self.at_rates))


def judge_marks(marks: Marks, nodules: Findings, scans: int, excluded: Findings | None = None) -> JudgedMarks:
    """Decide which marks hit what.

    A mark hits a finding that is nearer than half its diameter. Of several marks on a nodule the highest
    score counts; the others are neither true nor false, as are marks that hit an excluded finding. A mark
    may hit two nodules.

    Args:
        marks: reported.
        nodules: to be found.
        scans: how many there are; marks and findings name them from 0.
        excluded: findings that count neither way.

    Raises:
        SettingsError: a scan's number is not below `scans`.
    """
    nodule_prob = np.full(len(nodules.scan), -np.inf)
    is_false = np.ones(len(marks.scan), dtype=np.bool_)
    for own, there, hit in _hits_by_scan(marks, nodules, scans):
        is_false[own] &= ~hit.any(axis=1)
        probs = np.where(hit, marks.prob[own][:, None], -np.inf)
        nodule_prob[there] = probs.max(axis=0, initial=-np.inf)
    if excluded is not None:
        for own, _, hit in _hits_by_scan(marks, excluded, scans):
            is_false[own] &= ~hit.any(axis=1)
    return JudgedMarks(scans, nodules.scan, nodule_prob, marks.scan[is_false], marks.prob[is_false])


def froc(judged: JudgedMarks, drawn: NDArray[np.int64] | None = None) -> Froc:
    """The curve, and the sensitivities that LUNA16 reads from it.

    False marks are divided by all scans. Equal scores count together. A nodule without a hit is never
    found.

    Args:
        judged: from `judge_marks`.
        drawn: (scans,) int, how often a bootstrap drew each scan; None takes each once.
    """
    times = np.ones(judged.scans, dtype=np.int64) if drawn is None else drawn
    found = np.isfinite(judged.nodule_prob)
    prob = np.concatenate([judged.nodule_prob[found], judged.false_prob])
    true = np.concatenate([times[judged.nodule_scan[found]], np.zeros_like(judged.false_scan)])
    false = np.concatenate([np.zeros(int(found.sum()), np.int64), times[judged.false_scan]])
    order = np.argsort(-prob, kind="stable")
    prob = prob[order]
    last = np.flatnonzero(np.append(prob[1:] != prob[:-1], True)) if len(prob) else np.zeros(0, np.int64)
    nodules = int(times[judged.nodule_scan].sum())
    with np.errstate(invalid="ignore"):  # no nodules: NaN says so
        sensitivity = _from_zero(np.cumsum(true[order])[last]) / np.float64(nodules)
    false_per_scan = _from_zero(np.cumsum(false[order])[last]) / int(times.sum())
    at_grid = np.interp(_GRID, false_per_scan, sensitivity)
    at_rates = tuple(float(at_grid[np.abs(_GRID - rate).argmin()]) for rate in RATES)
    return Froc(false_per_scan, sensitivity, np.concatenate([[np.inf], prob[last]]), at_rates)


def _hits_by_scan(
    marks: Marks, findings: Findings, scans: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]]:
    """For each scan with findings: positions of its marks and of its findings, and who hits what."""
    for numbers in (marks.scan, findings.scan):
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < scans:
            raise SettingsError(
                f"scans {numbers.min()} to {numbers.max()} of {scans}",
                wanted=f"numbers from 0 to {scans - 1}",
                do="Number the scans from 0.",
            )
    order = np.argsort(marks.scan, kind="stable")
    for scan in np.unique(findings.scan):
        start, end = np.searchsorted(marks.scan[order], [scan, scan + 1])
        own, there = order[start:end], np.flatnonzero(findings.scan == scan)
        yield own, there, hits(marks.lps_mm[own], findings.lps_mm[there], findings.diameter_mm[there])


def _from_zero(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(1), counts])


def _check_lengths(
    scan: NDArray[np.int64], lps_mm: NDArray[np.float64], numbers: NDArray[np.float64]
) -> None:
    if lps_mm.shape != (len(scan), 3) or numbers.shape != (len(scan),) or not np.isfinite(numbers).all():
        raise SettingsError(
            f"{len(scan)} scans, positions of shape {lps_mm.shape} and numbers of shape {numbers.shape}",
            wanted="a scan, a position and a finite number for each",
            do="Check the tables.",
        )
