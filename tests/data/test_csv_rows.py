"""A table is opened, or it is said why not."""

import re
from pathlib import Path

import pytest

from lungmonai.data.csv_rows import opened_csv, read_rows
from lungmonai.errors import DataError


def test_columns_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes('\ufeff a ,B\r\n1,"2, 3"\r\n\r\n4\r\n'.encode())
    with opened_csv(path, ("b",), str.lower) as (columns, rows):
        assert columns == ["a", "b"]
        assert list(rows) == [["1", "2, 3"], [], ["4"]]


def test_what_is_missing_is_named_with_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,B\n1,2\n")
    text = f"{path} lacks b, c; its header has a, B; wanted the columns a, b, c"
    with pytest.raises(DataError, match=re.escape(text)), opened_csv(path, ("a", "b", "c")):
        pass


@pytest.mark.parametrize("row", ['"b,4', '"b\nc",4'], ids=["not closed", "closed later"])
def test_a_row_of_several_lines_is_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"a,b\n1,2\n{row}\n5,6\n")
    with opened_csv(path, ("a",)) as (_, rows):
        assert next(rows) == ["1", "2"]
        with pytest.raises(DataError, match="has in line 3 a quotation mark that is not closed there"):
            next(rows)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"could not be read: .*Check the path"), opened_csv(tmp_path, ("a",)):
        pass
    (tmp_path / "table.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"could not be read: .*Download the table again"):
        read_rows(tmp_path / "table.csv", ("a",))


def test_a_table_that_is_not_there_is_no_broken_download(tmp_path: Path) -> None:
    text = f"{tmp_path / 'none.csv'} could not be read: No such file or directory; wanted a CSV table. Check"
    with pytest.raises(DataError, match=re.escape(text)):
        read_rows(tmp_path / "none.csv", ("a",))


def test_rows_by_column(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a, b \n1 , 2\n\n , \n3,\n")
    assert read_rows(path, ("b",)) == [{"a": "1", "b": "2"}, {"a": "3", "b": ""}]


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_row_of_another_length_is_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"a,b\n1,2\n{row}\n")
    with pytest.raises(DataError, match=rf"has {len(row.split(','))} values? in line 3; wanted 2"):
        read_rows(path, ())
