"""FROC of a submission as files: picture, JSON, tables."""

from __future__ import annotations

from pathlib import Path

from ..files import make_folder
from ..json_file import write_json
from .froc_figure import draw_froc
from .froc_lists import false_marks, missed_nodules, write_curve, write_false_marks, write_missed
from .froc_report import FrocReport

__all__ = ["write_froc"]


def write_froc(folder: Path, report: FrocReport) -> None:
    """Write `froc.png`, `froc.json`, `missed.csv`, `false_positives.csv` and `curve.csv`.

    Args:
        folder: made where it is not there.
        report: of a submission.

    Raises:
        OutputError: a file cannot be written.
    """
    folder = make_folder(folder)
    write_json(folder / "froc.json", report.as_dict())
    write_missed(folder / "missed.csv", missed_nodules(report))
    write_false_marks(folder / "false_positives.csv", false_marks(report))
    write_curve(folder / "curve.csv", report)
    draw_froc(folder / "froc.png", {report.name: report})
