"""LUNA16's tables: every row is either read as it stands or listed with its line and the reason."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.data.luna16 import tables
from lungmonai.data.luna16.tables import read_numbers, read_patients
from lungmonai.errors import DataError

COLUMNS = ("coordX", "coordY", "coordZ", "class")
HEAD = "seriesuid,coordX,coordY,coordZ,class\n"


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_come_by_series_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "b,1,2,3,0\na,4,5,6,1\nb,7.5,-8,9e1,0\n")
    table = read_numbers(path, COLUMNS)
    assert table.bad == ()
    assert table.of("b").values.tolist() == [[1, 2, 3, 0], [7.5, -8, 90, 0]]
    assert table.of("b").lines.tolist() == [2, 4]
    assert table.of("a").lines.tolist() == [3]
    assert len(table.of("nobody").lines) == 0


def test_the_rows_of_a_series_stay_in_the_files_order(tmp_path: Path) -> None:
    lines = [f"{'abc'[number % 3]},{number},0,0,0\n" for number in range(600)]
    table = read_numbers(write(tmp_path, HEAD + "".join(lines)), COLUMNS)
    for place, name in enumerate("abc"):
        assert table.of(name).values[:, 0].tolist() == list(range(place, 600, 3))
        assert table.of(name).lines.tolist() == list(range(place + 2, 602, 3))


def test_a_row_without_a_series_is_listed_where_all_else_is_right(tmp_path: Path) -> None:
    table = read_numbers(write(tmp_path, HEAD + "a,1,2,3,0\n  ,1,2,3,0\n"), COLUMNS)
    assert [(bad.line, bad.reason) for bad in table.bad] == [(3, "the row names no series")]
    assert [name for name, rows in table.rows.items() if len(rows.lines)] == ["a"]


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffclass, coordZ,note,coordX,seriesuid,coordY\r\n0,3,hello,1, a ,2\r\n")
    assert read_numbers(path, COLUMNS).of("a").values.tolist() == [[1, 2, 3, 0]]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,nan,2,3,0", "coordX is 'nan', wanted a finite number"),
        ("a,1,inf,3,0", "coordY is 'inf', wanted a finite number"),
        ("a,1,2,,0", "coordZ is '', wanted a finite number"),
        ("a,1,2,3,yes", "class is 'yes', wanted a finite number"),
        ("a,1,2", "the row has 3 columns, wanted at least 5"),
        (" ,1,2,3,0", "the row names no series"),
    ],
)
def test_a_bad_row_is_listed_and_the_others_stay(tmp_path: Path, row: str, reason: str) -> None:
    table = read_numbers(write(tmp_path, f"{HEAD}a,1,2,3,0\n\n{row}\na,4,5,6,1\n"), COLUMNS)
    assert [(bad.line, bad.seriesuid, bad.reason) for bad in table.bad] == [(4, row[0].strip(), reason)]
    assert table.of("a").values.tolist() == [[1, 2, 3, 0], [4, 5, 6, 1]]
    assert table.of("a").lines.tolist() == [2, 5]


CELLS = st.sampled_from(["0", "1.5", "-3e2", "nan", "", "x", " 7 "])
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=5), max_size=25)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, series=st.lists(st.sampled_from("abc"), min_size=25, max_size=25))
def test_any_table_is_read_as_row_by_row(
    rows: list[list[str]], series: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [",".join([name, *row]) for name, row in zip(series, rows, strict=False)]
    path = write(tmp_path_factory.mktemp("any"), HEAD + "\n".join(lines) + "\n")
    wanted: dict[str, list[tuple[int, list[float]]]] = {}
    bad = []
    with path.open(newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            try:
                values = [float(row[column]) for column in COLUMNS]
                assert np.isfinite(values).all()
            except (TypeError, ValueError, AssertionError):
                bad.append(line)
            else:
                wanted.setdefault(row["seriesuid"], []).append((line, values))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_CHUNK", 4)  # so that rows lie on both sides of a chunk's end
        table = read_numbers(path, COLUMNS)
    assert [row.line for row in table.bad] == bad
    got = {
        name: list(zip(r.lines.tolist(), r.values.tolist(), strict=True)) for name, r in table.rows.items()
    }
    assert {name: rows for name, rows in got.items() if rows} == wanted


@pytest.mark.parametrize("row", ['"b,4,5,6,1', '"b\nc",4,5,6,1'], ids=["not closed", "closed later"])
def test_a_quotation_mark_swallows_no_rows(tmp_path: Path, row: str) -> None:
    path = write(tmp_path, f"{HEAD}a,1,2,3,0\n{row}\nc,7,8,9,0\n")
    patients = write(tmp_path, f"seriesuid,patient_id,studyuid,,\na,P,S,,\n{row}\nc,P,S,,\n", "patients.csv")
    text = "has in line 3 a quotation mark that is not closed there"
    with pytest.raises(DataError, match=text):
        read_numbers(path, COLUMNS)
    with pytest.raises(DataError, match=text):
        read_patients(patients)


def test_a_missing_column_is_named_with_what_is_there(tmp_path: Path) -> None:
    path = write(tmp_path, "seriesuid,x,y,z,class\na,1,2,3,0\n", "candidates.csv")
    text = re.escape(
        f"{path} lacks coordX, coordY, coordZ; its header has seriesuid, x, y, z, class; "
        "wanted the columns seriesuid, coordX, coordY, coordZ, class. Download the table again"
    )
    with pytest.raises(DataError, match=text):
        read_numbers(path, COLUMNS)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "its header has nothing"),
        (b"\xff\xfe\x00", "table.csv could not be read: 'utf-8' codec"),
        (HEAD.encode() + b'a,1,2,3,"' + b"0" * 200_000, "could not be read: field larger than"),
    ],
    ids=["empty", "no text", "one endless field"],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(text)):
        read_numbers(path, COLUMNS)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv could not be read: .*No such file"):
        read_numbers(tmp_path / "gone.csv", COLUMNS)


def test_patients(tmp_path: Path) -> None:
    text = "seriesuid,patient_id,studyuid\na,P1,S1\nb,P2,\n\nc,,S3\na,P1,S1\na,P9,S1\nd\n"
    patients, bad = read_patients(write(tmp_path, text))
    assert patients == {"a": ("P1", "S1"), "b": ("P2", "")}
    assert [(row.line, row.seriesuid, row.reason) for row in bad] == [
        (5, "c", "the row names no series or no patient"),
        (7, "a", "an earlier row names another patient or study"),
        (8, "d", "the row names no series or no patient"),
    ]


@pytest.mark.shared_data
def test_the_real_annotations(shared_data: Path) -> None:
    path = shared_data / "luna16" / "annotations.csv"
    table = read_numbers(path, ("coordX", "coordY", "coordZ", "diameter_mm"))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (sum(len(r.lines) for r in table.rows.values()), len(table.rows), table.bad) == (1186, 601, ())
    last = rows[-1]
    assert table.of(last["seriesuid"]).values[-1].tolist() == [float(last[c]) for c in table.columns]
