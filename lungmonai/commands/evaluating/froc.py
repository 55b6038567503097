"""`lungmonai evaluate froc`: sensitivity over false positives a scan, of any system's CSV."""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import SettingsError
from ..verb import verb

if TYPE_CHECKING:
    from ...evaluation.froc_report import FrocReport

__all__ = ["add"]

# numberOfBootstrapSamples of LUNA16's script, which draws by default too.
_DRAWS = 1000
_ROWS = 10


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate froc`."""
    option = verb(verbs, "froc", _froc, "score any system's marks by LUNA16's rule: FROC, CPM, intervals")
    option("submissions", nargs="+", type=Path, metavar="SUBMISSION",
        help="CSV with seriesuid, coordX, coordY, coordZ, probability; several are folds")  # fmt: skip
    option("--annotations", required=True, type=Path, metavar="FILE",
        help="the nodules: seriesuid, coordX, coordY, coordZ, diameter_mm")  # fmt: skip
    option("--excluded", type=Path, metavar="FILE", help="findings on which marks count neither way")
    option("--scans", type=Path, metavar="FILE",
        help="series UIDs, one a line: false positives are divided by how many they are "
        "(default: the scans with a nodule or a mark, which favours a system)")  # fmt: skip
    option("--bootstrap", type=int, default=_DRAWS, metavar="N",
        help="draws of the scans for the intervals; 0 for none (default: %(default)s)")  # fmt: skip
    option("--seed", type=int, default=0, metavar="N", help="of the draws (default: %(default)s)")
    option("--rates", default="", metavar="R,R,…",
        help="more false positives a scan at which to read sensitivity, such as 0.5,1,3")  # fmt: skip
    option("--max-marks", type=int, metavar="N",
        help="count only the N highest marks of a scan; LUNA16's script has 100 (default: all)")  # fmt: skip
    option("--rows", type=int, default=_ROWS, metavar="N",
        help="missed nodules and false positives to list (default: %(default)s)")  # fmt: skip
    option("--json", type=Path, metavar="FILE", help="write everything as JSON")
    option("-o", "--output", type=Path, metavar="DIR",
        help="write froc.png, froc.json, missed.csv, false_positives.csv and curve.csv there")  # fmt: skip


def _froc(arguments: argparse.Namespace) -> None:
    from ...evaluation.froc_report import evaluate_froc
    from ...evaluation.froc_text import froc_text
    from ...evaluation.submission import read_submissions
    from ...evaluation.truth import read_truth

    rates = _rates(arguments.rates)
    _check_draws(arguments.bootstrap, arguments.seed)
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
    _write(report, arguments.json, arguments.output)
    sys.stdout.write(froc_text(report, rows=arguments.rows))


def _write(report: FrocReport, path: Path | None, folder: Path | None) -> None:
    from ...evaluation.froc_files import write_froc, write_froc_json

    if path is not None:
        write_froc_json(path, report)
    if folder is not None:
        write_froc(folder, report)


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


def _check_draws(draws: int, seed: int) -> None:
    if draws < 0 or seed < 0:
        raise SettingsError(
            f"--bootstrap {draws} --seed {seed}", wanted="numbers from 0", do="0 draws give no intervals."
        )
