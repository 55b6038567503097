"""`lungmonai evaluate scores`: how good a table of probabilities is, and whether size alone is as good."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from ..verb import verb
from .shared_options import add_draw_options, add_output_options, add_permutations, write_outputs

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate scores`."""
    what = "score a table of probabilities: ROC, precision-recall, calibration, beside size alone"
    option = verb(verbs, "scores", _scores, what)
    option("table", type=Path, metavar="TABLE.csv",
        help="label (0, 1), probability; patient or seriesuid, diameter_mm, texture where known")  # fmt: skip
    option("--diameter-column", default="diameter_mm", metavar="NAME",
        help="the diameter that the table is held against (default: %(default)s)")  # fmt: skip
    option("--against", type=Path, metavar="FILE", help="another model's table of the same samples")
    option("--baselines-from", type=Path, metavar="FILE",
        help="a table of other patients on which the baseline of size and texture is fitted "
        "(default: the table itself, in folds of patients)")  # fmt: skip
    add_draw_options(option, "the patients", seeds="draws, permutations and folds")
    add_permutations(option, "the paired tests")
    add_output_options(option, "scores.json, roc.png, precision_recall.png and reliability.png")


def _scores(arguments: argparse.Namespace) -> None:
    from ...evaluation.score_files import write_scores
    from ...evaluation.score_report import score_report
    from ...evaluation.score_table import read_scores
    from ...evaluation.score_text import score_text

    read = partial(read_scores, diameter_column=arguments.diameter_column)
    report = score_report(
        read(arguments.table),
        train=read(arguments.baselines_from) if arguments.baselines_from else None,
        against=read_scores(arguments.against) if arguments.against else None,
        seed=arguments.seed,
        draws=arguments.bootstrap,
        permutations=arguments.permutations,
    )
    write_outputs(arguments, report, write_scores)
    sys.stdout.write(score_text(report))
