"""The missed nodules, the false marks and the points of the curve, as lists and as tables."""

import csv
from pathlib import Path

import numpy as np
import pytest
from froc_tables import HEAD, small_case, written

from lungmonai.errors import OutputError
from lungmonai.evaluation.froc_lists import (
    false_marks,
    missed_nodules,
    write_curve,
    write_false_marks,
    write_missed,
)
from lungmonai.evaluation.froc_report import FrocReport, evaluate_froc
from lungmonai.evaluation.submission import read_submission
from lungmonai.evaluation.truth import read_truth


def report_of(case: dict[str, Path]) -> FrocReport:
    truth = read_truth(case["annotations"], excluded=case["excluded"], scans=case["scans"])
    return evaluate_froc(read_submission(case["marks"]), truth)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_missed_nodules_have_their_nearest_mark(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    (one,) = missed_nodules(report_of(case))
    assert (one.seriesuid, one.lps_mm, one.diameter_mm) == ("b", (90, 0, 0), 12)
    assert (one.nearest_mm, one.nearest_prob) == (78, 0.6)


def test_missed_nodules_come_the_largest_first(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    nodules = [("d", 5, 0, 0, 6), ("a", 300, 0, 0, 20), ("d", 0, 0, 0, 6), ("c", 300, 0, 0, -1)]
    written(case["annotations"], f"{HEAD},diameter_mm", nodules)
    missed = missed_nodules(report_of(case))
    assert [(one.seriesuid, one.lps_mm[0]) for one in missed] == [("a", 300), ("d", 0), ("d", 5), ("c", 300)]
    assert missed[1].nearest_mm is None
    write_missed(tmp_path / "missed.csv", missed)
    rows = rows_of(tmp_path / "missed.csv")
    assert [row["nearest_mark_mm"] for row in rows] == ["230.0", "", "", "295.0"]
    assert [row["nearest_mark_probability"] for row in rows] == ["0.8", "", "", "0.5"]
    assert rows[0]["coordX"] == "300.0"


def test_false_marks_come_the_highest_first_with_where_they_begin_to_cost(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    found = false_marks(report_of(case))
    assert [(one.seriesuid, one.prob, one.false_per_scan) for one in found] == [
        ("a", 0.8, 0.25),
        ("c", 0.5, 0.5),
    ]
    assert false_marks(report_of(case), 1) == found[:1]
    write_false_marks(tmp_path / "false.csv", found)
    first = rows_of(tmp_path / "false.csv")[0]
    assert first == {
        **{"seriesuid": "a", "coordX": "70.0", "coordY": "0.0", "coordZ": "0.0"},
        **{"probability": "0.8", "false_per_scan": "0.25"},
    }


def test_equal_scores_cost_together_and_have_a_stable_order(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    rows = [("d", 9, 0, 0, 0.5), ("d", 2, 0, 0, 0.5), ("b", 50, 0, 0, 0.5)]
    written(case["marks"], f"{HEAD},probability", rows)
    found = false_marks(report_of(case))
    assert [(one.seriesuid, one.lps_mm[0]) for one in found] == [("b", 50), ("d", 2), ("d", 9)]
    assert {one.false_per_scan for one in found} == {0.75}


def test_the_tables_hold_the_whole_curve(tmp_path: Path) -> None:
    report = report_of(small_case(tmp_path))
    write_curve(tmp_path / "curve.csv", report)
    rows = rows_of(tmp_path / "curve.csv")
    assert [float(row["threshold"]) for row in rows] == [np.inf, 0.9, 0.8, 0.6, 0.5]
    assert [float(row["false_per_scan"]) for row in rows] == [0, 0, 0.25, 0.25, 0.5]
    assert [float(row["sensitivity"]) for row in rows] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3])


def test_a_table_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"missed\.csv could not be written"):
        write_missed(tmp_path / "none" / "missed.csv", [])
