"""The pictures of a score report show its numbers."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from score_rows import nodule_rows, write_rows

from lungmonai.evaluation.score_figures import precision_recall_figure, roc_figure
from lungmonai.evaluation.score_report import ScoreReport, score_report
from lungmonai.evaluation.score_table import read_scores


@pytest.fixture
def report(tmp_path: Path) -> ScoreReport:
    return score_report(read_scores(write_rows(tmp_path / "t.csv", nodule_rows())), draws=50, permutations=0)


def test_roc_has_the_area_that_its_legend_says(report: ScoreReport) -> None:
    (panel,) = roc_figure(report).axes
    names = [text.get_text() for text in panel.get_legend().get_texts()]
    assert names[0] == f"t.csv, AUC {report.roc_auc}"
    assert [name.split(",")[0] for name in names] == ["t.csv", "diameter", "size and texture"]
    drawn = [line for line in panel.lines if not line.get_label().startswith("_")]
    areas = [report.roc_auc, *(one.compared.roc_auc.second for one in report.rivals)]
    for line, area in zip(drawn, areas, strict=True):
        assert np.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(area.value)
    assert sum(isinstance(one, PolyCollection) for one in panel.collections) == 1


def test_precision_recall_has_the_area_that_its_legend_says(report: ScoreReport) -> None:
    (panel,) = precision_recall_figure(report).axes
    line = next(one for one in panel.lines if str(one.get_label()).startswith("t.csv"))
    x, y = line.get_xdata(), line.get_ydata()
    assert line.get_drawstyle() == "steps-pre"  # between two points the second one's precision holds
    assert (np.diff(x) * y[1:]).sum() == pytest.approx(report.average_precision.value)
    chance = panel.lines[0]
    assert set(chance.get_ydata()) == {report.prevalence}
