"""`lungmonai mine`: a table, a summary, and what happens to scans that cannot be used."""

import csv
import json
from pathlib import Path

import pytest
import torch

from lungmonai.analysis.mined_table import MOST
from lungmonai.analysis.settings import AnalysisSettings
from lungmonai.bundles import default_weights
from lungmonai.cli import build_parser, main
from lungmonai.data.datalist import FORMAT


@pytest.fixture
def datalist(coarse_scan: Path, phantom, tmp_path: Path) -> Path:
    nodules = [
        {"lps_mm": list(one.lps_mm), "diameter_mm": one.diameter_mm, "malignant": None}
        for one in phantom.nodules
    ]
    rest = {"patient": "1", "candidates": [], "fold": 0}
    item = {"image": str(coarse_scan), "seriesuid": "1", "nodules": nodules, **rest}
    gone = {**item, "image": "gone.mhd", "seriesuid": "2"}
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"format": FORMAT, "training": [item], "test": [item, gone]}))
    return path


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """The segmentation that ships, called a stand-in, whatever it is."""
    checkpoint = torch.load(default_weights("seg"), weights_only=True)
    checkpoint["lungmonai"]["stand_in"] = True
    torch.save(checkpoint, tmp_path / "seg.pt")
    return tmp_path / "seg.pt"


def test_a_table_from_a_datalist(
    datalist: Path, stand_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "out" / "candidates.csv"
    words = ["mine", str(datalist), "-o", str(table), "--mark-threshold", "0.3", "--seg", str(stand_in)]
    assert main(words) == 0
    out, err = capsys.readouterr()
    nodules = len(json.loads(datalist.read_text())["training"][0]["nodules"])
    assert out.startswith("1 scan: ")
    assert f" of {nodules} nodules found, by " in out
    assert "stand-in" in err
    assert "1/1" in err  # progress
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["seriesuid"] for row in rows} == {"1"}
    before = table.read_bytes()
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert table.read_bytes() == before


def test_a_scan_that_cannot_be_read_is_left_out(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mine", str(datalist), "--split", "test", "-o", str(tmp_path / "c.csv")]) == 8
    out, err = capsys.readouterr()
    assert out.startswith("1 scan: ")
    assert f"Left out: {tmp_path / 'gone.mhd'}: " in err


def test_an_empty_list_is_said(datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mine", str(datalist), "--split", "validation", "-o", str(tmp_path / "c.csv")]) == 7
    assert "has no scan in its list 'validation'; wanted at least one" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--seed", "--most"])
def test_what_cannot_be_drawn_is_refused_before_the_work(
    option: str, datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mine", str(datalist), "-o", str(tmp_path / "c.csv"), option, "-1"]) == 2
    assert f"{option[2:]} is -1; wanted 0 or more" in capsys.readouterr().err
    assert not list(tmp_path.glob("c.csv*"))


def test_a_scan_without_annotations_is_refused_before_the_work(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = json.loads(datalist.read_text())
    del lists["training"][0]["nodules"]
    datalist.write_text(json.dumps(lists))
    assert main(["mine", str(datalist), "-o", str(tmp_path / "c.csv")]) == 7
    assert "scan 1 has no 'nodules'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["--mark-threshold", "--threshold"])
def test_the_mark_threshold_is_named_as_for_analyze_and_by_its_former_name(name: str) -> None:
    words = ["mine", "d", "-o", "o"]
    assert build_parser().parse_args([*words, name, "0.3"]).mark_threshold == 0.3
    assert build_parser().parse_args(words).mark_threshold == AnalysisSettings().mark_threshold


def test_a_mark_threshold_that_is_no_probability_is_refused_before_the_work(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mine", str(datalist), "-o", str(tmp_path / "c.csv"), "--mark-threshold", "2"]) == 2
    assert "mark_threshold is 2.0; wanted 0 to 1" in capsys.readouterr().err
    assert not list(tmp_path.glob("c.csv*"))


def test_the_former_name_is_in_no_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["mine", "--help"])
    said = capsys.readouterr().out
    assert "--mark-threshold P" in said
    assert " --threshold" not in said


def test_the_helps_number_is_the_librarys() -> None:
    assert build_parser().parse_args(["mine", "d", "-o", "o"]).most == MOST


def test_a_thin_group_that_may_not_be_is_refused_before_the_work(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_parser().parse_args(["mine", "d", "-o", "o"]).keep_thin_mm == AnalysisSettings().keep_thin_mm
    assert main(["mine", str(datalist), "-o", str(tmp_path / "c.csv"), "--keep-thin-mm", "-1"]) == 2
    assert "keep_thin_mm is -1.0; wanted 0 to 100" in capsys.readouterr().err
    assert not list(tmp_path.glob("c.csv*"))
