"""What a person reads of a submission."""

from pathlib import Path

import numpy as np
import pytest
from froc_tables import HEAD, small_case, written

from lungmonai.evaluation.froc_report import evaluate_froc
from lungmonai.evaluation.froc_text import froc_text, rate_name
from lungmonai.evaluation.submission import Submission, read_submission
from lungmonai.evaluation.truth import Truth, read_truth
from lungmonai.metrics.judging import Findings


def text_of(case: dict[str, Path], *, rows: int = 10, **more) -> str:
    truth = read_truth(case["annotations"], excluded=case["excluded"], scans=case["scans"])
    return froc_text(evaluate_froc(read_submission(case["marks"]), truth, **more), rows=rows)


def test_scores_counts_strata_and_lists(tmp_path: Path) -> None:
    text = text_of(small_case(tmp_path), rates=[3.0])
    lines = text.splitlines()
    assert lines[0] == "marks.csv: CPM 0.6190, no interval"
    assert " ".join(lines[1].split()) == "scans 4 named by the list; 3 of them have marks"
    assert "2 hit by a mark (true positives), 1 by none (false negatives)" in lines[2]
    assert "2 false positives, 1 ignored on excluded findings, 1 more hits on a nodule" in lines[3]
    assert "                     1/8  0.3333" in lines
    assert lines[lines.index("and as asked for") + 1].split() == ["3", "0.6667"]
    (small,) = (line for line in lines if line.startswith("under 6 mm"))
    assert small.split()[3:6] == ["1", "1", "1.000"]
    assert "Missed at any threshold, the largest of 1 first:" in lines
    assert "     90.0      0.0      0.0   12.0  78.0 mm, 0.6        b" in lines
    assert "     70.0      0.0      0.0      0.8        0.2500  a" in lines
    assert "Note" not in text


def test_intervals_stand_beside_the_numbers(tmp_path: Path) -> None:
    lines = text_of(small_case(tmp_path), bootstrap=50).splitlines()
    assert lines[0].startswith("marks.csv: CPM 0.6190 (0.")
    assert lines[0].endswith("), 95% interval of 50 draws of the scans")
    assert sum(" to " in line for line in lines) >= 8


def test_fewer_rows_or_none(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    assert "     70.0" in text_of(case, rows=1)
    assert "c" not in [line.split()[-1] for line in text_of(case, rows=1).splitlines() if line]
    assert "Missed" not in text_of(case, rows=0)


def test_notes_are_sentences(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    truth = read_truth(case["annotations"], submissions=[read_submission(case["marks"])])
    text = froc_text(evaluate_froc(read_submission(case["marks"]), truth))
    assert "\nNote: NO LIST OF SCANS was given: only scans with" in text
    assert text.endswith("count as false.\n")
    assert "those with a nodule or a mark; 3 of them" in text


def test_nothing_missed_and_nothing_false(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    written(case["annotations"], f"{HEAD},diameter_mm", [("a", 0, 0, 0, 5)])
    written(case["marks"], f"{HEAD},probability", [("a", 0, 0, 0, 1)])
    text = text_of(case)
    assert "Every nodule is hit by some mark." in text
    assert "There is no false positive." in text


def test_what_is_unknown_is_a_dash() -> None:
    nothing = Submission("x.csv", (), np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    none = Findings(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    assert froc_text(evaluate_froc(nothing, Truth(("a",), none))).startswith("x.csv: CPM –, no interval")


@pytest.mark.parametrize(
    ("rate", "name"), [(0.125, "1/8"), (0.5, "1/2"), (1.0, "1"), (8.0, "8"), (0.3, "0.3"), (1.5, "1.5")]
)
def test_rates_have_the_names_of_the_field(rate: float, name: str) -> None:
    assert rate_name(rate) == name


def test_a_series_uid_cannot_steer_the_terminal() -> None:
    truth = Truth(("a\x1b[31m",), Findings(np.array([0]), np.zeros((1, 3)), np.array([5.0])))
    marks = Submission("x.csv", truth.scans, np.array([0]), np.full((1, 3), 90.0), np.array([0.5]))
    text = froc_text(evaluate_froc(marks, truth))
    assert "\x1b" not in text
    assert "a\N{REPLACEMENT CHARACTER}[31m" in text


def test_one_scan_has_no_interval_and_says_why(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    case["scans"] = written(tmp_path / "one.csv", "seriesuid", [("a",)])
    text = text_of(case, bootstrap=50)
    assert ", no interval\n" in text.splitlines(keepends=True)[0]
    assert "nan" not in text
    assert "\nNote: one scan only: how far numbers might be off with other scans cannot be told" in text
