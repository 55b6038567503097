"""`lungmonai evaluate compare`: which of two systems is better, and how sure that is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..verb import verb

__all__ = ["add"]

_DRAWS = 1000


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate compare`."""
    what = "compare two systems' marks on the same scans: the difference of their CPM, its interval, a test"
    option = verb(verbs, "compare", _compare, what)
    option("first", type=Path, metavar="A.csv", help="seriesuid, coordX, coordY, coordZ, probability")
    option("second", type=Path, metavar="B.csv", help="the other system's")
    option("--annotations", required=True, type=Path, metavar="FILE",
        help="the nodules: seriesuid, coordX, coordY, coordZ, diameter_mm")  # fmt: skip
    option("--excluded", type=Path, metavar="FILE", help="findings on which marks count neither way")
    option("--scans", type=Path, metavar="FILE",
        help="series UIDs of the scans that both looked at, one a line (default: those with a nodule "
        "or a mark, if both systems name the same ones)")  # fmt: skip
    option("--bootstrap", type=int, default=_DRAWS, metavar="N",
        help="draws of the scans, the same for both (default: %(default)s)")  # fmt: skip
    option("--permutations", type=int, default=_DRAWS, metavar="N",
        help="of the paired test over scans; 0 for none (default: %(default)s)")  # fmt: skip
    option("--seed", type=int, default=0, metavar="N", help="of both (default: %(default)s)")
    option("--max-marks", type=int, metavar="N", help="count only the N highest marks of a scan")
    option("--json", type=Path, metavar="FILE", help="write everything as JSON")
    option("-o", "--output", type=Path, metavar="DIR", help="write compare.json and compare.png there")


def _compare(arguments: argparse.Namespace) -> None:
    from ...evaluation.comparison import compare_submissions, write_comparison
    from ...evaluation.comparison_text import comparison_text
    from ...evaluation.json_file import write_json
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
    if arguments.json is not None:
        write_json(arguments.json, found.as_dict())
    if arguments.output is not None:
        write_comparison(arguments.output, found)
    sys.stdout.write(comparison_text(found))
