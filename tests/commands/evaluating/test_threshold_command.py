"""`lungmonai evaluate threshold`: prints the threshold, stores it, and says what cannot be."""

import json
from pathlib import Path

import pytest
from validation_folder import SEG, write_folder

from lungmonai.cli import main
from lungmonai.files import sha256_of


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "nodule.pt"
    path.write_bytes(b"any file will do: its SHA-256 is what counts")
    return path


@pytest.fixture
def folder(tmp_path: Path, weights: Path) -> Path:
    return write_folder(tmp_path / "validation", sha256_of(weights))


def run(folder: Path, weights: Path, *words: str) -> int:
    named = ["--bootstrap", "100", "--weights", str(weights)]
    return main(["evaluate", "threshold", str(folder), *named, *words])


def test_the_threshold_is_printed_and_stored(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, weights, "--at", "1 fp/scan") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "1 fp/scan on the validation list of datalist.json: 4 scans, 4 nodules"
    stored = weights.with_name("nodule.operating.json")
    assert f"Written to {stored}" in err
    content = json.loads(stored.read_text())
    assert content["weights_sha256"] == sha256_of(weights)
    threshold = content["threshold"]
    # Of the marks over 0.15, 4 are false on 4 scans, and 3 of 4 nodules are hit.
    assert threshold["value"] == pytest.approx(0.15)
    assert (threshold["false_per_scan"], threshold["sensitivity"]) == (1.0, 0.75)
    assert threshold["made_with"]["seg_sha256"] == SEG
    assert f"threshold                 0.1500  ({threshold['low']:.4f} to {threshold['high']:.4f})" in out
    low, high = threshold["sensitivity_interval"]
    assert f"sensitivity               0.7500  ({low:.4f} to {high:.4f})" in out
    assert "95% intervals of 100 draws of the scans" in out
    before = stored.read_bytes()
    assert run(folder, weights, "--at", "1 fp/scan") == 0
    assert stored.read_bytes() == before


def test_tables_do_instead_of_a_folder(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "threshold", "--at", "sensitivity 0.5", "--weights", str(weights), "--data", "mine"]
    tables = {name: str(folder / f"{file}.csv") for name, file in (
        ("--submission", "submission"), ("--annotations", "annotations"), ("--scans", "seriesuids"),
        ("--excluded", "annotations_excluded"),
    )}  # fmt: skip
    assert main([*words, *(word for pair in tables.items() for word in pair)]) == 0
    stored = json.loads(weights.with_name("nodule.operating.json").read_text())["threshold"]
    # The nodules' marks are 0.9, 0.6 and 0.5: over 0.55 lie two of four.
    assert stored["value"] == pytest.approx(0.55)
    assert (stored["sensitivity"], stored["data"], stored["made_with"]) == (0.5, "mine", {})
    del tables["--scans"]
    assert main([*words, *(word for pair in tables.items() for word in pair)]) == 2
    assert "neither a folder nor all tables; wanted DIR, or --submission" in capsys.readouterr().err
    assert run(folder, weights, "--at", "1 fp/scan", "--annotations", "a.csv") == 2
    assert "a folder and tables; wanted DIR, or --submission" in capsys.readouterr().err


def test_a_dry_run_writes_nothing(folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, weights, "--at", "1 fp/scan", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert "threshold" in out
    assert "nodule.operating.json was not written" in err
    assert not weights.with_name("nodule.operating.json").exists()


def test_weights_that_were_trained_again_need_replace(
    folder: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, weights, "--at", "1 fp/scan") == 0
    weights.write_bytes(b"trained again")
    assert run(folder, weights, "--at", "1 fp/scan") == 7
    assert "was made with the nodule weights" in capsys.readouterr().err
    again = write_folder(tmp_path / "again", sha256_of(weights))
    assert run(again, weights, "--at", "1 fp/scan") == 7
    assert "Add --replace to begin a new one" in capsys.readouterr().err
    assert run(again, weights, "--at", "1 fp/scan", "--replace") == 0
    stored = json.loads(weights.with_name("nodule.operating.json").read_text())
    assert stored["weights_sha256"] == sha256_of(weights)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--at", "sensitivity 0.9"], 2, "sensitivity 0.9 cannot be had: all marks together reach 0.75"),
        (
            ["--at", "0.1 fp/scan"],
            2,
            "0.1 fp/scan cannot be had: the most probable marks alone are 0.25 a scan",
        ),
        (["--at", "90 %"], 2, "the demand is '90 %'; wanted such as"),
        (["--at", "1 fp/scan", "--bootstrap", "0"], 2, "0 draws of 4 scans with seed 0"),
        (["--at", "1 fp/scan", "--weights", "none.pt"], 4, "none.pt could not be read: No such file"),
    ],
    ids=["sensitivity", "rate", "demand", "draws", "weights"],
)
def test_what_cannot_be_is_one_line(
    words: list[str], code: int, text: str, folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if words[1] == "0.1 fp/scan":  # a false mark above all others
        table = folder / "submission.csv"
        table.write_text(table.read_text().replace("1.3,100,0,0,0.7", "1.3,100,0,0,0.99"))
    assert run(folder, weights, *words) == code
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert text in said
    assert not weights.with_name("nodule.operating.json").exists()


def test_one_scan_gives_no_interval_and_it_is_said(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "seriesuids.csv").write_text("1.1\n")
    assert run(folder, weights, "--at", "1 fp/scan") == 0
    out, err = capsys.readouterr()
    assert "Note: one scan only: how far numbers might be off" in err
    assert "nan" not in out
    assert "interval" not in out
    assert out.endswith("\nmarks over the threshold are kept\n")
    threshold = json.loads(weights.with_name("nodule.operating.json").read_text())["threshold"]
    assert threshold["low"] is threshold["high"] is None
    assert threshold["sensitivity_interval"] == [None, None]
