"""What was worked out for a scan, kept in a file of its own, so that a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..data.cache.files import FileFact, file_facts, source_files
from ..data.datalist import ScanItem
from ..errors import LungmonaiError
from ..files import written_whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "facts_of",
    "kept_and_waiting",
    "part_path",
    "read_arrays",
    "read_part",
    "write_arrays",
    "write_part",
]

_Answers = TypeVar("_Answers", bound="DataclassInstance")
# What NumPy and zipfile raised of files with one byte changed, or cut short anywhere.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


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


def write_part(part: Path, answers: DataclassInstance) -> None:
    """Keep the answers on a scan.

    Args:
        part: the file.
        answers: a dataclass of arrays.

    Raises:
        OutputError: the file could not be written.
    """
    write_arrays(part, {field.name: getattr(answers, field.name) for field in fields(answers)})


def read_part(part: Path, kind: type[_Answers]) -> _Answers | None:
    """Answers that were kept; None where there is no such file, or a damaged one.

    Args:
        part: the file.
        kind: what they are, a dataclass of arrays.
    """
    kept, names = read_arrays(part) or {}, [field.name for field in fields(kind)]
    # One of a former version may lack some.
    return kind(**{name: kept[name] for name in names}) if kept.keys() >= set(names) else None


def write_arrays(part: Path, arrays: Mapping[str, NDArray[Any]], *, compressed: bool = False) -> None:
    """Keep arrays.

    Args:
        part: the file.
        arrays: by name.
        compressed: take more time and less room.

    Raises:
        OutputError: the file could not be written.
    """
    save: Callable[..., None] = np.savez_compressed if compressed else np.savez
    with written_whole(part) as partial, partial.open("wb") as file:
        save(file, **arrays)


def read_arrays(part: Path) -> dict[str, NDArray[Any]] | None:
    """Arrays that were kept, by name; None where there is no such file, or a damaged one.

    Args:
        part: the file.
    """
    try:
        with np.load(part) as kept:
            return dict(kept)
    except _DAMAGED:
        return None


def kept_and_waiting(
    items: Sequence[ScanItem], part_of: Callable[[ScanItem], Path], kind: type[_Answers]
) -> tuple[dict[str, _Answers], list[tuple[ScanItem, Path]]]:
    """What an earlier run has finished, and what is left to do.

    Args:
        items: of a datalist.
        part_of: the part of a scan.
        kind: what is kept, a dataclass of arrays.

    Returns:
        Answers by series; and the other scans with their parts, in order.
    """
    kept: dict[str, _Answers] = {}
    waiting = []
    for item in items:
        part = part_of(item)
        answers = read_part(part, kind)
        if answers is None:
            waiting.append((item, part))
        else:
            kept[item["seriesuid"]] = answers
    return kept, waiting
