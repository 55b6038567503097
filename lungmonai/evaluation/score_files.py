"""A score report as files: JSON and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..files import make_folder, written_whole
from .json_file import write_json
from .reliability_figure import draw_reliability
from .score_figures import precision_recall_figure, roc_figure
from .score_report import ScoreReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    _write(folder / "roc.png", roc_figure(report))
    _write(folder / "precision_recall.png", precision_recall_figure(report))
    _write(folder / "reliability.png", draw_reliability({report.table.name: report.calibration}))


def _write(path: Path, figure: Figure) -> None:
    with written_whole(path) as part:
        # Without the version of matplotlib the same report gives the same bytes.
        figure.savefig(part, metadata={"Software": None})
