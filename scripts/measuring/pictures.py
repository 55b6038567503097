"""Curves as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lungmonai.evaluation.figure_file import write_figure
from lungmonai.metrics.ranking import roc_auc, roc_curve

from .answers import LEVELS, Answers
from .scores import HALF, table_of

_SIZE_INCHES, _DPI = (4.5, 4.0), 90


def draw(folder: Path, answers: Mapping[str, Sequence[Answers]]) -> None:
    """The curves of each set of weights, but for those that these scans cannot give.

    Args:
        folder: that exists.
        answers: by the weights' name, the same scans for each.
    """
    some = next(iter(answers.values()))
    label = table_of(some)[0]
    if label.any() and not label.all():  # a ROC curve needs both
        write_figure(folder / "nodule_roc.png", nodule_roc(answers))
    if any(one.voxels.any() for one in some):
        write_figure(folder / "segmentation_pr.png", voxel_pr(answers))


def nodule_roc(answers: Mapping[str, Sequence[Answers]]) -> Figure:
    """ROC of nodule or not."""
    figure, panel = _panel("false positive rate", "true positive rate")
    panel.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for name, ours in answers.items():
        label, prob, _ = table_of(ours)
        curve = roc_curve(label, prob)
        panel.plot(curve.x, curve.y, label=f"{name}, AUC {roc_auc(label, prob):.3f}")
    panel.legend(loc="lower right", fontsize=8)
    return figure


def voxel_pr(answers: Mapping[str, Sequence[Answers]]) -> Figure:
    """Precision over recall of the segmentation's voxels, with the point of threshold 0.5."""
    figure, panel = _panel("recall", "precision")
    for name, ours in answers.items():
        total = np.sum([one.voxels for one in ours], axis=0)
        over = np.cumsum(total[:, ::-1], axis=1)[:, :-1]  # from the most probable down, without 0
        recall, marked = over[1] / total[1].sum(), over.sum(axis=0)
        precision = over[1] / np.maximum(marked, 1)
        (line,) = panel.plot(recall[marked > 0], precision[marked > 0], label=name)
        half = LEVELS - 1 - HALF
        panel.plot(recall[half], precision[half], "o", color=line.get_color())
    panel.legend(loc="lower left", fontsize=8)
    return figure


def _panel(x: str, y: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    panel = figure.add_subplot()
    panel.set(xlim=(0, 1), ylim=(0, 1), xlabel=x, ylabel=y)
    panel.grid(alpha=0.3)
    return figure, panel
