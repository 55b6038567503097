"""Curves as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lungmonai.files import written_whole
from lungmonai.metrics.froc import RATES, JudgedMarks, froc
from lungmonai.metrics.ranking import roc_auc, roc_curve

from .answers import LEVELS, Answers
from .scores import HALF, JudgedNodules, table_of

_SIZE_INCHES, _DPI = (4.5, 4.0), 90


def draw_froc(path: Path, judged: Mapping[str, JudgedMarks]) -> None:
    """Sensitivity over false positives a scan, for each set of weights."""

    def draw(panel: Any) -> None:
        for name, marks in judged.items():
            curve = froc(marks)
            shown = np.maximum(curve.false_per_scan, RATES[0] / 2)  # a logarithm has no 0
            panel.plot(shown, curve.sensitivity, label=f"{name}, CPM {curve.cpm:.3f}")
        panel.set_xscale("log", base=2)
        panel.set_xticks(RATES, ["1/8", "1/4", "1/2", "1", "2", "4", "8"])
        panel.set(xlim=(RATES[0], 4 * RATES[-1]), ylim=(0, 1))
        panel.set(xlabel="false positives a scan", ylabel="sensitivity")
        panel.legend(loc="upper left", fontsize=8)

    _drawn(path, draw)


def draw_nodule_roc(path: Path, answers: Mapping[str, Sequence[Answers]]) -> None:
    """ROC of nodule or not, for each set of weights."""

    def draw(panel: Any) -> None:
        for name, ours in answers.items():
            label, prob, _ = table_of(ours)
            _roc(panel, name, label, prob)
        _square(panel)

    _drawn(path, draw)


def draw_malignancy_roc(path: Path, nodules: JudgedNodules) -> None:
    """ROC of malignant or not, beside that of the diameter."""

    def draw(panel: Any) -> None:
        _roc(panel, "network", nodules.malignant, nodules.prob)
        _roc(panel, "diameter", nodules.malignant, nodules.diameter_mm)
        _square(panel)

    _drawn(path, draw)


def draw_voxel_pr(path: Path, answers: Mapping[str, Sequence[Answers]]) -> None:
    """Precision over recall of the segmentation's voxels, with the point of threshold 0.5."""

    def draw(panel: Any) -> None:
        for name, ours in answers.items():
            total = np.sum([one.voxels for one in ours], axis=0)
            over = np.cumsum(total[:, ::-1], axis=1)[:, :-1]  # from the most probable down, without 0
            recall, marked = over[1] / total[1].sum(), over.sum(axis=0)
            precision = over[1] / np.maximum(marked, 1)
            (line,) = panel.plot(recall[marked > 0], precision[marked > 0], label=name)
            half = LEVELS - 1 - HALF
            panel.plot(recall[half], precision[half], "o", color=line.get_color())
        panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="recall", ylabel="precision")
        panel.legend(loc="lower left", fontsize=8)

    _drawn(path, draw)


def _roc(panel: Any, name: str, label: Any, score: Any) -> None:
    curve = roc_curve(label, score)
    panel.plot(curve.x, curve.y, label=f"{name}, AUC {roc_auc(label, score):.3f}")


def _square(panel: Any) -> None:
    panel.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="false positive rate", ylabel="true positive rate")
    panel.legend(loc="lower right", fontsize=8)


def _drawn(path: Path, draw: Any) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    panel = figure.add_subplot()
    draw(panel)
    panel.grid(alpha=0.3)
    with written_whole(path) as part:
        figure.savefig(part, dpi=_DPI)
