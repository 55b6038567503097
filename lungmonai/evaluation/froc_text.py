"""FROC of a submission, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ..metrics.froc import RATES
from ..metrics.intervals import Interval
from .froc_lists import FalseMark, MissedNodule, false_marks, missed_nodules
from .froc_report import FrocReport, StratumScore

__all__ = ["froc_text", "rate_name"]


def froc_text(report: FrocReport, *, rows: int = 10) -> str:
    """Scores, counts, strata, missed nodules and the costliest false marks, ending in a newline.

    Args:
        report: of a submission.
        rows: the most that are listed of missed nodules, and of false marks.
    """
    parts = [_head(report), _rates(report), _strata(report)]
    if rows > 0:
        parts += [_missed(missed_nodules(report), rows), _false(report, false_marks(report, rows))]
    if report.notes:
        parts.append([f"Note: {note}." for note in report.notes])
    return _printable("\n\n".join("\n".join(part) for part in parts if part)) + "\n"


def rate_name(rate: float) -> str:
    """`1/8` for 0.125, `2` for 2: how the field names false positives a scan.

    >>> rate_name(0.125), rate_name(3.0), rate_name(0.3)
    ('1/8', '3', '0.3')
    """
    part = Fraction(rate)
    return f"1/{part.denominator}" if part.numerator == 1 and part.denominator > 1 else f"{rate:g}"


def _printable(text: str) -> str:
    """Without what a table's series UIDs could do to a terminal."""
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)


def _head(report: FrocReport) -> list[str]:
    verdicts, judged = report.verdicts, report.verdicts.judged
    found = int(verdicts.found.sum())
    listed = "named by the list" if report.truth.listed else "those with a nodule or a mark"
    return [
        f"{report.name}: CPM {_with_interval(report.cpm)}{_how_drawn(report)}",
        f"  scans    {judged.scans:>7,}  {listed}; {report.scans_with_marks:,} of them have marks",
        f"  nodules  {len(judged.nodule_scan):>7,}  {found:,} hit by a mark (true positives), "
        f"{len(judged.nodule_scan) - found:,} by none (false negatives)",
        f"  marks    {len(report.counted.marks.scan):>7,}  {len(judged.false_scan):,} false positives, "
        f"{verdicts.ignored:,} ignored on excluded findings, {verdicts.duplicates:,} more hits on a nodule",
    ]


def _how_drawn(report: FrocReport) -> str:
    if report.drawn is None:
        return ", no interval"
    return f", {report.drawn.level:.0%} interval of {len(report.drawn.counts):,} draws of the scans"


def _with_interval(one: Interval) -> str:
    return f"{one:.4f}".replace("nan", "–")


def _rates(report: FrocReport) -> list[str]:
    both = [*zip(RATES, report.sensitivity, strict=True)]
    extra = [*zip(report.more_rates, report.more_sensitivity, strict=True)]
    lines = [f"{rate_name(rate):>24}  {_with_interval(one)}" for rate, one in both]
    asked = [f"{rate_name(rate):>24}  {_with_interval(one)}" for rate, one in extra]
    return ["False positives a scan    Sensitivity", *lines, *(["and as asked for"] if asked else []), *asked]


def _strata(report: FrocReport) -> list[str]:
    heads = [f"at {rate_name(rate)}" for rate in RATES]
    lines = [f"{'Nodules':<20}{'all':>6}{'hit':>6}" + "".join(f"{head:>8}" for head in heads) + "   CPM"]
    return [*lines, *map(_stratum, report.strata)]


def _stratum(score: StratumScore) -> str:
    many = int(score.stratum.chosen.sum())
    at_rates = "".join(f"{one.value:>8.3f}" for one in score.at_rates)
    name = score.stratum.name
    return f"{name:<20}{many:>6,}{score.found:>6,}{at_rates}   {_with_interval(score.cpm)}"


def _missed(nodules: Sequence[MissedNodule], rows: int) -> list[str]:
    if not nodules:
        return ["Every nodule is hit by some mark."]
    lines = [f"Missed at any threshold, the largest of {len(nodules):,} first:"]
    lines.append(f"{'x':>9}{'y':>9}{'z':>9}{'mm':>7}  nearest mark        scan")
    for one in nodules[:rows]:
        near = "none"
        if one.nearest_mm is not None:
            near = f"{one.nearest_mm:.1f} mm, {one.nearest_prob:.4g}"
        size = f"{one.diameter_mm:.1f}" if one.diameter_mm > 0 else "?"
        lines.append(f"{_position(one.lps_mm)}{size:>7}  {near:<18}  {one.seriesuid}")
    return lines


def _false(report: FrocReport, marks: Sequence[FalseMark]) -> list[str]:
    if not marks:
        return ["There is no false positive."]
    many = len(report.verdicts.false_mark)
    lines = [f"The costliest false positives, the highest score of {many:,} first:"]
    lines.append(f"{'x':>9}{'y':>9}{'z':>9}    score  from FP/scan  scan")
    for one in marks:
        lines.append(f"{_position(one.lps_mm)}{one.prob:>9.4g}{one.false_per_scan:>14.4f}  {one.seriesuid}")
    return lines


def _position(lps_mm: Sequence[float]) -> str:
    return "".join(f"{value:>9.1f}" for value in lps_mm)
