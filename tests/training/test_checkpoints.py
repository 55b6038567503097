"""Checkpoint files."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from lungmonai.errors import OutputError, SettingsError, WeightsError
from lungmonai.training.checkpoints import checkpoint_files, newest_checkpoint, write_checkpoint


def test_what_is_written_is_read(tmp_path: Path) -> None:
    content = {
        "tensor": torch.arange(3),
        "array": np.arange(3.0),
        "number": np.float32(0.5),
        "deep": {"list": [1, (2, "three", None, True)]},
    }
    path, digest = write_checkpoint(tmp_path / "some" / "checkpoints", content, epochs=2, steps=30)
    assert path.name == f"epoch0002_step00000030_{digest[:16]}.pt"
    found = newest_checkpoint(path.parent)
    assert found is not None
    assert found[0] == path
    assert torch.equal(found[1]["tensor"], torch.arange(3))
    assert found[1]["array"].tolist() == [0, 1, 2]
    assert found[1]["number"] == 0.5
    assert found[1]["deep"] == {"list": [1, (2, "three", None, True)]}


def test_the_newest_of_the_last_two_steps_are_kept(tmp_path: Path) -> None:
    for epochs, steps in ((0, 5), (0, 10), (1, 10), (1, 12)):
        write_checkpoint(tmp_path, {"at": steps}, epochs=epochs, steps=steps)
    assert [path.name[:22] for path in checkpoint_files(tmp_path)] == [
        "epoch0001_step00000012",
        "epoch0001_step00000010",
    ]


def test_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "mine.pt").touch()
    for steps in range(5):
        write_checkpoint(tmp_path, {}, epochs=0, steps=steps)
    assert (tmp_path / "mine.pt").exists()
    assert len(list(tmp_path.iterdir())) == 3


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "nowhere") is None


def test_what_could_not_be_read_again_is_refused_when_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"checkpoint\.own\.paths\[1\] is a PosixPath; wanted plain values"
    ):
        write_checkpoint(tmp_path, {"own": {"paths": ["a", tmp_path]}}, epochs=0, steps=0)
    assert not list(tmp_path.iterdir())


def test_a_file_that_would_run_code_is_not_opened(tmp_path: Path) -> None:
    import hashlib
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "made"),)

    data = pickle.dumps(Evil(), protocol=2)
    (tmp_path / f"epoch0001_step00000001_{hashlib.sha256(data).hexdigest()[:16]}.pt").write_bytes(data)
    with pytest.raises(WeightsError, match="none of the 1 checkpoints"):
        newest_checkpoint(tmp_path)
    assert not (tmp_path / "made").exists()


def test_a_checkpoint_of_another_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lungmonai.training.checkpoints.FORMAT", 99)
    write_checkpoint(tmp_path, {}, epochs=0, steps=0)
    monkeypatch.undo()
    with pytest.raises(WeightsError, match=r"is of format 99; wanted format 1\. Resume with the version"):
        newest_checkpoint(tmp_path)
    assert len(checkpoint_files(tmp_path)) == 1


def test_a_checkpoint_that_cannot_be_opened_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, {}, epochs=0, steps=1)
    newest = tmp_path / "epoch0000_step00000002_0123456789abcdef.pt"
    newest.mkdir()  # which no user may read as a file
    with pytest.raises(WeightsError, match=r"step00000002.* could not be read: Is a directory"):
        newest_checkpoint(tmp_path)
    assert newest.exists()


def test_damaged_ones_are_put_aside_only_for_an_older_one(tmp_path: Path) -> None:
    damaged, _ = write_checkpoint(tmp_path, {"at": 2}, epochs=0, steps=2)
    damaged.write_bytes(b"")
    with pytest.raises(WeightsError, match="none of the 1 checkpoints"):
        newest_checkpoint(tmp_path)
    assert damaged.exists()
    older, _ = write_checkpoint(tmp_path, {"at": 1}, epochs=0, steps=1)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0] == older
    assert sorted(tmp_path.iterdir()) == sorted([older, damaged.with_suffix(".pt.damaged")])


def test_a_full_disk_keeps_the_former(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    former, _ = write_checkpoint(tmp_path, {}, epochs=0, steps=1)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"No space left.*Free some space"):
        write_checkpoint(tmp_path, {}, epochs=0, steps=2)
    assert list(tmp_path.iterdir()) == [former]
