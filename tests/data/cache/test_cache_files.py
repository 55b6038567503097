"""The files behind a path are those that the reader reads."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from scan_writers import KINDS, write_any, write_dicom, write_itk

from lungmonai.data.cache.files import file_facts, source_files
from lungmonai.errors import ScanError, SettingsError
from lungmonai.io import read_ct


@pytest.mark.parametrize("kind", KINDS)
def test_without_any_one_of_them_the_scan_is_another_or_none(tmp_path: Path, kind: str) -> None:
    path = write_any(tmp_path, kind)
    before = read_ct(path).hu.copy()
    files = source_files(path)
    assert len(files) == {".mhd": 2, ".mhd+z": 2, ".nhdr": 2, ".nhdr+z": 2, "dicom": 6}.get(kind, 1)
    for file in files:
        content = file.read_bytes()
        file.write_bytes(b"")
        with suppress(ScanError):  # every kind of refusal will do
            assert read_ct(path).hu.shape != before.shape
        file.write_bytes(content)


def test_one_slice_stands_for_its_series(tmp_path: Path) -> None:
    folder = write_dicom(tmp_path)
    (folder / ".hidden").write_text("")
    for name in ("0003.dcm", "0003"):
        if not (folder / name).exists():
            (folder / "0003.dcm").rename(folder / name)
        assert len(source_files(folder / name)) == 6


def test_a_bad_header_stands_for_itself(tmp_path: Path) -> None:
    path = write_itk(tmp_path / "scan.mhd")
    path.write_text("nothing")
    assert source_files(path) == (path,)


def test_a_folder_that_is_no_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lungmonai.data.cache.files._MOST_FILES", 5)
    with pytest.raises(SettingsError, match="holds more than 5 files; wanted the folder of one scan"):
        source_files(write_dicom(tmp_path))


def test_facts_change_with_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    first = file_facts([path])
    assert first == [(str(path), 3, path.stat().st_mtime_ns)]
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert file_facts([path]) != first
