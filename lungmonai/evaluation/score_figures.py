"""ROC and precision-recall curves with their bands, beside the baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..metrics.ranking import precision_recall_curve, roc_curve
from .score_report import Band, Rival, ScoreReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["precision_recall_figure", "roc_figure"]

_SIZE_INCHES, _DPI = (5.0, 5.0), 120
# Okabe and Ito's colours, told apart by people with any kind of colour vision; the table's own first.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def roc_figure(report: ScoreReport) -> Figure:
    """Sensitivity over the false positive rate; the diagonal is chance."""
    figure, panel = _panel("false positive rate (1 − specificity)", "sensitivity")
    panel.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    own = roc_curve(report.table.labels, report.table.probs)
    _draw(panel, own.x, own.y, f"{report.table.name}, AUC {report.roc_auc}", _COLOURS[0])
    _shade(panel, report.roc)
    for rival, colour in zip(report.rivals, _COLOURS[1:], strict=False):
        curve = roc_curve(rival.labels, rival.scores)
        _draw(panel, curve.x, curve.y, f"{rival.name}, AUC {rival.compared.roc_auc.second}", colour)
    panel.legend(loc="lower right", fontsize=7)
    return figure


def precision_recall_figure(report: ScoreReport) -> Figure:
    """Precision over recall, in steps; the horizontal line is chance, the share of positives."""
    figure, panel = _panel("recall (sensitivity)", "precision")
    panel.axhline(report.prevalence, color="0.7", linestyle="--", linewidth=1)
    named = f"{report.table.name}, AP {report.average_precision}"
    _draw_steps(panel, report.table.labels, report.table.probs, named, _COLOURS[0])
    _shade(panel, report.precision_recall)
    for rival, colour in zip(report.rivals, _COLOURS[1:], strict=False):
        _draw_steps(panel, rival.labels, rival.scores, _ap_name(rival), colour)
    panel.legend(loc="lower left", fontsize=7)
    return figure


def _ap_name(rival: Rival) -> str:
    return f"{rival.name}, AP {rival.compared.average_precision.second}"


def _panel(x: str, y: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, facecolor="white", layout="constrained")
    panel = figure.add_subplot()
    panel.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x, ylabel=y, aspect="equal")
    panel.grid(alpha=0.3)
    return figure, panel


def _draw_steps(panel: Any, labels: ArrayLike, scores: ArrayLike, name: str, colour: str) -> None:
    """Each recall has the precision of the threshold that reaches it, as average precision counts."""
    curve = precision_recall_curve(labels, scores)
    _draw(panel, np.append(0.0, curve.x), np.append(curve.y[:1], curve.y), name, colour, "steps-pre")


def _draw(panel: Any, x: ArrayLike, y: ArrayLike, name: str, colour: str, style: str = "default") -> None:
    panel.plot(x, y, color=colour, linewidth=1.5, label=name, drawstyle=style)


def _shade(panel: Any, band: Band) -> None:
    panel.fill_between(band.x, band.low, band.high, color=_COLOURS[0], alpha=0.15, linewidth=0)
