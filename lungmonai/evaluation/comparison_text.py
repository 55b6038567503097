"""A comparison of two systems, as a person reads it."""

from __future__ import annotations

import math

from ..metrics.froc import RATES
from ..metrics.intervals import Interval
from ..metrics.paired import Paired
from ..words import many
from .comparison import Comparison
from .froc_text import rate_name

__all__ = ["comparison_text", "p_text", "signed"]

_WIDTH = 26


def comparison_text(comparison: Comparison) -> str:
    """CPM and sensitivities of both, the differences, what they rest on; ends in a newline."""
    truth, paired = comparison.first.truth, comparison.paired
    listed = "named by the list" if truth.listed else "those with a nodule or a mark"
    head = ("", "A", "B", "A − B", "p")
    rows = [("CPM", paired.cpm), *zip(map(_at, RATES), paired.at_rates, strict=True)]
    lines = [
        *comparison.names,
        f"{many(len(truth.nodules.scan), 'nodule')} in {many(len(truth.scans), 'scan')}, {listed}",
        "",
        _line(*head),
        *(_row(name, one) for name, one in rows),
        "",
        *_drawn(comparison),
        _tested(comparison.permutations),
        *(f"Note: {note}." for note in comparison.notes),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def signed(one: Interval) -> str:
    """A difference with its interval: `+0.025 (+0.018 to +0.033)`."""
    return f"{one:+.3f}"


def p_text(p_value: float) -> str:
    """A p-value in three digits, or a dash where there is none.

    >>> p_text(0.0312), p_text(0.00001), p_text(float("nan"))
    ('0.031', '<0.001', '–')
    """
    if math.isnan(p_value):
        return "–"
    return f"{p_value:.3f}" if p_value >= 0.001 else "<0.001"


def _at(rate: float) -> str:
    return f"at {rate_name(rate)} a scan"


def _row(name: str, one: Paired) -> str:
    return _line(name, str(one.first), str(one.second), signed(one.difference), p_text(one.p_value))


def _line(name: str, first: str, second: str, difference: str, p_value: str) -> str:
    return f"{name:<14}{first:<{_WIDTH}}{second:<{_WIDTH}}{difference:<{_WIDTH + 4}}{p_value}"


def _drawn(comparison: Comparison) -> list[str]:
    cpm = comparison.paired.cpm
    if not comparison.draws:
        return []
    how = f"{cpm.difference.level:.0%} interval of {comparison.draws:,} draws of the scans"
    return [f"In brackets the {how}, the same for A and B.", _verdict(cpm)]


def _tested(permutations: int) -> str:
    if not permutations:
        return "No test was made."
    return (
        f"p: {permutations:,} permutations, in which whole scans change sides; two-sided. The seven tests at "
        "single rates are not corrected for being seven."
    )


def _verdict(cpm: Paired) -> str:
    low, high = cpm.difference.low, cpm.difference.high
    if low > 0 or high < 0:
        return f"The interval of the difference leaves 0 out: {'A' if low > 0 else 'B'} is ahead."
    return "The interval of the difference holds 0: these scans do not tell which one is ahead."
