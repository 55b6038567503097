"""Submissions are read or refused; which of their marks count."""

import re
from pathlib import Path

import numpy as np
import pytest
from froc_tables import HEAD, written
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import DataError, SettingsError
from lungmonai.evaluation.submission import Submission, merge_folds, read_submission, read_submissions


def submission_of(scan: list[int], prob: list[float], names: str = "ab", name: str = "x.csv") -> Submission:
    lps = np.arange(3 * len(scan), dtype=float).reshape(-1, 3)
    return Submission(name, tuple(names), np.array(scan, np.int64), lps, np.array(prob, float))


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    rows = [
        "probability,class,coordZ,coordY,seriesuid,coordX",
        "0.5,1,3,2,1.2.3 ,1",
        "",
        "0.25,0,6,5,4,4",
        "",
    ]
    text = "\ufeff" + "\r\n".join(rows)
    path.write_bytes(text.encode())
    one = read_submission(path)
    assert (one.name, one.seriesuids, one.scan.tolist()) == ("marks.csv", ("1.2.3", "4"), [0, 1])
    assert one.lps_mm.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert one.prob.tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a,1,2,3,nan", "probability is 'nan', wanted a finite number"),
        ("a,1,inf,3,0.5", "coordY is 'inf', wanted a finite number"),
        ("a,1,2,here,0.5", "coordZ is 'here', wanted a finite number"),
        ("a,1,2,,0.5", "coordZ is '', wanted a finite number"),
        (" ,1,2,3,0.5", "the row names no series"),
        ("a,1,2", "the row has 3 columns, wanted at least 5"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused(tmp_path: Path, row: str, why: str) -> None:
    path = written(tmp_path / "marks.csv", f"{HEAD},probability", [("a", 1, 2, 3, 0.5), (row,)])
    text = f"{path} has 1 row that cannot be used, the first in line 3: {why}; wanted a series UID and finite"
    with pytest.raises(DataError, match=re.escape(text)):
        read_submission(path)


def test_what_is_no_submission_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv could not be read: No such file.*Check the path"):
        read_submission(tmp_path / "none.csv")
    path = written(tmp_path / "marks.csv", f"{HEAD},score", [("a", 1, 2, 3, 0.5)])
    text = "marks.csv lacks probability; its header has seriesuid, coordX, coordY, coordZ, score"
    with pytest.raises(DataError, match=re.escape(text)):
        read_submission(path)
    empty = written(tmp_path / "empty.csv", f"{HEAD},probability", [])
    with pytest.raises(DataError, match=r"empty\.csv has no rows; wanted the marks of a system, one a row"):
        read_submission(empty)


def test_folds_are_one_submission(tmp_path: Path) -> None:
    rows = [("a", 1, 2, 3, 0.5), ("b", 4, 5, 6, 0.25), ("b", 7, 8, 9, 0.75)]
    paths = [
        written(tmp_path / f"fold{number}.csv", f"{HEAD},probability", part)
        for number, part in enumerate((rows[:1], rows[1:]))
    ]
    whole = read_submission(written(tmp_path / "all.csv", f"{HEAD},probability", rows))
    merged = read_submissions(paths)
    assert merged.name == "fold0.csv + fold1.csv"
    assert merged.seriesuids == whole.seriesuids
    for name in ("scan", "lps_mm", "prob"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))


def test_a_scan_in_two_folds_is_refused() -> None:
    folds = [submission_of([0, 1], [0.5, 0.5], "ab", "one.csv"), submission_of([0], [0.5], "b", "two.csv")]
    text = "one.csv and two.csv both have marks in 1 scan, such as b; wanted folds that share no scan"
    with pytest.raises(DataError, match=re.escape(text)):
        merge_folds(folds)
    with pytest.raises(SettingsError, match="no submission; wanted at least one file"):
        merge_folds([])


def test_marks_in_scans_that_are_not_evaluated_do_not_count() -> None:
    one = submission_of([0, 1, 1, 2], [0.1, 0.2, 0.3, 0.4], "abc")
    counted = one.marks_in(["x", "c", "a"])
    assert counted.marks.scan.tolist() == [2, 1]
    assert counted.marks.prob.tolist() == [0.1, 0.4]
    assert (counted.unknown_scans, counted.unknown_marks, counted.dropped) == (("b",), 2, 0)
    text = "x.csv names 3 scans, none of them evaluated, such as a; wanted marks in what is evaluated: 1 scan"
    with pytest.raises(DataError, match=re.escape(text)):
        one.marks_in(["x"])


def test_a_submission_without_marks_counts_none() -> None:
    nothing = Submission("x.csv", (), np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    assert len(nothing.marks_in(["a"], max_marks=5).marks.scan) == 0
    assert nothing.repeated() == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=30), st.integers(1, 8))
def test_the_highest_marks_of_a_scan_are_those_of_the_script(rows: list, most: int) -> None:
    one = submission_of([scan for scan, _ in rows], [score / 5 for _, score in rows], "abc")
    counted = one.marks_in("abc", max_marks=most)
    wanted = []
    for scan in range(3):
        own = [place for place, row in enumerate(rows) if row[0] == scan]
        # noduleCADEvaluationLUNA16.py: with more marks than that, those above the score of the first beyond.
        if len(own) > most:
            beyond = sorted((one.prob[place] for place in own), reverse=True)[most]
            own = [place for place in own if one.prob[place] > beyond]
        wanted += own
    assert counted.marks.lps_mm[:, 0].tolist() == sorted(3.0 * place for place in wanted)
    assert counted.dropped == len(rows) - len(wanted)


def test_at_most_no_marks_is_refused() -> None:
    with pytest.raises(SettingsError, match="at most 0 marks a scan; wanted 1 or more"):
        submission_of([0], [0.5]).marks_in("ab", max_marks=0)


def test_repeated_rows_are_counted() -> None:
    one = submission_of([0, 0, 0, 1], [0.5, 0.5, 0.5, 0.5])
    one.lps_mm[:] = one.lps_mm[0]
    assert one.repeated() == 2  # the fourth lies in another scan
    one.prob[2] = 0.25
    assert one.repeated() == 1


@pytest.mark.parametrize("far", ["1e308", "-2000000"])
def test_a_position_beyond_all_bounds_is_refused(tmp_path: Path, far: str) -> None:
    path = written(
        tmp_path / "marks.csv", f"{HEAD},probability", [("a", 1, 2, 3, 0.5), ("a", 1, far, 3, 0.5)]
    )
    with pytest.raises(
        DataError, match="a position over 1,000,000 mm away in line 3; wanted positions in LPS"
    ):
        read_submission(path)
