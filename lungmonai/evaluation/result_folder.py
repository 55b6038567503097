"""The folder of an evaluation: one process at a time, and whole where its JSON stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import OutputError, SettingsError
from ..files import make_folder

__all__ = ["JSON", "MEMORY", "PAGE", "PARTS", "held_folder"]

# Written last: where it stands, the folder is whole.
JSON = "evaluation.json"
PAGE = "evaluation.html"
# One file for each scan that was analysed.
PARTS = "parts"
# What the networks answered, one file for each scan.
MEMORY = f"{PARTS}/networks"
_LOCK = ".lock"


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, and take away what would tell of an earlier run.

    That is the JSON, the page, and what a killed run left half-written. The operating system gives the
    folder free when a process ends, however it ends.

    Args:
        folder: for the results; made where it is not there.

    Raises:
        OutputError: it cannot be written to.
        SettingsError: another process writes there.
    """
    parts = make_folder(make_folder(folder) / PARTS)
    lock = FileLock(parts / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SettingsError(
            f"another process writes into {folder}",
            wanted="one evaluation at a time",
            do="Wait for it, or name another folder.",
        ) from error
    except OSError as error:  # a lock of another user
        raise _unusable(folder, error) from error
    try:
        _clear(folder, parts)
        yield
    finally:
        lock.release()


def _clear(folder: Path, parts: Path) -> None:
    old = [folder / JSON, folder / PAGE, *folder.glob(".partial-*"), *parts.rglob(".partial-*")]
    try:
        for path in old:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{folder} cannot be used: {error}",
        wanted="a folder for results that can be written to",
        do="Choose another output folder.",
    )
