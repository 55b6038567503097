"""`lungmonai evaluate compare`: which of two systems is better, and how sure that is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..verb import verb
from .shared_options import (
    add_draw_options,
    add_output_options,
    add_permutations,
    add_truth_options,
    write_outputs,
)

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate compare`."""
    what = "compare two systems' marks on the same scans: the difference of their CPM, its interval, a test"
    option = verb(verbs, "compare", _compare, what)
    option("first", type=Path, metavar="A.csv", help="seriesuid, coordX, coordY, coordZ, probability")
    option("second", type=Path, metavar="B.csv", help="the other system's")
    add_truth_options(option, scans="what both looked at (default: the scans with a nodule or a mark, if "
        "both systems name the same ones)")  # fmt: skip
    add_draw_options(option, "the scans, the same for both,", seeds="draws and permutations")
    add_permutations(option, "the paired test over scans")
    option("--max-marks", type=int, metavar="N",
        help="count only the N highest marks of a scan (default: all)")  # fmt: skip
    add_output_options(option, "compare.json and compare.png")


def _compare(arguments: argparse.Namespace) -> None:
    from ...evaluation.comparison import compare_submissions, write_comparison
    from ...evaluation.comparison_text import comparison_text
    from ...evaluation.submission import read_submission
    from ...evaluation.truth import read_truth

    first, second = (read_submission(path) for path in (arguments.first, arguments.second))
    truth = read_truth(
        arguments.annotations,
        excluded=arguments.excluded,
        scans=arguments.scans,
        submissions=[first, second],
    )
    found = compare_submissions(
        first,
        second,
        truth,
        seed=arguments.seed,
        draws=arguments.bootstrap,
        permutations=arguments.permutations,
        max_marks=arguments.max_marks,
    )
    write_outputs(arguments, found, write_comparison)
    sys.stdout.write(comparison_text(found))
