"""`lungmonai evaluate threshold`: the operating point, stored beside the nodule weights."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..verb import say, verb
from .beside_weights import add_weights_options, chosen_weights, store
from .shared_options import add_draw_options, add_truth_options

if TYPE_CHECKING:
    from ...analysis.operating import StoredThreshold
    from ...evaluation.validation_marks import ValidationMarks

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate threshold`."""
    option = verb(verbs, "threshold", _threshold, "choose the nodule threshold on validation scans")
    option("folder", nargs="?", type=Path, metavar="DIR",
        help="what `lungmonai evaluate analysis` wrote for the validation list")  # fmt: skip
    option("--at", required=True, metavar="DEMAND", help='such as "1 fp/scan" or "sensitivity 0.9"')
    option("--submission", nargs="+", type=Path, metavar="FILE",
        help="instead of DIR, the marks: seriesuid, coordX, coordY, coordZ, probability; several are "
        "folds")  # fmt: skip
    add_truth_options(option, scans="the scans that count", only_with="--submission")
    add_weights_options(option, bundle="nodule")
    add_draw_options(option, "the scans", seeds="the draws")


def _threshold(arguments: argparse.Namespace) -> None:
    from ...evaluation.validation_marks import choose_threshold
    from ...metrics.operating import Demand

    demand = Demand.parse(arguments.at)
    weights, sha256 = chosen_weights(arguments)
    marks = _marks(arguments, sha256)
    for note in marks.notes:
        say(f"Note: {note}.")
    draws, seed = arguments.bootstrap, arguments.seed
    chosen = choose_threshold(marks, demand, seed=seed, draws=draws, data=arguments.data)
    sys.stdout.write(_text(chosen, draws))
    store(arguments, weights, sha256, {"threshold": chosen.as_dict()})


def _marks(arguments: argparse.Namespace, sha256: str) -> ValidationMarks:
    from ...errors import SettingsError
    from ...evaluation.validation_marks import marks_of_folder, marks_of_tables

    tables = (arguments.submission, arguments.annotations, arguments.scans)
    if arguments.folder and not any((*tables, arguments.excluded)):
        return marks_of_folder(arguments.folder, sha256)
    if arguments.folder or not all(tables):
        raise SettingsError(
            "a folder and tables" if arguments.folder else "neither a folder nor all tables",
            wanted="DIR, or --submission, --annotations and --scans together",
            do="Name the one or the others.",
        )
    submission, annotations, scans = tables
    return marks_of_tables(submission, annotations, scans=scans, excluded=arguments.excluded)


def _text(chosen: StoredThreshold, draws: int) -> str:
    from ...words import many

    rows = (
        ("threshold", chosen.value, (chosen.low, chosen.high)),
        ("sensitivity", chosen.sensitivity, chosen.sensitivity_interval),
        ("false positives a scan", chosen.false_per_scan, chosen.false_per_scan_interval),
    )
    head = f"{chosen.at} on {chosen.data}: {many(chosen.scans, 'scan')}, {many(chosen.nodules, 'nodule')}"
    lines = [f"{name:24}{value:8.4f}{_between(*ends)}" for name, value, ends in rows]
    how = f"{chosen.level:.0%} intervals of {draws:,} draws of the scans; " if chosen.has_intervals else ""
    return "\n".join([head, "", *lines, "", f"{how}marks over the threshold are kept"]) + "\n"


def _between(low: float, high: float) -> str:
    return f"  ({low:.4f} to {high:.4f})" if math.isfinite(low) else ""
