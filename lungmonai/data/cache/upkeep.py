"""What lies in the cache's folder, and how it is kept small.

An entry's time of last access is when it was last used: `CacheStore` sets it. Its time of last change is
when it was made. Partial files are of writers that run, or of ones that were killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError, OutputError
from ...progress import Progress
from .entry import SUFFIX, check_entry

__all__ = [
    "ORPHAN_AGE_S",
    "CacheEntry",
    "CacheUse",
    "cache_entries",
    "cache_root",
    "cache_use",
    "clear_cache",
    "clear_models",
    "damaged_entries",
    "make_room",
    "orphans",
    "remove_file",
    "used_bytes",
]

# No entry takes an hour to write; a partial file this old belongs to nobody.
ORPHAN_AGE_S = 3600.0
# Room is made with some to spare, so that not every write has to look for it.
_SPARE = 0.05
_PARTIAL, _LOCK = ".partial-", ".lock-"


@dataclass(frozen=True)
class CacheEntry:
    """One entry's file.

    Args:
        path: of the file.
        kind: of its content.
        size_bytes: of the file.
        used_s: when it was last used, seconds since 1970.
    """

    path: Path
    kind: str
    size_bytes: int
    used_s: float


@dataclass(frozen=True)
class CacheUse:
    """What the cache holds.

    Args:
        entries: number of entries by kind.
        bytes: their sizes by kind.
        oldest_s: when the one that was not used for longest was used; None where there is none.
        orphans: files left by writers that were killed.
    """

    entries: dict[str, int]
    bytes: dict[str, int]
    oldest_s: float | None
    orphans: int


def cache_root(cache_dir: Path | str | None = None) -> Path:
    """Folder of the data's entries.

    Args:
        cache_dir: the cache's folder; default: `LUNGMONAI_CACHE`, else the user's cache folder.
    """
    from ...analysis.converted import cache_folder

    return (cache_folder() if cache_dir is None else Path(cache_dir)) / "data"


def cache_entries(folder: Path) -> Iterator[CacheEntry]:
    """Every entry below the data's folder."""
    for kind, path in _files(folder):
        if path.suffix == SUFFIX and not path.name.startswith("."):
            with suppress(FileNotFoundError):
                found = path.stat()
                yield CacheEntry(path, kind, found.st_size, found.st_atime)


def orphans(folder: Path) -> list[Path]:
    """Partial files and locks that no process has touched for an hour."""
    limit = time.time() - ORPHAN_AGE_S
    old = []
    for _, path in _files(folder):
        if path.name.startswith((_PARTIAL, _LOCK)):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    old.append(path)
    return old


def used_bytes(folder: Path) -> int:
    """Bytes of all entries."""
    return sum(entry.size_bytes for entry in cache_entries(folder))


def cache_use(folder: Path) -> CacheUse:
    """Count the entries."""
    found = list(cache_entries(folder))
    kinds = sorted({entry.kind for entry in found})
    return CacheUse(
        {kind: sum(entry.kind == kind for entry in found) for kind in kinds},
        {kind: sum(entry.size_bytes for entry in found if entry.kind == kind) for kind in kinds},
        min((entry.used_s for entry in found), default=None),
        len(orphans(folder)),
    )


def make_room(folder: Path, size: int, budget: int, *, keep_from: float | None = None) -> int:
    """Remove the entries used least recently until `size` more bytes fit into the budget.

    An entry that another process has mapped stays readable to it until it lets go.

    Args:
        folder: the data's folder.
        size: bytes wanted.
        budget: bytes allowed; nothing goes where it can never hold `size`.
        keep_from: entries used since then (seconds since 1970) stay.

    Returns:
        Bytes of the entries that are left.
    """
    entries = sorted(cache_entries(folder), key=lambda entry: entry.used_s)
    left = sum(entry.size_bytes for entry in entries)
    if size > budget or left + size <= budget:
        return left
    for entry in entries:
        if left + size <= budget * (1 - _SPARE) or (keep_from is not None and entry.used_s >= keep_from):
            break
        with suppress(OSError):
            entry.path.unlink()
            left -= entry.size_bytes
    return left


def damaged_entries(folder: Path, progress: Progress) -> list[tuple[Path, str]]:
    """Check every hash of every entry.

    Args:
        folder: the data's folder.
        progress: called with `verify`, entries done and entries in all.

    Returns:
        The damaged ones, each with the reason.
    """
    entries = list(cache_entries(folder))
    damaged = []
    for done, entry in enumerate(entries, start=1):
        try:
            used = entry.path.stat()
            check_entry(entry.path)
            with suppress(OSError):  # another user's entry is no worse for it
                # Having been checked is not having been used.
                os.utime(entry.path, ns=(used.st_atime_ns, used.st_mtime_ns))
        except FileNotFoundError:
            pass
        except (DataError, OSError) as error:
            damaged.append((entry.path, str(error)))
        progress("verify", done, len(entries))
    return damaged


def clear_cache(folder: Path, *, unused_days: float = 0.0) -> tuple[int, int]:
    """Remove entries, and what killed writers left.

    Args:
        folder: the data's folder.
        unused_days: only entries that were not used for so long.

    Returns:
        Entries removed, and their bytes.

    Raises:
        OutputError: one may not be removed.
    """
    limit = time.time() - unused_days * 86_400
    count = size = 0
    for entry in list(cache_entries(folder)):
        if unused_days == 0 or entry.used_s < limit:
            remove_file(entry.path)
            count, size = count + 1, size + entry.size_bytes
    for path in orphans(folder):
        remove_file(path)
    return count, size


def clear_models(cache_dir: Path | str | None = None) -> tuple[int, int]:
    """Remove the networks that were converted for OpenVINO; they are converted again when needed.

    Args:
        cache_dir: the cache's folder; default: `LUNGMONAI_CACHE`, else the user's cache folder.

    Returns:
        Files removed, and their bytes.

    Raises:
        OutputError: one may not be removed.
    """
    files = [path for path in (cache_root(cache_dir).parent / "openvino").glob("*-*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    for path in files:
        remove_file(path)
    return len(files), size


def remove_file(path: Path) -> None:
    """Remove a file that may be gone already.

    Raises:
        OutputError: it may not be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path} could not be removed: {error.strerror}",
            wanted="a cache that this account may write to",
            do="Clear it from an account that owns it.",
        ) from error


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(kind, path) of every file where entries lie: kind, two digits of the key, file."""
    for path in folder.glob("*/??/*"):
        yield path.parts[-3], path
