"""All of LIDC's nodules as a table."""

import csv
import json
from pathlib import Path

import pytest
from lidc_maker import drawn_box, write_database

from lungmonai.cli import main


@pytest.fixture
def database(tmp_path: Path) -> Path:
    ratings = ((4, 5, 3), (3, 4), (2,))
    readings = [
        drawn_box((9 * i + 3, 9 * i + 5), (18, 22), (30, 34), rating)
        for i, mine in enumerate(ratings)
        for rating in mine
    ]
    return write_database(tmp_path / "lidc.sqlite", readings)


def test_one_row_a_nodule(tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out" / "nodules.csv"
    assert main(["lidc", "nodules", "-o", str(path), "--database", str(database), "--quiet"]) == 0
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["malignant"] for row in rows] == ["true", "false", "ambiguous"]
    assert [row["suspicious_readers"] for row in rows] == ["2", "1", "0"]
    assert [json.loads(row["malignancy"]) for row in rows] == [[4, 5, 3], [3, 4], [2]]
    assert [json.loads(row["readings"]) for row in rows] == [[1, 2, 3], [4, 5], [6]]
    first = rows[0]
    assert (first["seriesuid"], first["patient_id"], first["readers"]) == ("1.2.3", "LIDC-IDRI-0001", "3")
    assert [float(first[name]) for name in ("slice_vox", "row_vox", "column_vox", "z_mm")] == [4, 20, 32, -92]
    # 3 · 5 · 5 voxels of 2 · 0.5 · 0.5 mm
    assert float(first["diameter_mm"]) == pytest.approx(
        2 * (37.5 * 3 / (4 * 3.14159265)) ** (1 / 3), abs=1e-3
    )
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert table[1:] == [
        ["1", "1", "0", "0", "0", "1"],
        ["2", "1", "0", "1", "1", "0"],
        ["3", "1", "1", "0", "0", "0"],
        ["all", "3", "1", "1", "1", "1"],
    ]


def test_a_folder_that_cannot_be_made_is_one_line(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "nodules.csv"
    assert main(["lidc", "nodules", "-o", str(target), "--database", str(database), "--quiet"]) == 5
    assert "could not be written" in capsys.readouterr().err
