"""What was worked out for a scan, kept in a file of its own, so that a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.cache.files import FileFact, file_facts, source_files
from ..errors import LungmonaiError
from ..files import written_whole

__all__ = ["facts_of", "part_path", "read_part", "write_part"]

# What NumPy and zipfile raised of files with one byte changed, or cut short anywhere.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile)


def part_path(folder: Path, told: Mapping[str, Any]) -> Path:
    """The file for one scan.

    Args:
        folder: of the parts.
        told: all that decides the content, in JSON types, so that nothing stale is ever used.
    """
    return folder / f"{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]}.npz"


def facts_of(path: str) -> list[FileFact]:
    """Size and time of every file of a scan; nothing where it cannot be read: its reader says why."""
    try:
        return file_facts(source_files(Path(path)))
    except (OSError, LungmonaiError):
        return []


def write_part(part: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep arrays by name.

    Raises:
        OutputError: the file could not be written.
    """
    with written_whole(part) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_part(part: Path, names: Collection[str]) -> dict[str, NDArray[Any]] | None:
    """Arrays that were kept; None where there is no such file, or a damaged one.

    Args:
        part: the file.
        names: of the arrays.
    """
    try:
        with np.load(part) as kept:
            return {name: kept[name] for name in names}
    except _DAMAGED:
        return None
