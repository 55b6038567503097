"""The truth beside a phantom: read as its table says it, or refused."""

import csv
import json
import re
from pathlib import Path

import pytest

from lungmonai.data.luna16.phantom_truth import PhantomNodule, read_phantom_nodules
from lungmonai.errors import DataError

HEAD = ["seriesuid", "coordX", "coordY", "coordZ", "malignant", "ratings", "source_annotations", "more"]
HEAD += ["place", "source_patient_id"]
ROW = ["1.2", "1", "-2.5", "3", "True", json.dumps({"malignancy": [4, 5]}), json.dumps([7, "a.nii.gz"]), "x"]
ROW += ["isolated", "L1"]


def table(folder: Path, *rows: list[str]) -> Path:
    path = folder / "phantom_nodules.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_nodules_by_series(tmp_path: Path) -> None:
    other = ["1.3", *ROW[1:4], "False", *ROW[5:]]
    found = read_phantom_nodules(table(tmp_path, HEAD, ROW, other, ROW))
    first = PhantomNodule((1.0, -2.5, 3.0), True, {"malignancy": [4, 5]}, [7, "a.nii.gz"], "L1", "isolated")
    assert found == {"1.2": [first, first], "1.3": [first._replace(malignant=False)]}


@pytest.mark.parametrize(
    ("place", "cell"), [(1, "far"), (4, "perhaps"), (5, "{"), (5, "[1]"), (5, '{"a": 1}'), (6, "7")]
)
def test_a_row_that_makes_no_sense_is_refused(tmp_path: Path, place: int, cell: str) -> None:
    row = [*ROW]
    row[place] = cell
    text = re.escape("phantom_nodules.csv could not be read: ") + ".*wanted the columns seriesuid, coordX"
    with pytest.raises(DataError, match=text):
        read_phantom_nodules(table(tmp_path, HEAD, row))


def test_a_short_row_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 5 values in line 2; wanted 10, as many as columns"):
        read_phantom_nodules(table(tmp_path, HEAD, ROW[:5]))
    with pytest.raises(DataError, match="No such file"):
        read_phantom_nodules(tmp_path / "absent.csv")


def test_a_quotation_mark_that_is_not_closed_takes_no_rows_along(tmp_path: Path) -> None:
    path = table(tmp_path, HEAD, ROW, [*ROW[:9], "x"], ROW)
    path.write_text(path.read_text().replace(",x\n1.2", ',"x\n1.2', 1))
    with pytest.raises(DataError, match="has in line 3 a quotation mark that is not closed there"):
        read_phantom_nodules(path)


def test_whitespace_around_columns_and_values_is_nothing(tmp_path: Path) -> None:
    padded = table(tmp_path, [f" {name} " for name in HEAD], [f"{cell} " for cell in ROW], [" "])
    (found,) = read_phantom_nodules(padded)["1.2"]
    assert found.malignant
