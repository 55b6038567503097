"""`lungmonai phantom`: a data set on disk, a summary, and clear words where options do not fit."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lungmonai.cli import main
from lungmonai.io import read_ct

SMALL = ["--scans", "1", "--seed", "42", "--small", "--nodules-per-scan", "2-4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "set"
    assert main(["phantom", str(folder), *SMALL, "--quiet"]) == 0
    return folder


def test_again_it_only_says_what_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (folder / "annotations.csv").open(newline="") as file:
        nodules = len(list(csv.DictReader(file)))
    assert main(["phantom", str(folder), *SMALL]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"1 scan in {folder}\n{nodules} nodules, ")
    assert "SYNTHETIC: what works on these scans says little about real ones." in out
    assert f"lungmonai prepare luna16 --root {folder}" in out
    assert "phantom" in err


def test_without_a_patient_is_another_data_set(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "test.csv"
    table.write_text("patient_id\nLIDC-IDRI-0001\n")
    assert main(["phantom", str(folder), *SMALL, "--without", str(table), "--quiet"]) == 7
    assert "holds a data set with another without" in capsys.readouterr().err
    assert json.loads((folder / "phantom.json").read_text())["without"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--background", "a.mhd"], "--background was given without --nodules"),
        (["--nodules", "n.csv", "--subset", "7"], "--nodules and --subset was given without --background"),
        (["--background", "a.mhd", "--nodules", "n.csv", "--small"], "--small was given with --background"),
        (["--scans", "0"], "0 scans by 1 workers"),
    ],
)
def test_options_that_do_not_fit(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["phantom", str(tmp_path / "set"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--nodules-per-scan", "many"], "wanted a range"), (["--subset", "a"], "wanted numbers")],
)
def test_numbers_that_are_none(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["phantom", str(tmp_path), *options])
    assert words in capsys.readouterr().err


@pytest.mark.shared_data
def test_composites_of_held_out_nodules_in_a_phantom(
    folder: Path, shared_data: Path, tmp_path: Path
) -> None:
    background = next((folder / "subset0").glob("*.mhd"))
    table = shared_data / "lidc_nodules" / "nodules.csv"
    options = ["--background", str(background), "--nodules", str(table), "--subset", "7", "--scans", "1"]
    assert main(["phantom", str(tmp_path / "set"), *options, "--dicom", "--quiet"]) == 0
    with table.open(newline="") as file:
        held_out = {row["patient_id"] for row in csv.DictReader(file) if row["luna16_subset"] == "7"}
    with (tmp_path / "set" / "phantom_nodules.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["source_patient_id"] for row in rows} <= held_out
    made = read_ct(next((tmp_path / "set" / "subset0").glob("*.mhd")))
    dicom = read_ct(next((tmp_path / "set" / "dicom").iterdir()))
    np.testing.assert_array_equal(made.hu, dicom.hu)
