"""`lungmonai evaluate froc`: sensitivity over false positives a scan, of any system's CSV."""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...errors import SettingsError
from ..verb import verb
from .shared_options import add_draw_options, add_output_options, add_truth_options, write_outputs

__all__ = ["add"]

_ROWS = 10


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate froc`."""
    option = verb(verbs, "froc", _froc, "score any system's marks by LUNA16's rule: FROC, CPM, intervals")
    option("submissions", nargs="+", type=Path, metavar="SUBMISSION.csv",
        help="seriesuid, coordX, coordY, coordZ, probability; several are folds")  # fmt: skip
    add_truth_options(option, scans="false positives are divided by how many they are (default: the scans "
        "with a nodule or a mark, which favours a system)")  # fmt: skip
    add_draw_options(option, "the scans", seeds="the draws", none=True)
    option("--rates", default="", metavar="R,R,…",
        help="more false positives a scan at which to read sensitivity, such as 0.5,1,3")  # fmt: skip
    option("--max-marks", type=int, metavar="N",
        help="count only the N highest marks of a scan; LUNA16's script has 100 (default: all)")  # fmt: skip
    option("--rows", type=int, default=_ROWS, metavar="N",
        help="missed nodules and false positives to list (default: %(default)s)")  # fmt: skip
    add_output_options(option, "froc.png, froc.json, missed.csv, false_positives.csv and curve.csv")


def _froc(arguments: argparse.Namespace) -> None:
    from ...evaluation.froc_files import write_froc
    from ...evaluation.froc_report import evaluate_froc
    from ...evaluation.froc_text import froc_text
    from ...evaluation.submission import read_submissions
    from ...evaluation.truth import read_truth

    rates = _rates(arguments.rates)
    _check_numbers(arguments.bootstrap, arguments.seed, arguments.rows)
    submission = read_submissions(arguments.submissions)
    truth = read_truth(
        arguments.annotations, excluded=arguments.excluded, scans=arguments.scans, submissions=[submission]
    )
    report = evaluate_froc(
        submission,
        truth,
        bootstrap=arguments.bootstrap,
        seed=arguments.seed,
        rates=rates,
        max_marks=arguments.max_marks,
    )
    write_outputs(arguments, report, write_froc)
    sys.stdout.write(froc_text(report, rows=arguments.rows))


def _rates(text: str) -> list[float]:
    """`0.5,1,3`; `1/8` is a rate too."""
    try:
        return [float(Fraction(one.strip())) for one in text.split(",") if one.strip()]
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise SettingsError(
            f"--rates is {text!r}",
            wanted="numbers of false positives a scan with commas between them, such as 0.5,1,3",
            do="Write them so.",
        ) from error


def _check_numbers(draws: int, seed: int, rows: int) -> None:
    if draws < 0 or seed < 0:
        raise SettingsError(
            f"--bootstrap {draws} --seed {seed}", wanted="numbers from 0", do="0 draws give no intervals."
        )
    if rows < 0:
        raise SettingsError(f"--rows is {rows}", wanted="0 or more", do="0 lists none.")
