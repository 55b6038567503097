"""`lungmonai evaluate scores`: how good a table of probabilities is, and whether size alone is as good."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..verb import verb

__all__ = ["add"]

_DRAWS = 1000


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate scores`."""
    what = "score a table of probabilities: ROC, precision-recall, calibration, beside size alone"
    option = verb(verbs, "scores", _scores, what)
    option("table", type=Path, metavar="TABLE.csv",
        help="label (0, 1), probability; patient or seriesuid, diameter_mm, texture where known")  # fmt: skip
    option("--against", type=Path, metavar="FILE", help="another model's table of the same samples")
    option("--baselines-from", type=Path, metavar="FILE",
        help="a table of other patients on which the baseline of size and texture is fitted "
        "(default: the table itself, in folds of patients)")  # fmt: skip
    option("--bootstrap", type=int, default=_DRAWS, metavar="N",
        help="draws of patients for the intervals (default: %(default)s)")  # fmt: skip
    option("--permutations", type=int, default=_DRAWS, metavar="N",
        help="of the paired tests; 0 for none (default: %(default)s)")  # fmt: skip
    option("--seed", type=int, default=0, metavar="N", help="of draws and folds (default: %(default)s)")
    option("--json", type=Path, metavar="FILE", help="write everything as JSON")
    option("-o", "--output", type=Path, metavar="DIR",
        help="write scores.json, roc.png, precision_recall.png and reliability.png there")  # fmt: skip


def _scores(arguments: argparse.Namespace) -> None:
    from ...evaluation.json_file import write_json
    from ...evaluation.score_files import write_scores
    from ...evaluation.score_report import score_report
    from ...evaluation.score_table import read_scores
    from ...evaluation.score_text import score_text

    train, against = (
        None if path is None else read_scores(path) for path in (arguments.baselines_from, arguments.against)
    )
    report = score_report(
        read_scores(arguments.table),
        train=train,
        against=against,
        seed=arguments.seed,
        draws=arguments.bootstrap,
        permutations=arguments.permutations,
    )
    if arguments.json is not None:
        write_json(arguments.json, report.as_dict())
    if arguments.output is not None:
        write_scores(arguments.output, report)
    sys.stdout.write(score_text(report))
