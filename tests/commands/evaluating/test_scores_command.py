"""`lungmonai evaluate scores`, as it is typed."""

import json
from pathlib import Path

import pytest
from score_rows import nodule_rows, write_rows

from lungmonai.cli import main


def test_scores_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_rows(tmp_path / "t.csv", nodule_rows())
    other = write_rows(tmp_path / "other.csv", nodule_rows(gain=0.3))
    train = write_rows(
        tmp_path / "train.csv", [{**row, "patient": "x" + row["patient"]} for row in nodule_rows(1)]
    )
    words = ["evaluate", "scores", str(table), "--against", str(other), "--baselines-from", str(train)]
    few = ["--bootstrap", "30", "--permutations", "9", "--seed", "4"]
    assert main([*words, *few, "--json", str(tmp_path / "x.json"), "-o", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("t.csv: 120 samples")
    assert "Beside other.csv: another model's scores" in out
    assert "Beside size and texture: fitted on the 120 samples of train.csv" in out
    content = json.loads((tmp_path / "x.json").read_text())
    assert content["bootstrap"] == {"draws": 30, "seed": 4, "level": 0.95}
    assert content == json.loads((tmp_path / "out" / "scores.json").read_text())
    assert (tmp_path / "out" / "reliability.png").is_file()


def test_an_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_rows(tmp_path / "t.csv", nodule_rows(), ["label"])
    assert main(["evaluate", "scores", str(table)]) != 0
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "t.csv lacks label" in err
    assert main(["evaluate", "scores", str(tmp_path / "gone.csv")]) != 0
    assert "gone.csv could not be read" in capsys.readouterr().err
