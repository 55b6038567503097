"""FROC of a submission: everything that is told about it, in one object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..json_file import finite_or_none
from ..metrics.froc import RATES, Froc, froc, sensitivity_at
from ..metrics.froc_bootstrap import FrocBootstrap, bootstrap_froc, froc_draws
from ..metrics.intervals import Interval, percentile_interval
from ..metrics.judging import Marks, Verdicts, judge_each
from ..words import many, only_one
from .strata import Stratum, strata_of
from .submission import CountedMarks, Submission
from .truth import Truth

__all__ = ["CURVE_RATES", "FORMAT", "FrocReport", "StratumScore", "evaluate_froc"]

# Raised when the meaning of a key of the JSON changes.
FORMAT = 1
# So few nodules are hit by chance.
_FEW = 4
# Where the curve of the JSON and of the figure is read: 16 steps to each doubling, the seven among them.
CURVE_RATES = tuple(2.0 ** (step / 16) for step in range(-48, 49))


@dataclass(frozen=True, eq=False)
class StratumScore:
    """How well the nodules of a stratum are found; the false marks are those of all.

    Args:
        stratum: which nodules.
        found: how many of them a mark hits, whatever its score.
        at_rates: sensitivity at the seven rates, with intervals where there was a bootstrap.
        cpm: their mean.
    """

    stratum: Stratum
    found: int
    at_rates: tuple[Interval, ...]
    cpm: Interval


@dataclass(frozen=True, eq=False)
class FrocReport:
    """The FROC of one submission.

    Args:
        name: of the submission.
        truth: what it was judged against.
        counted: its marks in the counted scans, and what was left out.
        verdicts: what each mark is.
        curve: of the scans themselves.
        more_rates: other false positives a scan that were asked for.
        drawn: the bootstrap, read at `more_rates` and `CURVE_RATES`; None without one, and for one scan.
        seed: of its draws.
        max_marks: the most marks that counted of a scan.
        repeated: rows that repeat another one exactly.
    """

    name: str
    truth: Truth
    counted: CountedMarks
    verdicts: Verdicts
    curve: Froc
    more_rates: tuple[float, ...]
    drawn: FrocBootstrap | None
    seed: int
    max_marks: int | None
    repeated: int

    @property
    def cpm(self) -> Interval:
        """Mean sensitivity at the seven rates; its ends are NaN without a bootstrap."""
        return self.drawn.cpm if self.drawn else _alone(self.curve.cpm)

    @property
    def sensitivity(self) -> tuple[Interval, ...]:
        """At each of the seven rates."""
        return self.drawn.sensitivity if self.drawn else tuple(map(_alone, self.curve.at_rates))

    @property
    def more_sensitivity(self) -> tuple[Interval, ...]:
        """At each of `more_rates`."""
        return self._read[: len(self.more_rates)]

    @property
    def band(self) -> tuple[Interval, ...]:
        """At each of `CURVE_RATES`."""
        return self._read[len(self.more_rates) :]

    @cached_property
    def _read(self) -> tuple[Interval, ...]:
        if self.drawn:
            return self.drawn.sensitivity_at_more
        return tuple(map(_alone, sensitivity_at(self.curve, (*self.more_rates, *CURVE_RATES))))

    @cached_property
    def strata(self) -> tuple[StratumScore, ...]:
        """Sensitivity by kind of nodule."""
        return tuple(_stratum_score(self.verdicts, one, self.drawn) for one in strata_of(self.truth))

    @property
    def scans_with_marks(self) -> int:
        """Counted scans with at least one mark."""
        return len(np.unique(self.counted.marks.scan))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of what was counted: sentences without their full stops."""
        return (*self.truth.notes, *_notes(self))

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `lungmonai evaluate froc`, without NaN: the same input gives the same."""
        return {
            "format": FORMAT,
            "submission": self.name,
            **_scores(self.cpm, self.sensitivity),
            "more_rates": list(self.more_rates),
            "more_sensitivity": [finite_or_none(one.value) for one in self.more_sensitivity],
            "more_sensitivity_interval": _ends(self.more_sensitivity),
            "bootstrap": self._bootstrap(),
            **self._counts(),
            "notes": list(self.notes),
            "strata": [_stratum_dict(one) for one in self.strata],
            "curve": {
                "false_per_scan": list(CURVE_RATES),
                "sensitivity": [finite_or_none(one.value) for one in self.band],
                "low": [finite_or_none(one.low) for one in self.band],
                "high": [finite_or_none(one.high) for one in self.band],
            },
        }

    def _counts(self) -> dict[str, Any]:
        verdicts, judged = self.verdicts, self.verdicts.judged
        found = int(verdicts.found.sum())
        return {
            "scans": judged.scans,
            "scans_listed": self.truth.listed,
            "scans_with_marks": self.scans_with_marks,
            "nodules": len(judged.nodule_scan),
            "marks": len(self.counted.marks.scan),
            "true_positives": found,
            "false_positives": len(judged.false_scan),
            "false_negatives": len(judged.nodule_scan) - found,
            "ignored": verdicts.ignored,
            "duplicates": verdicts.duplicates,
            "max_marks": self.max_marks,
            "unknown_scans": list(self.counted.unknown_scans),
            "unknown_marks": self.counted.unknown_marks,
            "repeated_rows": self.repeated,
        }

    def _bootstrap(self) -> dict[str, Any] | None:
        if self.drawn is None:
            return None
        return {"draws": len(self.drawn.counts), "seed": self.seed, "level": self.drawn.level}


def evaluate_froc(
    submission: Submission,
    truth: Truth,
    *,
    bootstrap: int = 0,
    seed: int = 0,
    rates: Sequence[float] = (),
    max_marks: int | None = None,
) -> FrocReport:
    """Judge a submission by LUNA16's rule.

    Args:
        submission: of any system.
        truth: the scans and what is in them.
        bootstrap: draws of the scans for the intervals; 0 for none.
        seed: of the draws.
        rates: false positives a scan at which sensitivity is read beside the seven.
        max_marks: the most marks that count of a scan; None counts all.

    Raises:
        DataError: the submission names none of the scans.
        SettingsError: a number of draws, a seed, a rate or `max_marks` makes no sense.
    """
    counted = submission.marks_in(truth.scans, max_marks)
    verdicts = judge_each(counted.marks, truth.nodules, len(truth.scans), truth.excluded)
    more = tuple(map(float, rates))
    curve = froc(verdicts.judged)
    sensitivity_at(curve, more)  # refuses what is no rate, before the draws
    drawn = None
    if bootstrap:
        read = (*more, *CURVE_RATES)
        drawn = bootstrap_froc(verdicts.judged, seed=seed, draws=bootstrap, more_rates=read)
        drawn = drawn if len(drawn.counts) else None
    return FrocReport(
        submission.name,
        truth,
        counted,
        verdicts,
        curve,
        more,
        drawn,
        seed,
        max_marks,
        submission.repeated(),
    )


def _alone(value: float) -> Interval:
    return Interval(value, math.nan, math.nan, math.nan, 0)


def _ends(intervals: Sequence[Interval]) -> list[list[float | None]] | None:
    """Pairs of ends; None without a bootstrap."""
    if not any(one.draws for one in intervals):
        return None
    return [[finite_or_none(one.low), finite_or_none(one.high)] for one in intervals]


def _scores(cpm: Interval, at_rates: Sequence[Interval]) -> dict[str, Any]:
    whole = _ends([cpm])
    return {
        "cpm": finite_or_none(cpm.value),
        "cpm_interval": whole[0] if whole else None,
        "rates": list(RATES),
        "sensitivity": [finite_or_none(one.value) for one in at_rates],
        "sensitivity_interval": _ends(at_rates),
    }


def _stratum_score(verdicts: Verdicts, stratum: Stratum, drawn: FrocBootstrap | None) -> StratumScore:
    judged = verdicts.judged.of_nodules(stratum.chosen)
    found, curve = int(verdicts.found[stratum.chosen].sum()), froc(judged)
    if drawn is None:
        return StratumScore(stratum, found, tuple(map(_alone, curve.at_rates)), _alone(curve.cpm))
    draws = froc_draws(judged, drawn.counts)
    pairs = zip(curve.at_rates, draws.T, strict=True)
    at_rates = tuple(percentile_interval(value, one, drawn.level) for value, one in pairs)
    cpm = percentile_interval(curve.cpm, draws.mean(axis=1), drawn.level)
    return StratumScore(stratum, found, at_rates, cpm)


def _stratum_dict(score: StratumScore) -> dict[str, Any]:
    return {
        "by": score.stratum.by,
        "name": score.stratum.name,
        "nodules": int(score.stratum.chosen.sum()),
        "found": score.found,
        **_scores(score.cpm, score.at_rates),
    }


def _notes(report: FrocReport) -> list[str]:
    counted, notes = report.counted, []
    if len(report.truth.scans) == 1:
        notes.append(only_one("scan"))
    if counted.unknown_scans:
        notes.append(
            f"not counted: {many(counted.unknown_marks, 'mark')} of {report.name} in "
            f"{many(len(counted.unknown_scans), 'scan')} not evaluated, such as {counted.unknown_scans[0]}"
        )
    if counted.dropped:
        notes.append(
            f"not counted: {many(counted.dropped, 'mark')} beyond the {report.max_marks} highest of a scan"
        )
    if report.repeated:
        notes.append(
            f"repeated exactly: {many(report.repeated, 'row')} of {report.name}; each counts, as in LUNA16's "
            "script: off the nodules as a false mark"
        )
    return [*notes, *_mistaken_axes(report)]


def _mistaken_axes(report: FrocReport) -> list[str]:
    """A hint where the marks fit the nodules better with other axes: the commonest mistake of all."""
    found, nodules = int(report.verdicts.found.sum()), len(report.verdicts.found)
    if 2 * found >= nodules:
        return []
    marks, scans = report.counted.marks, report.verdicts.judged.scans
    notes = []
    for name, lps_mm in (
        ("x and y negated (RAS)", marks.lps_mm * [-1, -1, 1]),
        ("the columns in the order z, y, x", marks.lps_mm[:, ::-1]),
    ):
        moved = judge_each(Marks(marks.scan, lps_mm, marks.prob), report.truth.nodules, scans)
        if (hit := int(moved.found.sum())) > max(2 * found, _FEW):
            notes.append(
                f"with {name} the marks would hit {hit} of {nodules} nodules, and not {found}: "
                "check that positions are LPS mm"
            )
    return notes
