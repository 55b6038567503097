"""Tables of scores: what is read, and what is refused with what words."""

import re
from pathlib import Path

import numpy as np
import pytest
from score_rows import nodule_rows, write_rows

from lungmonai.errors import DataError
from lungmonai.evaluation.score_table import check_same_rows, read_scores


def test_a_table_is_read(tmp_path: Path) -> None:
    rows = nodule_rows(count=6)
    rows[0] |= {"label": "1", "diameter_mm": "", "texture": ""}
    rows[1] |= {"label": "0.0", "probability": "0", "texture": "2.5"}
    table = read_scores(write_rows(tmp_path / "t.csv", rows))
    assert (table.name, table.group_kind, len(table)) == ("t.csv", "patient", 6)
    assert table.groups.tolist() == [row["patient"] for row in rows]
    assert table.labels[:2].tolist() == [True, False]
    assert table.probs[1] == 0
    assert np.isnan([table.diameter_mm[0], table.texture[0]]).all()
    assert table.texture[1] == 2.5


def test_another_column_stands_in_for_the_diameter(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("label,probability,diameter_mm,measured_mm\n0,0.1,5,6.5\n1,0.9,7,\n")
    np.testing.assert_array_equal(read_scores(path).diameter_mm, [5, 7])
    np.testing.assert_array_equal(read_scores(path, diameter_column="measured_mm").diameter_mm, [6.5, np.nan])
    with pytest.raises(DataError, match=r"t.csv has no column size; wanted one of label, .*Change `--diam"):
        read_scores(path, diameter_column="size")


def test_series_and_rows_stand_in_for_patients(tmp_path: Path) -> None:
    rows = nodule_rows(count=10)
    by_scan = read_scores(write_rows(tmp_path / "s.csv", rows, ["patient", "texture"]))
    assert (by_scan.group_kind, by_scan.groups[0]) == ("seriesuid", rows[0]["seriesuid"])
    assert np.isnan(by_scan.texture).all()
    alone = read_scores(write_rows(tmp_path / "r.csv", rows, ["patient", "seriesuid", "diameter_mm"]))
    assert (alone.group_kind, alone.groups.tolist()) == ("row", list(range(10)))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("label", "2", "label '2' in line 4; wanted 0 or 1"),
        ("label", "0.5", "label '0.5' in line 4; wanted 0 or 1"),
        ("label", "", "label 'nothing' in line 4; wanted 0 or 1"),
        ("probability", "nan", "probability 'nan' in line 4; wanted a probability from 0 to 1"),
        ("probability", "1.01", "probability '1.01' in line 4; wanted a probability from 0 to 1"),
        ("probability", "-0.1", "probability '-0.1' in line 4; wanted a probability from 0 to 1"),
        ("probability", "high", "probability 'high' in line 4; wanted a probability from 0 to 1"),
        ("diameter_mm", "0", "diameter_mm '0' in line 4; wanted a diameter over 0, or nothing"),
        ("diameter_mm", "inf", "diameter_mm 'inf' in line 4; wanted a diameter over 0, or nothing"),
        ("texture", "6", "texture '6' in line 4; wanted a rating from 1 to 5, or nothing"),
        ("patient", "", "names no patient in line 4; wanted one in each row, or no column patient"),
    ],
)
def test_values_that_make_no_sense_are_refused(tmp_path: Path, column: str, value: str, message: str) -> None:
    rows = nodule_rows(count=8)
    rows[2][column] = value
    with pytest.raises(DataError, match=re.escape(message)):
        read_scores(write_rows(tmp_path / "t.csv", rows))


def test_empty_lines_are_counted_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("label,probability\n\n1,0.5\n0,high\n")
    with pytest.raises(DataError, match="probability 'high' in line 4"):
        read_scores(tmp_path / "t.csv")


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    rows = nodule_rows(count=8)
    with pytest.raises(DataError, match="lacks probability; its header has"):
        read_scores(write_rows(tmp_path / "t.csv", rows, ["probability"]))
    with pytest.raises(DataError, match="lacks label"):
        read_scores(write_rows(tmp_path / "t.csv", rows, ["label"]))
    with pytest.raises(DataError, match=r"gone\.csv could not be read: No such file"):
        read_scores(tmp_path / "gone.csv")
    (tmp_path / "empty.csv").write_text("label,probability\n")
    with pytest.raises(DataError, match="has no rows; wanted a sample a row"):
        read_scores(tmp_path / "empty.csv")
    one_class = [{**row, "label": "1"} for row in rows]
    with pytest.raises(DataError, match="has 8 positive samples of 8; wanted some of both classes"):
        read_scores(write_rows(tmp_path / "t.csv", one_class))


def test_other_rows_are_refused(tmp_path: Path) -> None:
    rows = nodule_rows(count=30)
    one = read_scores(write_rows(tmp_path / "a.csv", rows))
    check_same_rows(one, read_scores(write_rows(tmp_path / "b.csv", nodule_rows(count=30, gain=3.0))))
    check_same_rows(one, read_scores(write_rows(tmp_path / "b.csv", rows, ["patient", "seriesuid"])))
    with pytest.raises(DataError, match=r"a.csv has 30 rows and b.csv 29; wanted the same samples in both"):
        check_same_rows(one, read_scores(write_rows(tmp_path / "b.csv", rows[1:])))
    flipped = [*rows[:4], {**rows[4], "label": str(1 - int(rows[4]["label"]))}, *rows[5:]]
    with pytest.raises(DataError, match="differ in label: 1 of 30 rows, first row 5"):
        check_same_rows(one, read_scores(write_rows(tmp_path / "b.csv", flipped)))
    renamed = [*rows[:6], {**rows[6], "seriesuid": "another"}, *rows[7:]]
    with pytest.raises(DataError, match=r"differ in seriesuid: 1 of 30 rows, first row 7; .* same order"):
        check_same_rows(one, read_scores(write_rows(tmp_path / "b.csv", renamed)))
