"""The record of a run, and who holds its folder."""

import json
import multiprocessing
import os
import shlex
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from lungmonai.errors import DataError, OutputError, SettingsError
from lungmonai.training.run_folder import Run, RunFolder, find_runs


def test_a_record_is_whole_and_grows(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a" / "run")
    assert folder.open(resume=False) is None
    folder.write_begin("seg", None)
    folder.write(epoch=2, max_epochs=5, best_score=0.5, best_epoch=1, metric="dice")
    folder.close()
    record = json.loads((tmp_path / "a" / "run" / "run.json").read_text())
    assert (record["bundle"], record["state"], record["epoch"], record["resumed"]) == (
        "seg",
        "running",
        2,
        [],
    )
    assert record["versions"]["torch"]
    assert record["resume"].endswith("--resume True")
    again = RunFolder(tmp_path / "a" / "run")
    former = again.open(resume=True)
    again.write_begin("seg", former)
    again.close()
    assert former is not None
    record = again.record()
    assert record is not None
    assert record["started"] == former["started"]
    assert len(record["resumed"]) == 1


def strict(text: str) -> dict:
    """JSON as other programs read it, which know no NaN."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def test_a_record_is_json_whatever_the_scores_are(tmp_path: Path) -> None:
    RunFolder(tmp_path).write(state="stopped", best_score=float("nan"), overrides={"lr": float("inf")})
    told = strict((tmp_path / "run.json").read_text())
    assert (told["best_score"], told["overrides"]) == (None, {"lr": None})
    assert find_runs([tmp_path])[0].best == ""


def test_a_former_record_with_nan_is_read_and_mended(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"state": "stopped", "best_score": NaN, "best_epoch": 1}')
    assert find_runs([tmp_path])[0].best == ""
    RunFolder(tmp_path).write(epoch=2)
    assert strict((tmp_path / "run.json").read_text())["best_score"] is None


def test_a_checkpoint_without_a_record_is_a_run_too(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "some.pt").touch()
    with pytest.raises(SettingsError, match="already holds a run; wanted a folder without one"):
        RunFolder(tmp_path).open(resume=False)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        RunFolder(tmp_path / "file" / "run").open(resume=False)


def hold(path: Path, told: Connection) -> None:
    folder = RunFolder(path)
    folder.open(resume=False)
    folder.write_begin("seg", None)
    told.send("held")
    signal.pause()


def test_a_run_that_was_killed_is_told_from_one_that_runs(tmp_path: Path) -> None:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=hold, args=(tmp_path / "run", there))
    process.start()
    assert here.recv() == "held"
    assert [run.state for run in find_runs([tmp_path])] == ["running"]
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert [run.state for run in find_runs([tmp_path])] == ["died"]
    RunFolder(tmp_path / "run").open(resume=True)


def test_runs_are_found_below_the_latest_first(tmp_path: Path) -> None:
    for name, updated in (("a", "2030-01-01"), ("b/c", "2031-01-01")):
        (tmp_path / name).mkdir(parents=True)
        record = {"state": "stopped", "updated": updated, "epoch": 1, "max_epochs": 3}
        (tmp_path / name / "run.json").write_text(json.dumps(record))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "run.json").write_text("{")
    runs = find_runs([tmp_path, tmp_path / "a"])
    assert [(run.folder.name, run.state, run.epochs, run.best) for run in runs] == [
        ("c", "stopped", "1/3", ""),
        ("a", "stopped", "1/3", ""),
    ]


def test_a_command_from_elsewhere_can_be_pasted(tmp_path: Path) -> None:
    record = {"folder": "/data/my runs", "resume": "python -m monai.bundle run training --resume True"}
    command = Run(tmp_path, record, "stopped").command
    assert shlex.split(command)[:3] == ["cd", "/data/my runs", "&&"]
    assert command.endswith(" && python -m monai.bundle run training --resume True")


def test_a_foreign_record_does_not_stop_the_list(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"state": ["odd"], "best_score": "high", "updated": 3}')
    (run,) = find_runs([tmp_path])
    assert (run.best, run.epochs) == ("", "0/?")


def test_what_a_killed_run_was_writing_is_removed(tmp_path: Path) -> None:
    left = [tmp_path / ".partial-abc.json", tmp_path / "checkpoints" / ".partial-abc.pt"]
    kept = [tmp_path / "notes.json", tmp_path / "checkpoints" / ".hidden"]
    (tmp_path / "checkpoints").mkdir()
    for path in (*left, *kept):
        path.touch()
    folder = RunFolder(tmp_path)
    folder.open(resume=False)
    folder.close()
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)


def test_a_lock_that_cannot_be_taken(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()  # which no user may write to as a file
    with pytest.raises(OutputError, match=r"\.lock could not be taken: Is a directory"):
        RunFolder(tmp_path).open(resume=False)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere is no folder; wanted .*`lungmonai runs DIR`"):
        find_runs([tmp_path / "nowhere"])
