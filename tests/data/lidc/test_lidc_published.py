"""Rows of published tables, however their columns are written."""

from pathlib import Path

import pytest

from lungmonai.data.lidc.published import read_ratings, read_rows, read_truth
from lungmonai.errors import DataError


def rows(folder: Path, text: str) -> list[dict[str, str]]:
    path = folder / "table.csv"
    path.write_text(text, newline="")
    return list(read_rows(path, ("seriesuid", "bbox_lowX"), dict))


@pytest.mark.parametrize("name", ["bboxLowX", "bbox_lowx", " BBOX_LOWX "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_capitals_underscores_spaces_and_line_ends_do_not_matter(tmp_path: Path, name: str, end: str) -> None:
    text = f"\ufeffseriesuid,{name},other{end}{end} 1.2 , 3{end}"
    assert rows(tmp_path, text) == [{"seriesuid": "1.2", "bboxlowx": "3"}]


def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has in line 3 a quotation mark that is not closed there"):
        rows(tmp_path, 'seriesuid,bboxLowX,other\n1,2,3\n1,2,"3\n1,2,3\n')


def test_a_table_that_is_not_there_or_no_text_or_lacks_a_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="could not be read: "):
        list(read_rows(tmp_path / "none.csv", ("seriesuid",), dict))
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00" * 9)
    with pytest.raises(DataError, match="could not be read: "):
        list(read_rows(tmp_path / "bytes.csv", ("seriesuid",), dict))
    with pytest.raises(
        DataError, match="lacks seriesuid, bbox_lowX; its header has nothing; wanted the columns seriesuid"
    ):
        rows(tmp_path, "")


def test_ratings_are_a_list_of_one_to_five() -> None:
    assert read_ratings("[1, 5, 3]") == [1, 5, 3]
    for bad in ("[0]", "[6]", "3", "", "[x]"):
        with pytest.raises((TypeError, ValueError)):
            read_ratings(bad)


def test_yes_and_no() -> None:
    assert [read_truth(text) for text in ("True", "true", "1", "False", "0")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(KeyError):
        read_truth("perhaps")
