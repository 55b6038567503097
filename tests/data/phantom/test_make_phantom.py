"""A phantom data set is in LUNA16's layout, and its tables say what its voxels hold."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from filelock import FileLock

from lungmonai.analysis.lungs import find_lungs
from lungmonai.data.lidc.database import LidcDatabase
from lungmonai.data.phantom import Phantom, make_phantom, read_names, write_phantoms
from lungmonai.data.phantom.records import ScanRecord
from lungmonai.data.phantom.store import DataFolder
from lungmonai.errors import DataError, SettingsError
from lungmonai.io import CTScan, read_ct

SEED = 42
LUNG_HU = -850
ANNOTATIONS = ["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"]
COLUMNS = {
    "annotations.csv": ANNOTATIONS,
    "annotations_excluded.csv": ANNOTATIONS,
    "annotations_with_malignancy.csv": [
        *ANNOTATIONS, "mal_bool", "mal_details", "bboxLowX", "bboxLowY", "bboxLowZ", "bboxHighX",
        "bboxHighY", "bboxHighZ", "len_mal_details",
    ],
    "candidates.csv": ["seriesuid", "coordX", "coordY", "coordZ", "class"],
    "candidates_V2.csv": ["seriesuid", "coordX", "coordY", "coordZ", "class"],
    "patients.csv": ["seriesuid", "patient_id", "studyuid"],
}  # fmt: skip
# Types 1 and 2 of the modules of the CT Image IOD (DICOM PS3.3, A.3).
WANTED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
    "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber", "Modality",
    "SeriesInstanceUID", "SeriesNumber", "PatientPosition", "FrameOfReferenceUID",
    "PositionReferenceIndicator", "Manufacturer", "InstanceNumber", "PixelSpacing",
    "ImageOrientationPatient", "ImagePositionPatient", "SliceThickness", "SamplesPerPixel",
    "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelData", "ImageType", "RescaleIntercept", "RescaleSlope", "KVP",
    "AcquisitionNumber", "SOPClassUID", "SOPInstanceUID",
)  # fmt: skip


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def position(row: dict[str, str]) -> np.ndarray:
    return np.array([float(row[f"coord{axis}"]) for axis in "XYZ"])


def image_path(folder: Path, record: ScanRecord) -> Path:
    return folder / f"subset{record.number}" / f"{record.series_uid}.mhd"


@pytest.fixture(scope="module")
def scans(phantom_set: Path, phantom_records: list[ScanRecord]) -> list[CTScan]:
    return [read_ct(image_path(phantom_set, record)) for record in phantom_records]


def test_layout_and_columns_are_those_of_luna16(
    phantom_set: Path, phantom_records: list[ScanRecord]
) -> None:
    uids = [record.series_uid for record in phantom_records]
    assert (phantom_set / "seriesuids.csv").read_text().split() == sorted(uids)
    for number, uid in enumerate(uids):
        files = sorted(path.name for path in (phantom_set / f"subset{number}").iterdir())
        assert files == [f"{uid}.mhd", f"{uid}.raw"]
    for name, columns in COLUMNS.items():
        assert list(table(phantom_set, name)[0]) == columns
    settings = json.loads((phantom_set / "phantom.json").read_text())
    assert (settings["seed"], settings["small"]) == (SEED, True)
    assert not list(phantom_set.rglob(".partial-*"))


@pytest.mark.shared_data
def test_columns_equal_those_of_the_published_tables(shared_data: Path) -> None:
    for name in ("annotations.csv", "annotations_excluded.csv", "annotations_with_malignancy.csv"):
        assert list(table(shared_data / "luna16", name)[0]) == COLUMNS[name]
    assert "." in (shared_data / "luna16" / "seriesuids.csv").read_text().splitlines()[0]


def test_one_scan_is_oblique_and_one_flipped(scans: list[CTScan]) -> None:
    oblique, flipped, plain = (scan.affine_lps[:3, :3] / scan.spacing_mm for scan in scans)
    np.testing.assert_allclose(flipped, np.diag([-1, -1, 1]), atol=1e-9)
    np.testing.assert_allclose(plain, np.eye(3), atol=1e-9)
    assert 0.002 < np.abs(oblique - np.eye(3)).max() < 0.1
    for scan in scans:
        assert np.abs(scan.affine_lps[:3, 3]).min() > 1
        assert find_lungs(scan.canonical()).found


def test_annotations_are_the_masks_as_simpleitk_measures_them(
    phantom_set: Path, phantom_records: list[ScanRecord]
) -> None:
    rows = table(phantom_set, "annotations.csv")
    seen = 0
    for record in phantom_records:
        image = SimpleITK.ReadImage(str(image_path(phantom_set, record)))
        mask = SimpleITK.ReadImage(str(phantom_set / "masks" / f"{record.series_uid}.nii.gz"))
        for get in ("GetOrigin", "GetSpacing", "GetDirection", "GetSize"):
            np.testing.assert_allclose(getattr(mask, get)(), getattr(image, get)(), atol=1e-4)
        measure = SimpleITK.LabelShapeStatisticsImageFilter()
        measure.Execute(mask)
        mine = [row for row in rows if row["seriesuid"] == record.series_uid]
        assert sorted(measure.GetLabels()) == list(range(1, len(mine) + 1))
        for label, row in enumerate(mine, start=1):
            assert position(row) == pytest.approx(measure.GetCentroid(label), abs=1e-3)
            diameter = np.cbrt(6 * measure.GetPhysicalSize(label) / np.pi)
            assert float(row["diameter_mm"]) == pytest.approx(diameter, rel=1e-4)
            assert diameter >= 3
            seen += 1
    assert seen == len(rows) >= 3


def test_nodules_are_denser_than_lung_lie_in_it_and_apart(
    scans: list[CTScan], phantom_records: list[ScanRecord], phantom_set: Path
) -> None:
    for scan, record in zip(scans, phantom_records, strict=True):
        mask_image = SimpleITK.ReadImage(str(phantom_set / "masks" / f"{record.series_uid}.nii.gz"))
        mask = SimpleITK.GetArrayFromImage(mask_image)
        canonical = scan.canonical()
        lungs = find_lungs(canonical)
        for nodule in record.nodules:
            vox = canonical.vox_from_lps(nodule.lps_mm)
            assert lungs.inside(vox[None])[0]
            inside = scan.hu[mask == nodule.number]
            assert np.median(inside) > LUNG_HU + (80 if nodule.texture == "ground glass" else 300)
            nearest = tuple(np.rint(scan.vox_from_lps(nodule.lps_mm)).astype(int))
            assert mask[nearest] == nodule.number
        for a, b in combinations(record.nodules, 2):
            apart = np.linalg.norm(np.subtract(a.lps_mm, b.lps_mm))
            assert apart > (a.diameter_mm + b.diameter_mm) / 2


def test_sizes_are_near_those_of_the_readers(phantom_records: list[ScanRecord]) -> None:
    database = LidcDatabase()
    from lungmonai.data.lidc.nodules import lidc_nodules

    for record in phantom_records:
        for nodule in record.nodules:
            scan = database.scan(nodule.source_series)
            assert scan is not None
            assert scan.patient_id == nodule.source_patient
            (source,) = (
                one
                for one in lidc_nodules(scan)
                if tuple(reading.id for reading in one.readings) == nodule.source_ids
            )
            # Of a nodule on the pleura a part may lie in the wall, where nobody draws.
            low = 0.6 if nodule.place == "juxtapleural" else 0.8
            assert low * source.diameter_mm - 0.5 < nodule.diameter_mm < 1.2 * source.diameter_mm + 0.5
            assert nodule.malignant == (sum(r >= 4 for r in source.ratings["malignancy"]) >= 2)
            assert nodule.malignant == source.malignant


def test_malignancy_table_follows_the_rule_of_two_readers(phantom_set: Path) -> None:
    rows = table(phantom_set, "annotations_with_malignancy.csv")
    plain = table(phantom_set, "annotations.csv")
    assert [{key: row[key] for key in ANNOTATIONS} for row in rows] == plain
    for row in rows:
        readings = json.loads(row["mal_details"])
        assert len(readings) == int(row["len_mal_details"]) >= 3
        assert row["mal_bool"] == str(sum(reading >= 4 for reading in readings) >= 2)
        for axis, coordinate in zip("XYZ", position(row), strict=True):
            assert float(row[f"bboxLow{axis}"]) <= coordinate <= float(row[f"bboxHigh{axis}"])


def test_candidates_hit_all_nodules_and_nothing_else(
    phantom_set: Path, phantom_records: list[ScanRecord]
) -> None:
    for name in ("candidates_V2.csv", "candidates.csv"):
        rows = table(phantom_set, name)
        for record in phantom_records:
            mine = [row for row in rows if row["seriesuid"] == record.series_uid]
            assert 40 < len(mine) < 150
            hit = set()
            for row in mine:
                far = [np.linalg.norm(position(row) - nodule.lps_mm) for nodule in record.nodules]
                hits = {i for i, mm in enumerate(far) if mm < record.nodules[i].diameter_mm / 2}
                assert bool(hits) == (row["class"] == "1")
                hit |= hits
            assert hit == set(range(len(record.nodules)))
    kinds = {one.kind for record in phantom_records for one in record.candidates}
    assert {"branching", "upright vessel", "bone", "lung"} <= kinds


def test_excluded_findings_have_a_size_only_where_luna16_gives_one(phantom_set: Path) -> None:
    excluded = table(phantom_set, "annotations_excluded.csv")
    for row, truth in zip(excluded, table(phantom_set, "phantom_findings.csv"), strict=True):
        assert position(row) == pytest.approx(position(truth))
        doubtful = truth["kind"] == "doubtful nodule"
        assert float(row["diameter_mm"]) == (float(truth["diameter_mm"]) if doubtful else -1)


def test_dicom_is_the_same_scan(
    phantom_set: Path, phantom_records: list[ScanRecord], scans: list[CTScan]
) -> None:
    for scan, record in zip(scans, phantom_records, strict=True):
        folder = phantom_set / "dicom" / record.series_uid
        dicom = read_ct(folder)
        assert dicom.series_uid == record.series_uid
        np.testing.assert_array_equal(dicom.hu, scan.hu)
        np.testing.assert_allclose(dicom.affine_lps, scan.affine_lps, atol=1e-6)
        names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
        assert SimpleITK.ReadImage(names).GetSize() == scan.shape[::-1]


def test_dicom_holds_what_the_standard_wants_and_says_that_it_is_synthetic(
    phantom_set: Path, phantom_records: list[ScanRecord]
) -> None:
    record = phantom_records[0]
    slices = [pydicom.dcmread(path) for path in (phantom_set / "dicom" / record.series_uid).iterdir()]
    assert all(name in one for one in slices for name in WANTED)
    assert len({one.SOPInstanceUID for one in slices}) == len(slices)
    first = slices[0]
    assert first.PatientName == "PHANTOM^0000"
    assert first.PatientID == record.patient_id
    assert "SYNTHETIC" in first.SeriesDescription
    assert "SYNTHETIC" in first.ImageComments
    for uid in (first.SOPInstanceUID, first.SeriesInstanceUID, first.StudyInstanceUID):
        assert uid.is_valid
        assert uid.startswith("2.25.")


def test_dicom_passes_the_validator(phantom_set: Path, phantom_records: list[ScanRecord]) -> None:
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    validator = shutil.which("dciodvfy", path=places)
    if validator is None:
        pytest.skip("dciodvfy of the package dicom3tools is not installed")
    for record in phantom_records:
        first = min((phantom_set / "dicom" / record.series_uid).iterdir())
        done = subprocess.run([validator, "-new", str(first)], capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr).splitlines()
        assert "CTImage" in said
        assert not [line for line in said if line.startswith(("Error", "Warning"))]


def test_a_scan_depends_on_seed_and_number_only(phantom_set: Path, scans: list[CTScan]) -> None:
    again: Phantom = make_phantom(SEED, 1, small=True)
    np.testing.assert_array_equal(again.scan.hu, scans[1].hu)
    np.testing.assert_allclose(again.scan.affine_lps, scans[1].affine_lps, atol=1e-9)
    assert again.scan.series_uid == scans[1].series_uid
    rows = [row for row in table(phantom_set, "annotations.csv") if row["seriesuid"] == scans[1].series_uid]
    assert len(rows) == len(again.nodules)
    for row, nodule in zip(rows, again.nodules, strict=True):
        assert position(row) == pytest.approx(nodule.lps_mm, abs=1e-5)
    assert len({scan.series_uid for scan in scans}) == 3
    assert not np.array_equal(scans[0].hu, scans[1].hu)
    assert "nodules" in repr(again)


def bytes_of(folder: Path, number: int) -> dict[str, bytes]:
    record = ScanRecord.from_json((folder / "records" / f"{number:05d}.json").read_text())
    image = image_path(folder, record)
    mask = folder / "masks" / f"{record.series_uid}.nii.gz"
    return {path.name: path.read_bytes() for path in (image, image.with_name(image.stem + ".raw"), mask)}


def test_killed_and_run_again_it_completes_and_keeps_what_was_done(
    phantom_set: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "lungmonai.cli", "phantom", str(tmp_path / "set")]
    command += ["--scans", "2", "--seed", str(SEED), "--small", "--quiet"]
    first = tmp_path / "set" / "records" / "00000.json"
    with subprocess.Popen(command, env=os.environ) as process:
        deadline = time.monotonic() + 120
        while not first.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "set" / "annotations.csv").exists()
    done = first.stat().st_mtime_ns
    (tmp_path / "set" / "subset1").mkdir(exist_ok=True)
    (tmp_path / "set" / "subset1" / ".partial-left").write_bytes(b"half")
    records = write_phantoms(tmp_path / "set", 2, SEED, small=True)
    assert [record.number for record in records] == [0, 1]
    assert first.stat().st_mtime_ns == done
    assert not list((tmp_path / "set").rglob(".partial-*"))
    for number in (0, 1):
        assert bytes_of(tmp_path / "set", number) == bytes_of(phantom_set, number)
    uids = (phantom_set / "seriesuids.csv").read_text().split()
    assert set((tmp_path / "set" / "seriesuids.csv").read_text().split()) < set(uids)


def test_a_damaged_scan_is_made_again(phantom_set: Path, tmp_path: Path) -> None:
    copy = tmp_path / "set"
    shutil.copytree(phantom_set, copy, ignore=shutil.ignore_patterns("dicom", ".lock"))
    for path in (copy / "records").iterdir():
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "facts": {**record["facts"], "dicom_slices": 0}}))
    os.truncate(next((copy / "subset2").glob("*.raw")), 1000)
    told: list[tuple[str, int, int]] = []
    write_phantoms(copy, 3, SEED, small=True, progress=lambda *step: told.append(step))
    assert told == [("phantom", 0, 1), ("phantom", 1, 1)]
    assert bytes_of(copy, 2) == bytes_of(phantom_set, 2)


def test_another_data_set_in_the_folder_is_refused(phantom_set: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds a data set with another seed; wanted the same settings"):
        write_phantoms(phantom_set, 3, SEED + 1, small=True)
    with pytest.raises(DataError, match=r"with another small, without"):
        write_phantoms(phantom_set, 3, SEED, without=["LIDC-IDRI-0001"])
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds something else, and no phantom.json"):
        write_phantoms(tmp_path, 3, SEED, small=True)
    (tmp_path / "phantom.json").write_text("{")
    with pytest.raises(DataError, match=r"phantom.json cannot be read"):
        write_phantoms(tmp_path, 3, SEED, small=True)


def test_two_processes_at_once_are_refused(phantom_set: Path) -> None:
    with (
        FileLock(phantom_set / ".lock"),
        pytest.raises(DataError, match=r"is being written by another process"),
    ):
        write_phantoms(phantom_set, 3, SEED, small=True)


def test_numbers_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"seed -1 and scan number 0; wanted numbers from 0"):
        make_phantom(-1)
    with pytest.raises(SettingsError, match=r"5 to 2 nodules a scan"):
        make_phantom(1, nodules_per_scan=(5, 2))
    with pytest.raises(SettingsError, match=r"0 scans by 1 workers; wanted at least one of each"):
        write_phantoms(tmp_path, 0, 1)


def test_names_are_read_from_either_column(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("seriesuid,other\n1.2.3,a\n1.2.4,b\n")
    assert read_names(path) == {"1.2.3", "1.2.4"}
    path.write_text("patient_id,seriesuid\nLIDC-IDRI-0001,1.2.3\n,1.2.5\n")
    assert read_names(path) == {"LIDC-IDRI-0001", "1.2.3", "1.2.5"}
    path.write_text(" patient_id , other\n LIDC-IDRI-0001 ,a\n,\n")
    assert read_names(path) == {"LIDC-IDRI-0001"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("uid\n1.2.3\n", "names no patient and no series: it has uid; wanted a column patient_id or series"),
        ("patient_id\n", "names no patient and no series: it has no rows"),
        ("patient_id,other\n ,a\n", "names no patient and no series: it has patient_id, other"),
        # What follows such a mark would be one value, and those patients would be used.
        ('patient_id,other\nA,"b\nB,c\n', "has in line 2 a quotation mark that is not closed there"),
    ],
)
def test_names_that_are_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_names(path)
    with pytest.raises(DataError, match=r"nowhere.csv could not be read"):
        read_names(tmp_path / "nowhere.csv")


def test_names_that_nobody_in_lidc_has_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"none of the 2 names to do without, such as 'P-1', is in LIDC"):
        make_phantom(1, small=True, without=["P-1", "P-2"])


def test_a_refused_run_leaves_a_folder_that_can_be_used(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="seed -1"):
        write_phantoms(tmp_path / "set", 1, -1, small=True)
    store = DataFolder(tmp_path / "set", {"seed": 2})
    with store.held():
        assert store.records() == []
    (tmp_path / "set" / "subset0").mkdir()
    (tmp_path / "set" / "subset0" / "1.raw").write_bytes(b"")
    with pytest.raises(DataError, match="holds a data set with another seed"):
        DataFolder(tmp_path / "set", {"seed": 3})
