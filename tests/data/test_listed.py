"""Which scans a verb works on, and what is refused before it begins."""

import json
from pathlib import Path

import pytest

from lungmonai.data.datalist import FORMAT
from lungmonai.data.listed import EVERY, listed_items
from lungmonai.errors import DataError


def item(series: str, **keys) -> dict:
    return {"image": f"{series}.mhd", "seriesuid": series, "nodules": [], **keys}


def written(folder: Path, **lists) -> Path:
    path = folder / "datalist.json"
    path.write_text(json.dumps({"format": FORMAT, **lists}))
    return path


def names(path: Path, split: str) -> list[str]:
    return [one["seriesuid"] for one in listed_items(path, split)]


def test_one_list_or_all(tmp_path: Path) -> None:
    path = written(tmp_path, training=[item("a"), item("b")], test=[item("c")])
    assert names(path, "training") == ["a", "b"]
    assert names(path, "test") == ["c"]
    assert names(path, EVERY) == ["a", "b", "c"]
    assert listed_items(path, "test")[0]["image"] == str(tmp_path / "c.mhd")


def test_what_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, training=[item("a"), {"image": "b.mhd", "seriesuid": "b"}], test=[item("a")])
    with pytest.raises(DataError, match="has no scan in its list 'validation'; wanted at least one"):
        listed_items(path, "validation")
    with pytest.raises(DataError, match="scan b has no 'nodules'; wanted that key in every scan"):
        listed_items(path, "training")
    with pytest.raises(DataError, match="scan a has no 'patient'"):
        listed_items(path, "test", needed=("nodules", "patient"))
    with pytest.raises(DataError, match="lists scan a 2 times; wanted each scan once"):
        listed_items(written(tmp_path, training=[item("a")], test=[item("a")]), EVERY)
