"""Where a run's scans come from, and what is said when there are none."""

from pathlib import Path

import pytest

from lungmonai.errors import DataError, SettingsError
from lungmonai.training.items import training_items


def test_without_a_data_set_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="dataset_dir is empty.*lungmonai phantom DIR.*--dataset_dir DIR"):
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
