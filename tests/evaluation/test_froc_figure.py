"""The picture of the curve."""

from pathlib import Path

import numpy as np
from froc_tables import small_case

from lungmonai.evaluation.froc_figure import draw_froc, froc_figure
from lungmonai.evaluation.froc_report import CURVE_RATES, FrocReport, evaluate_froc
from lungmonai.evaluation.submission import read_submission
from lungmonai.evaluation.truth import read_truth
from lungmonai.metrics.froc import RATES


def report_of(folder: Path, bootstrap: int = 0) -> FrocReport:
    case = small_case(folder)
    truth = read_truth(case["annotations"], excluded=case["excluded"], scans=case["scans"])
    return evaluate_froc(read_submission(case["marks"]), truth, bootstrap=bootstrap)


def test_the_picture_has_the_fields_usual_form(tmp_path: Path) -> None:
    report = report_of(tmp_path, bootstrap=30)
    (panel,) = froc_figure({"ours": report}).axes
    assert panel.get_xscale() == "log"
    assert panel.get_xlim() == (1 / 8, 8)
    assert [label.get_text() for label in panel.get_xticklabels()] == [
        "1/8",
        "1/4",
        "1/2",
        "1",
        "2",
        "4",
        "8",
    ]
    curve, marks = panel.get_lines()
    np.testing.assert_array_equal(curve.get_xdata(), CURVE_RATES)
    np.testing.assert_array_equal(np.column_stack(marks.get_data()), np.c_[RATES, report.curve.at_rates])
    (band,) = panel.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (
        min(one.low for one in report.band),
        max(one.high for one in report.band),
    )
    assert panel.get_legend().get_texts()[0].get_text().startswith("ours, CPM 0.619 (0.")


def test_several_curves_have_colours_of_their_own(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    (panel,) = froc_figure({"one": report, "two": report}).axes
    assert not panel.collections  # no bootstrap, no band
    assert len({line.get_color() for line in panel.get_lines()}) == 2


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    for name in ("one.png", "two.png"):
        draw_froc(tmp_path / name, {"ours": report})
    first = (tmp_path / "one.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert first == (tmp_path / "two.png").read_bytes()
