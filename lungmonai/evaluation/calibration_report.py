"""A calibration fitted on a table of scores, and how much better it makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..metrics.calibration import BINS, Calibration, calibration, chance_ece
from ..metrics.calibrators import Calibrator, Temperature, cross_fitted, fit_calibrator
from ..metrics.conformal import ConformalSets, fit_conformal
from ..metrics.folds import FOLDS
from ..metrics.intervals import Interval, bootstrap_mean
from .score_table import ScoreTable

__all__ = ["CalibrationReport", "calibrate_scores", "calibration_text"]


@dataclass(frozen=True, eq=False)
class CalibrationReport:
    """What was fitted, and what it does.

    Args:
        table: that it was fitted on.
        before: of the probabilities as they are.
        by_chance: the calibration error that right probabilities like these would have.
        calibrator: fitted on the whole table; None where none was asked for.
        after: of probabilities that were each calibrated by a fit without their patient; None where
            `why_no_after` says why.
        change: the Brier score after less that before, with the interval over patients; None without an
            `after`.
        why_no_after: empty where there is an `after`, or no calibrator.
        sets: conformal sets; None where none were asked for.
    """

    table: ScoreTable
    before: Calibration
    by_chance: float
    calibrator: Calibrator | None = None
    after: Calibration | None = None
    change: Interval | None = None
    why_no_after: str = ""
    sets: ConformalSets | None = None

    def parts(self, data: str | None = None) -> dict[str, Any]:
        """What is stored beside weights: "calibration" and "conformal", as JSON types.

        Args:
            data: what the samples are, in words; None takes the table's name.
        """
        about = {"data": data or self.table.name}
        parts: dict[str, Any] = {}
        if self.calibrator is not None:
            scores = {
                "before": _scores(self.before),
                "after": _scores(self.after),
                "chance_ece": self.by_chance,
            }
            parts["calibration"] = self.calibrator.as_dict() | self._counts() | scores | about
        if self.sets is not None:
            parts["conformal"] = self.sets.as_dict() | about
        return parts

    def drawn(self) -> dict[str, Calibration]:
        """What a reliability diagram shows, by name."""
        both = {"as they are": self.before, "calibrated, cross-fitted": self.after}
        return {name: found for name, found in both.items() if found is not None}

    def _counts(self) -> dict[str, int]:
        groups = len(np.unique(self.table.groups))
        return {"samples": len(self.table), "positives": int(self.table.labels.sum()), "groups": groups}


def calibrate_scores(
    table: ScoreTable, *, method: str | None, coverage: float | None, seed: int, bins: int = BINS
) -> CalibrationReport:
    """Fit a calibration and conformal sets on validation data.

    Args:
        table: samples that the network did not learn from.
        method: "temperature" or "isotonic"; None fits none.
        coverage: of the conformal sets, between 0 and 1; None makes none.
        seed: that deals the patients to the folds, 0 or more.
        bins: of the expected calibration error.

    Raises:
        SettingsError: neither a method nor a coverage; the table cannot be fitted; too few samples for the
            coverage.
    """
    if method is None and coverage is None:
        raise SettingsError(
            "neither a method nor a coverage",
            wanted="one of them at least",
            do="Add --method or --conformal.",
        )
    before = calibration(table.labels, table.probs, bins)
    chance = chance_ece(table.probs, bins, seed=seed)
    sets = None if coverage is None else fit_conformal(table.labels, table.probs, coverage)
    if method is None:
        return CalibrationReport(table, before, chance, sets=sets)
    calibrator = fit_calibrator(method, table.labels, table.probs)
    try:
        crossed = cross_fitted(method, table.labels, table.probs, table.groups, seed=seed)
    except SettingsError as error:  # a small table may be fitted as a whole, and not without a fold
        return CalibrationReport(table, before, chance, calibrator, why_no_after=error.came, sets=sets)
    after, change = calibration(table.labels, crossed, bins), _change(table, crossed, seed)
    return CalibrationReport(table, before, chance, calibrator, after, change, sets=sets)


def _change(table: ScoreTable, crossed: NDArray[np.float64], seed: int) -> Interval:
    after, before = ((probs - table.labels) ** 2 for probs in (crossed, table.probs))
    return bootstrap_mean(after - before, table.groups, seed=seed)


def calibration_text(report: CalibrationReport) -> str:
    """The report for a terminal."""
    table = report.table
    counts = f"{len(table)} samples, {int(table.labels.sum())} positive"
    of = f" of {len(np.unique(table.groups))} {table.group_name}" if table.group_kind != "row" else ""
    lines = [
        f"{table.name}: {counts}{of}",
        "",
        f"{'':24}{'Brier':>8}{'ECE':>8}",
        _row("as they are", report.before),
    ]
    lines.append(f"{'if they were right':24}{'':8}{report.by_chance:8.4f}")
    if report.calibrator is not None:
        lines += _calibrated(report)
    if report.sets is not None:
        lines += ["", *_sets(report, report.sets)]
    return "\n".join(lines) + "\n"


def _calibrated(report: CalibrationReport) -> list[str]:
    fitted, table, change = report.calibrator, report.table, report.change
    name = f"temperature {fitted.temperature:.4g}" if isinstance(fitted, Temperature) else "isotonic"
    if report.after is None or change is None:
        return [f"{name:24}not measured: without a fold, {report.why_no_after}"]
    folds = min(FOLDS, len(np.unique(table.groups)))
    how = f"Calibrated by {folds} fits, each without a fold of the {table.group_name} that it is measured on."
    changed = (
        f"The Brier score changes by {change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f}: "
        f"{change.level:.0%} interval of {change.draws:,} draws of the {table.group_name})."
    )
    row = table.group_kind == "row"
    alone = ["The table names no patients: rows of one patient may be in both."] if row else []
    return [_row(name, report.after), "", how, changed, *alone]


def _sets(report: CalibrationReport, sets: ConformalSets) -> list[str]:
    held = sets(report.table.probs).sum(axis=1)
    shares = {
        words: float((held == count).mean()) for count, words in ((1, "one"), (2, "both"), (0, "neither"))
    }
    return [
        f"Sets at a coverage of {sets.coverage:g}: class 0 up to {sets.negative_up_to:.4f} "
        f"({sets.negatives} samples), class 1 from {sets.positive_from:.4f} ({sets.positives} samples)",
        "of these samples " + ", ".join(f"{share:.1%} hold {words}" for words, share in shares.items()),
    ]


def _row(name: str, found: Calibration) -> str:
    return f"{name:24}{found.brier:8.4f}{found.ece:8.4f}"


def _scores(found: Calibration | None) -> dict[str, float] | None:
    return None if found is None else {"brier": found.brier, "ece": found.ece}
