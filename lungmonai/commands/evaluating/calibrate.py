"""`lungmonai evaluate calibrate`: probabilities set right on validation data, stored beside the weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..verb import say, verb
from .beside_weights import add_weights_options, chosen_weights, store

__all__ = ["add"]

_PICTURE = "reliability.png"


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate calibrate`."""
    option = verb(verbs, "calibrate", _calibrate, "fit a calibration of probabilities on validation data")
    option("table", type=Path, metavar="TABLE.csv",
        help="label (0, 1), probability, patient or seriesuid: scores_*.csv of validation data")  # fmt: skip
    option("--method", choices=("temperature", "isotonic"), help="how to calibrate (default: not at all)")
    option("--conformal", type=float, metavar="COVERAGE",
        help="also bounds of sets that hold the true class as often as this, such as 0.9")  # fmt: skip
    add_weights_options(option, bundle=None)
    option("--bins", type=int, default=10, metavar="N",
        help="of the calibration error (default: %(default)s)")  # fmt: skip
    option("--seed", type=int, default=0, metavar="N",
        help="of the folds and of the draws (default: %(default)s)")  # fmt: skip
    option("-o", "--output", type=Path, metavar="DIR", help=f"write {_PICTURE} there")


def _calibrate(arguments: argparse.Namespace) -> None:
    from ...evaluation.calibration_report import calibrate_scores, calibration_text
    from ...evaluation.score_table import read_scores

    weights, sha256 = chosen_weights(arguments)
    report = calibrate_scores(
        read_scores(arguments.table),
        method=arguments.method,
        coverage=arguments.conformal,
        seed=arguments.seed,
        bins=arguments.bins,
    )
    sys.stdout.write(calibration_text(report))
    if arguments.output is not None:
        _draw(report.drawn(), arguments.output)
    store(arguments, weights, sha256, report.parts(arguments.data))


def _draw(drawn: Any, folder: Path) -> None:
    from ...evaluation.figure_file import write_figure
    from ...evaluation.reliability_figure import draw_reliability
    from ...files import make_folder

    write_figure(make_folder(folder) / _PICTURE, draw_reliability(drawn))
    say(f"Picture: {folder / _PICTURE}")
