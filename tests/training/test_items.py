"""Where a run's scans come from, and what is said when there are none."""

import json
from pathlib import Path

import pytest

from lungmonai.errors import DataError, SettingsError
from lungmonai.training.items import training_items


def test_without_a_data_set_it_says_how_to_make_one(tmp_path: Path) -> None:
    text = r"dataset_dir is empty.*lungmonai phantom DIR.*--dataset_dir DIR"
    with pytest.raises(SettingsError, match=text):
        training_items("")
    with pytest.raises(DataError, match=r"datalist.json does not exist.*lungmonai prepare luna16 --root DIR"):
        training_items(tmp_path)


def test_an_empty_list_is_refused(phantom_data: Path) -> None:
    with pytest.raises(DataError, match="has no scan in its list 'nonsense'"):
        training_items(phantom_data, "nonsense")


def test_a_table_takes_the_place_of_the_candidates(phantom_data: Path, tmp_path: Path) -> None:
    first, second = training_items(phantom_data)
    table = tmp_path / "mined.csv"
    table.write_text(f"seriesuid,coordX,coordY,coordZ,class,probability\n{second['seriesuid']},1,2,3,0,0.9\n")
    changed = training_items(phantom_data, candidates=str(table))
    assert changed[0] == first
    assert changed[1]["candidates"] == [(1.0, 2.0, 3.0, 0)]
    assert changed[1]["mined"]


def test_a_table_of_other_scans_is_refused(phantom_data: Path, tmp_path: Path) -> None:
    table = tmp_path / "mined.csv"
    table.write_text("seriesuid,coordX,coordY,coordZ,class\n1.2.3,1,2,3,0\n")
    with pytest.raises(DataError, match=r"names none of the 2 scans.*lungmonai mine"):
        training_items(phantom_data, candidates=str(table))


def test_a_folder_whose_name_is_a_number_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line makes a number of `--dataset_dir 12`."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"^12/datalist.json does not exist"):
        training_items(12)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("1,two,3,0", "has a row at 1, two, 3; wanted three numbers"),
        ("1,2,nan,0", "has a row at 1, 2, nan; wanted three numbers"),
        ("1,2,3,maybe", "has a row of class 'maybe'; wanted 0 or 1"),
        ("1,2,3,2", "has a row of class '2'; wanted 0 or 1"),
    ],
)
def test_a_row_that_is_no_candidate_is_refused(
    phantom_data: Path, tmp_path: Path, row: str, text: str
) -> None:
    uid = training_items(phantom_data)[0]["seriesuid"]
    table = tmp_path / "mined.csv"
    table.write_text(f"seriesuid,coordX,coordY,coordZ,class\n{uid},{row}\n")
    with pytest.raises(DataError, match=text):
        training_items(phantom_data, candidates=str(table))


def test_a_scan_that_says_nothing_of_nodules_is_refused(tmp_path: Path) -> None:
    item = {"image": "scan.mhd", "seriesuid": "1.2", "candidates": []}
    (tmp_path / "datalist.json").write_text(json.dumps({"format": 1, "training": [item]}))
    with pytest.raises(DataError, match=r"has a scan without nodules: 1\.2; wanted a list"):
        training_items(tmp_path)
