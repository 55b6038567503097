"""Which files a value of an item stands for, and what tells that they have changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...errors import ScanError, SettingsError

__all__ = ["FileFact", "file_facts", "source_files"]

# (absolute path, bytes, time of the last change in ns).
FileFact = tuple[str, int, int]

# Far over the slices of any study; an item that names a home folder would take minutes to look at.
_MOST_FILES = 20_000
_WITH_HEADER = (".mhd", ".nhdr")


def source_files(path: Path) -> tuple[Path, ...]:
    """Every file that reading `path` reads.

    That is the file; a header and the file of its voxels; every file below a folder, and beside a DICOM
    slice, whose whole series is read. Hidden files count for nothing, as for the reader.

    Raises:
        SettingsError: a folder with far more files than a scan has.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        return _limited(path, _files_below(path))
    if suffix in _WITH_HEADER:
        return _with_voxels(path)
    if suffix == ".dcm" or (not suffix and _is_dicom(path)):
        return _limited(path.parent, _files_in(path.parent))
    return (path,)


def file_facts(files: Iterable[Path]) -> list[FileFact]:
    """Size and time of the last change of each file.

    Raises:
        OSError: one is not there.
    """
    facts = []
    for path in files:
        name = os.path.abspath(path)  # noqa: PTH100 - links keep the name that the user gave
        found = os.stat(name)  # noqa: PTH116 - called for every sample
        facts.append((name, found.st_size, found.st_mtime_ns))
    return facts


def _with_voxels(header: Path) -> tuple[Path, ...]:
    from ...io.metaimage import read_metaimage_header
    from ...io.nrrd import read_nrrd_header

    read = read_metaimage_header if header.suffix.lower() == ".mhd" else read_nrrd_header
    try:
        voxels = read(header)[0].path
    except ScanError:  # whoever reads the scan says what is wrong
        return (header,)
    return (header,) if voxels == header else (header, voxels)


def _is_dicom(path: Path) -> bool:
    from ...io.dicom_tags import is_dicom

    return is_dicom(path)


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, _ in os.walk(folder):
        folders.sort()
        yield from _files_in(Path(parent))


def _files_in(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    return [folder / name for name in sorted(names)]


def _limited(folder: Path, files: Iterable[Path]) -> tuple[Path, ...]:
    found = []
    for path in files:
        found.append(path)
        if len(found) > _MOST_FILES:
            raise SettingsError(
                f"{folder} holds more than {_MOST_FILES:,} files",
                wanted="the folder of one scan",
                do="Name the scan's own folder in the item.",
            )
    return tuple(found)
