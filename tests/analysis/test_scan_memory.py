"""Answers come back to the last bit, for the same question only."""

from pathlib import Path

import numpy as np
import pytest

from lungmonai.analysis.scan_memory import ScanMemory, question
from lungmonai.errors import OutputError

VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
ANSWER = np.array([0.1, 1 / 3, np.nan], np.float32)


def ask(memory: ScanMemory, name: str, answer: np.ndarray = ANSWER) -> bool:
    """Whether it had to be worked out."""
    worked = []
    found = memory.recall(name, lambda: worked.append(name) or answer)
    np.testing.assert_array_equal(found, answer)
    assert found.dtype == answer.dtype
    return bool(worked)


def kept(path: Path, *names: str) -> Path:
    memory = ScanMemory()
    memory.open(path)
    for name in names:
        ask(memory, name)
    memory.keep(path)
    return path


def test_what_was_answered_is_known_the_next_time(tmp_path: Path) -> None:
    path = kept(tmp_path / "x.npz", "a", "b")
    memory = ScanMemory()
    memory.open(path)
    assert [ask(memory, name) for name in "abc"] == [False, False, True]


def test_a_file_holds_what_was_asked_last(tmp_path: Path) -> None:
    path = kept(tmp_path / "x.npz", "a", "b")
    before = path.stat().st_mtime_ns
    kept(path, "b", "a")
    assert path.stat().st_mtime_ns == before  # nothing new: not written
    kept(path, "b")
    memory = ScanMemory()
    memory.open(path)
    assert [ask(memory, name) for name in "ab"] == [True, False]


def test_one_that_is_closed_remembers_nothing(tmp_path: Path) -> None:
    memory = ScanMemory()
    assert [ask(memory, "a"), ask(memory, "a")] == [True, True]
    memory.keep(tmp_path / "none.npz")
    assert not list(tmp_path.iterdir())
    memory.open(kept(tmp_path / "x.npz", "a"))
    memory.close()
    assert ask(memory, "a")


def test_a_damaged_file_knows_nothing(tmp_path: Path) -> None:
    path = kept(tmp_path / "x.npz", "a")
    path.write_bytes(path.read_bytes()[:-9])
    memory = ScanMemory()
    memory.open(path)
    assert ask(memory, "a")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"x\.npz could not be written"):
        kept(tmp_path / "none" / "x.npz", "a")


def test_a_question_is_its_words_and_its_voxels() -> None:
    asked = question("model", 0.5, voxels=VOXELS)
    assert question("model", 0.5, voxels=np.asfortranarray(VOXELS)) == asked
    changed = VOXELS.copy()
    changed[1, 2, 3] += 1
    others = [
        question("other", 0.5, voxels=VOXELS),
        question("model", 0.6, voxels=VOXELS),
        question("model", 0.5, voxels=changed),
        question("model", 0.5, voxels=VOXELS.reshape(3, 2, 4)),
    ]
    assert len({asked, *others}) == 5
