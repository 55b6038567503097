"""The nodules that a submission misses, and its costliest false marks."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.luna16.tables import POSITION
from ..files import written_whole
from .froc_report import FrocReport

__all__ = [
    "FalseMark",
    "MissedNodule",
    "false_marks",
    "missed_nodules",
    "write_curve",
    "write_false_marks",
    "write_missed",
]

# Decimals of a position and of a distance in the tables: a micrometre.
_DECIMALS = 3


@dataclass(frozen=True)
class MissedNodule:
    """A nodule that no mark hits, whatever its score.

    Args:
        seriesuid: its scan.
        lps_mm: its centre, LPS mm.
        diameter_mm: negative where unknown.
        nearest_mm: how far the nearest mark of its scan lies from the centre; None where there is none.
        nearest_prob: that mark's score.
    """

    seriesuid: str
    lps_mm: tuple[float, float, float]
    diameter_mm: float
    nearest_mm: float | None
    nearest_prob: float | None


@dataclass(frozen=True)
class FalseMark:
    """A mark that hits nothing.

    Args:
        seriesuid: its scan.
        lps_mm: LPS mm.
        prob: its score.
        false_per_scan: false marks a scan that score this or more: where on the curve it begins to cost.
    """

    seriesuid: str
    lps_mm: tuple[float, float, float]
    prob: float
    false_per_scan: float


def missed_nodules(report: FrocReport) -> list[MissedNodule]:
    """All nodules that no mark hits, the largest first."""
    nodules = report.truth.nodules
    missed = np.flatnonzero(~report.verdicts.found)
    keys = (*nodules.lps_mm[missed].T, nodules.scan[missed], -nodules.diameter_mm[missed])
    return [_missed(report, int(nodule)) for nodule in missed[np.lexsort(keys)]]


def false_marks(report: FrocReport, most: int | None = None) -> list[FalseMark]:
    """False marks, the highest score first: each costs at every threshold below its score.

    Args:
        report: of a submission.
        most: how many; None gives all.
    """
    marks, false = report.counted.marks, report.verdicts.false_mark
    order = np.lexsort((*marks.lps_mm[false].T, marks.scan[false], -marks.prob[false]))
    rising = np.sort(marks.prob[false])
    chosen = false[order[:most]]
    over = len(false) - np.searchsorted(rising, marks.prob[chosen], side="left")
    names = report.truth.scans
    columns = (marks.scan[chosen], marks.lps_mm[chosen], marks.prob[chosen], over / len(names))
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [FalseMark(names[scan], tuple(lps), prob, rate) for scan, lps, prob, rate in rows]


def write_missed(path: Path, nodules: Iterable[MissedNodule]) -> None:
    """Write `missed.csv`.

    Raises:
        OutputError: it cannot be written.
    """
    head = ("seriesuid", *POSITION, "diameter_mm", "nearest_mark_mm", "nearest_mark_probability")
    rows = ((one.seriesuid, *one.lps_mm, one.diameter_mm, *_nearest(one)) for one in nodules)
    _write(path, head, rows)


def write_false_marks(path: Path, marks: Iterable[FalseMark]) -> None:
    """Write `false_positives.csv`.

    Raises:
        OutputError: it cannot be written.
    """
    head = ("seriesuid", *POSITION, "probability", "false_per_scan")
    _write(path, head, ((one.seriesuid, *one.lps_mm, one.prob, f"{one.false_per_scan:.6g}") for one in marks))


def write_curve(path: Path, report: FrocReport) -> None:
    """Write `curve.csv`: every point of the curve; the first one counts no mark.

    Raises:
        OutputError: it cannot be written.
    """
    curve = report.curve
    columns = (curve.threshold, curve.false_per_scan, curve.sensitivity)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    _write(path, ("threshold", "false_per_scan", "sensitivity"), rows)


def _missed(report: FrocReport, nodule: int) -> MissedNodule:
    nodules, marks = report.truth.nodules, report.counted.marks
    scan, centre = int(nodules.scan[nodule]), nodules.lps_mm[nodule]
    own = np.flatnonzero(marks.scan == scan)
    away = np.sqrt(((marks.lps_mm[own] - centre) ** 2).sum(axis=1))
    near = int(away.argmin()) if len(own) else None
    return MissedNodule(
        report.truth.scans[scan],
        tuple(centre.tolist()),
        float(nodules.diameter_mm[nodule]),
        None if near is None else float(away[near]),
        None if near is None else float(marks.prob[own[near]]),
    )


def _nearest(nodule: MissedNodule) -> tuple[float | str, float | str]:
    if nodule.nearest_mm is None or nodule.nearest_prob is None:
        return "", ""
    return round(nodule.nearest_mm, _DECIMALS), nodule.nearest_prob


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(head)
        table.writerows(rows)
