"""`lungmonai evaluate compare`, as it is typed."""

import json
from pathlib import Path

import pytest
from froc_tables import HEAD, small_case, written

from lungmonai.cli import main


def words(folder: Path, *more: str) -> list[str]:
    files = small_case(folder)
    other = written(folder / "b.csv", f"{HEAD},probability", [("b", 90, 0, 0, 0.3)])
    return [
        "evaluate", "compare", str(files["marks"]), str(other), "--annotations", str(files["annotations"]),
        "--excluded", str(files["excluded"]), *more,
    ]  # fmt: skip


def test_a_comparison_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scans = str(small_case(tmp_path)["scans"])
    more = ["--scans", scans, "--bootstrap", "30", "--permutations", "9", "--json", str(tmp_path / "x.json")]
    assert main(words(tmp_path, *more, "-o", str(tmp_path / "out"))) == 0
    assert capsys.readouterr().out.startswith("A marks.csv\nB b.csv\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["compare.json", "compare.png"]
    content = json.loads((tmp_path / "x.json").read_text())
    assert content["bootstrap"] == {"draws": 30, "seed": 0}
    assert content == json.loads((tmp_path / "out" / "compare.json").read_text())


def test_an_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tmp_path)) != 0
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "do not name the same scans" in err
    assert main(["evaluate", "compare", "gone.csv", "b.csv", "--annotations", "a.csv"]) != 0
    assert "gone.csv could not be read" in capsys.readouterr().err
