"""The cache's folder: an entry is made once, by whichever process asks first, and read by all.

Nothing here trusts what it finds. An entry that is damaged or not ours is said once and made again; a full
disk or a folder that cannot be written is said once, and work goes on without the cache.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from ...errors import DataError, OutputError, SettingsError
from .entry import SUFFIX, write_entry
from .upkeep import cache_root, make_room, used_bytes

__all__ = ["LOCK_WAIT_S", "CacheStore", "Content"]

# A dead process frees its lock at once. One that lives and makes nothing in this time is not waited for:
# reading a scan takes seconds.
LOCK_WAIT_S = 600.0
_BYTES_PER_GB = 10**9
# Other processes fill the folder too; it is counted again when this share of the budget was written.
_COUNT_AGAIN = 0.02

_T = TypeVar("_T")
_log = logging.getLogger("lungmonai")
# Threads of one process share a store's count.
_COUNTING = threading.Lock()


@dataclass(frozen=True, eq=False)
class Content:
    """What an entry is to hold.

    Args:
        about: what its key was made of.
        values: JSON types.
        arrays: by name.
    """

    about: str
    values: Any
    arrays: dict[str, NDArray[Any]]

    @property
    def size_bytes(self) -> int:
        """Bytes of the arrays; the rest of an entry is small beside them."""
        return sum(array.nbytes for array in self.arrays.values())


class CacheStore:
    """Entries below one folder, with a budget.

    It can go to worker processes; each of them counts and warns for itself.

    Args:
        cache_dir: the cache's folder; default: `LUNGMONAI_CACHE`, else the user's cache folder.
        budget_gb: the entries used least recently go when all together take more than this many 10⁹
            bytes; None for no limit.

    Raises:
        SettingsError: the budget is not above 0, or not finite.
    """

    def __init__(self, cache_dir: Path | str | None = None, *, budget_gb: float | None = None) -> None:
        if budget_gb is not None and not 0 < budget_gb < math.inf:
            raise SettingsError(
                f"the budget is {budget_gb} GB",
                wanted="more than 0, and finite",
                do="Leave it out for no limit.",
            )
        self.folder = cache_root(cache_dir)
        self.budget_bytes = None if budget_gb is None else int(budget_gb * _BYTES_PER_GB)
        self.keep_from: float | None = None
        self._writes = True
        self._said: set[Path] = set()
        self._said_full = False
        self._used: int | None = None
        self._since_count = 0

    def path_of(self, kind: str, key: str) -> Path:
        """Where an entry lies.

        Args:
            kind: the folder of its kind.
            key: 64 hexadecimal digits.
        """
        return self.folder / kind / key[:2] / f"{key}{SUFFIX}"

    def fetch(
        self,
        kind: str,
        key: str,
        read: Callable[[Path], _T],
        make: Callable[[], tuple[_T, Content]],
    ) -> _T:
        """What `read` gives for an entry, which is made first if it is not there.

        Args:
            kind: the folder of its kind.
            key: its name.
            read: raises DataError for an entry that is damaged.
            make: what to use where the entry cannot be written, and what to write.
        """
        path = self.path_of(kind, key)
        found = self._found(path, read)
        if found is not None:
            return found[0]
        with self._locked(path):
            found = self._found(path, read)  # another process may have made it meanwhile
            if found is not None:
                return found[0]
            value, content = make()
            if not self._written(path, content):
                return value
            found = self._found(path, read)
        return value if found is None else found[0]

    def _found(self, path: Path, read: Callable[[Path], _T]) -> tuple[_T] | None:
        try:
            value = read(path)
            _touch(path)
        except DataError as error:
            if path not in self._said:
                self._said.add(path)
                _log.warning("%s It is made again.", error)
            return None
        except OSError:
            return None
        return (value,)

    def _written(self, path: Path, content: Content) -> bool:
        if not self._writes or not self._fits(path, content):
            return False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_entry(path, content.about, content.values, content.arrays)
        except (OSError, OutputError) as error:
            self._writes = False
            _log.warning(
                "%s Work goes on without it: nothing more is kept in the cache %s.", error, self.folder
            )
            return False
        return True

    def _fits(self, path: Path, content: Content) -> bool:
        """Make room for an entry; False where the budget has none."""
        if self.budget_bytes is None:
            return True
        with _COUNTING:
            return self._has_room(path, content.size_bytes, self.budget_bytes)

    def _has_room(self, path: Path, size: int, budget: int) -> bool:
        if self._used is None or self._since_count > _COUNT_AGAIN * budget:
            self._used, self._since_count = used_bytes(self.folder), 0
        if self._used + size > budget:
            self._used = make_room(self.folder, size, budget, keep_from=self.keep_from)
        if self._used + size > budget:
            if not self._said_full:
                self._said_full = True
                text = "The cache's budget has no room for %s (%d bytes): it is not kept, and so with others."
                _log.warning(text, path, size)
            return False
        self._used += size
        self._since_count += size
        return True

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """Hold an entry's lock; where that cannot be had, go on: the worst is that it is made twice."""
        from filelock import FileLock

        lock = FileLock(str(path.with_name(f".lock-{path.stem}")), timeout=LOCK_WAIT_S)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except (OSError, NotImplementedError):  # filelock's Timeout is an OSError
            yield
            return
        try:
            yield
        finally:
            # Removed while it is held: whoever waits for this file sees that it has no name any more.
            Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()


def _touch(path: Path) -> None:
    """Note that an entry was used: file systems are often mounted so that reading does not."""
    with suppress(OSError):  # somebody else's cache may be read all the same
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
