"""A score report as files: JSON and pictures."""

from __future__ import annotations

from pathlib import Path

from ..files import make_folder
from ..json_file import write_json
from .figure_file import write_figure
from .reliability_figure import draw_reliability
from .score_figures import precision_recall_figure, roc_figure
from .score_report import ScoreReport

__all__ = ["write_scores"]


def write_scores(folder: Path, report: ScoreReport) -> None:
    """Write `scores.json`, `roc.png`, `precision_recall.png` and `reliability.png`.

    Args:
        folder: made where it is not there.
        report: of a table.

    Raises:
        OutputError: a file cannot be written.
    """
    folder = make_folder(folder)
    write_json(folder / "scores.json", report.as_dict())
    write_figure(folder / "roc.png", roc_figure(report))
    write_figure(folder / "precision_recall.png", precision_recall_figure(report))
    write_figure(folder / "reliability.png", draw_reliability({report.table.name: report.calibration}))
