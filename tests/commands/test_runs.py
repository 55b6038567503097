"""`lungmonai runs`."""

import json
from pathlib import Path
from typing import Any

import pytest

from lungmonai.cli import main
from lungmonai.training.run_folder import RunFolder


def made_run(path: Path, state: str, **more: Any) -> None:
    folder = RunFolder(path)
    folder.open(resume=False)
    folder.write_begin("seg", None)
    folder.write(
        state=state,
        epoch=3,
        max_epochs=20,
        metric="dice",
        best_score=0.71234,
        best_epoch=2,
        resume="python -m monai.bundle run training --resume True",
        **more,
    )
    folder.close()


def lines_of(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["runs", *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_runs_are_listed_with_what_goes_on_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made_run(Path("runs/seg"), "stopped")
    lines = lines_of(capsys)
    assert lines[0].split() == ["RUN", "BUNDLE", "STATE", "EPOCH", "BEST", "UPDATED", "(UTC)"]
    assert lines[1].split()[:5] == ["runs/seg", "seg", "stopped", "3/20", "dice"]
    assert "dice 0.7123 in epoch 2" in lines[1]
    assert lines[2] == "  to resume: python -m monai.bundle run training --resume True"


def test_the_list_is_json_where_a_former_record_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text('{"state": "stopped", "best_score": NaN}')
    text = "\n".join(lines_of(capsys, str(tmp_path), "--json"))
    assert "NaN" not in text
    assert json.loads(text)[0]["best_score"] is None


def test_elsewhere_the_folder_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made_run(tmp_path / "seg", "stopped")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert f"to resume: cd {tmp_path} && python -m" in lines_of(capsys, str(tmp_path))[2]


@pytest.mark.parametrize(
    ("state", "shown", "said"),
    [
        ("running", "died", ["  to resume:"]),
        ("failed", "failed", ["  the disk is full", "  to resume:"]),
        ("finished", "finished", []),
    ],
)
def test_states(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], state: str, shown: str, said: list[str]
) -> None:
    made_run(tmp_path / "seg", state, error="the disk is full" if state == "failed" else "")
    lines = lines_of(capsys, str(tmp_path))
    assert lines[1].split()[2] == shown
    assert len(lines) == 2 + len(said)
    assert all(line.startswith(start) for line, start in zip(lines[2:], said, strict=True))


def test_an_error_of_many_lines_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_run(tmp_path / "seg", "failed", error="size mismatch:\n  weight\n  bias")
    assert lines_of(capsys, str(tmp_path))[2:3] == ["  size mismatch:"]
    assert len(lines_of(capsys, str(tmp_path))) == 4


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_run(tmp_path / "seg", "running")
    (row,) = json.loads("\n".join(lines_of(capsys, str(tmp_path), "--json")))
    assert (row["state"], row["epoch"], row["best_score"]) == ("died", 3, 0.71234)
    assert row["folder_of_run"] == str(tmp_path / "seg")


def test_nothing_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines_of(capsys, str(tmp_path)) == [f"no run in {tmp_path}"]
    assert main(["runs", str(tmp_path / "nowhere")]) == 7
    assert "nowhere is no folder" in capsys.readouterr().err
