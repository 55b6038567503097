"""Two submissions on the same scans: both curves, and the difference with its interval and test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files import make_folder
from ..json_file import write_json
from ..metrics.froc import RATES
from ..metrics.intervals import DRAWS
from ..metrics.paired_froc import PairedFroc, compare_froc
from .froc_figure import draw_froc
from .froc_report import FrocReport, evaluate_froc
from .submission import Submission
from .truth import Truth

__all__ = ["FORMAT", "Comparison", "compare_submissions", "write_comparison"]

# Raised when the meaning of a key of the JSON changes.
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two systems, A and B.

    Args:
        first: A's FROC.
        second: B's.
        paired: A less B.
        draws: of the bootstrap over scans, the same for both; 0 for one scan.
        permutations: of the test; 0 for one scan.
        seed: of both.
    """

    first: FrocReport
    second: FrocReport
    paired: PairedFroc
    draws: int
    permutations: int
    seed: int

    @property
    def names(self) -> tuple[str, str]:
        """Of A and B, told apart even where the files have one name."""
        return f"A {self.first.name}", f"B {self.second.name}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of what was counted, each sentence once."""
        return tuple(dict.fromkeys((*self.first.notes, *self.second.notes)))

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `lungmonai evaluate compare`; the same input gives the same."""
        rates = zip(RATES, self.paired.at_rates, strict=True)
        return {
            "format": FORMAT,
            "first": self.first.name,
            "second": self.second.name,
            "scans": len(self.first.truth.scans),
            "scans_listed": self.first.truth.listed,
            "nodules": len(self.first.truth.nodules.scan),
            "bootstrap": {"draws": self.draws, "seed": self.seed},
            "permutations": self.permutations,
            "max_marks": self.first.max_marks,
            "cpm": self.paired.cpm.as_dict(),
            "sensitivity": [{"false_per_scan": rate, **one.as_dict()} for rate, one in rates],
            "notes": list(self.notes),
        }


def compare_submissions(
    first: Submission,
    second: Submission,
    truth: Truth,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    permutations: int = DRAWS,
    max_marks: int | None = None,
) -> Comparison:
    """Judge two systems on the same scans and compare them.

    Args:
        first, second: the systems, A and B.
        truth: the scans and what is in them.
        seed: of the draws and permutations, 0 or more.
        draws: of the bootstrap, at least one.
        permutations: 0 makes no test.
        max_marks: the most marks that count of a scan; None counts all.

    Raises:
        DataError: without a list of scans, the two name different ones; or one names none that counts.
        SettingsError: no draws, or a negative number.
    """
    if not truth.listed:
        _check_same_scans(first, second)
    one, two = (
        evaluate_froc(system, truth, bootstrap=draws, seed=seed, max_marks=max_marks)
        for system in (first, second)
    )
    judged = one.verdicts.judged, two.verdicts.judged
    paired = compare_froc(*judged, seed=seed, draws=draws, permutations=permutations)
    made = (draws, permutations) if one.drawn else (0, 0)
    return Comparison(one, two, paired, *made, seed)


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Write `compare.json` and `compare.png`, both curves with their bands.

    Args:
        folder: made where it is not there.
        comparison: of two systems.

    Raises:
        OutputError: a file cannot be written.
    """
    folder = make_folder(folder)
    write_json(folder / "compare.json", comparison.as_dict())
    sides = (comparison.first, comparison.second)
    draw_froc(folder / "compare.png", dict(zip(comparison.names, sides, strict=True)))


def _check_same_scans(first: Submission, second: Submission) -> None:
    only = sorted(set(first.seriesuids) ^ set(second.seriesuids))
    if only:
        has = first if only[0] in first.seriesuids else second
        raise DataError(
            f"{first.name} and {second.name} do not name the same scans: {len(only)} stand in one only, "
            f"such as {only[0]} in {has.name}",
            wanted="a list that says which scans both looked at",
            do="Give it with --scans: a scan without marks is not the same as a scan not looked at.",
        )
