"""Files are written whole or not at all."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from lungmonai.errors import OutputError
from lungmonai.files import make_folder, sha256_of, written_whole


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "scan.nii.gz"
    with written_whole(target) as partial:
        partial.write_bytes(b"half")
        assert not target.exists()
        assert partial.name.endswith(".nii.gz")
    assert target.read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [target]


def write_half(target: Path, error: BaseException) -> None:
    with written_whole(target) as partial:
        partial.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(type(error)):
        write_half(target, error)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"could not be written: No space left.*room for the results"):
        write_half(tmp_path / "table.csv", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_write_that_the_system_refuses_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left"), written_whole(tmp_path / "table.csv"):
        Path("/dev/full").write_text("anything")
    assert list(tmp_path.iterdir()) == []


def test_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with written_whole(tmp_path / "table.csv") as partial:
            partial.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "table.csv").stat().st_mode & 0o777 == 0o640


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError, match=r"a/b could not be written"):
        make_folder(tmp_path / "a" / "b")


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()
