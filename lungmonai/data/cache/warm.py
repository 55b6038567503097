"""Make the cache's entry of every scan and mask of a datalist that cannot be mapped as it is."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError, ScanError, SettingsError
from ...io.voxels import open_error
from ...progress import Progress
from ..datalist import Datalist, all_items
from ..mapped_source import VOLUMES, cached_voxels, needs_entry, own_voxels
from .files import file_facts, source_files
from .key import volume_key
from .store import CacheStore
from .upkeep import orphans

__all__ = ["Warmed", "volumes_of", "warm_volumes"]

_KIND_OF = {"image": "ct", "label": "label"}


@dataclass(frozen=True)
class Warmed:
    """What warming did.

    Args:
        plain: volumes that are mapped from their own file.
        there: entries that were there already.
        made: entries that were made.
        unkept: entries that could not be written: the disk is full, or the budget.
        refused: volumes that cannot be read, with the reason.
    """

    plain: int
    there: int
    made: int
    unkept: int
    refused: tuple[tuple[Path, str], ...]


def volumes_of(datalist: Datalist) -> list[tuple[Path, str]]:
    """(path, kind) of every scan and mask of a datalist, each once."""
    found = {
        (Path(item[key]), kind): None  # type: ignore[literal-required]
        for _, item in all_items(datalist)
        for key, kind in _KIND_OF.items()
        if key in item
    }
    return list(found)


def warm_volumes(
    volumes: Iterable[tuple[Path, str]],
    store: CacheStore,
    *,
    workers: int = 1,
    progress: Progress,
) -> Warmed:
    """Make every missing entry; what is there is kept, so that a second call goes on where one was stopped.

    Where the store has a budget, entries that were last used before the call may go for new ones; those
    that the call made or found stay, and what does not fit is counted.

    Args:
        volumes: as `volumes_of` gives them.
        store: the cache.
        workers: volumes at a time; each is held in memory once.
        progress: called with `warm`, volumes done and volumes in all.
    """
    store.keep_from = time.time()
    for path in orphans(store.folder):
        path.unlink(missing_ok=True)
    counts = dict.fromkeys(("plain", "there", "made", "unkept"), 0)
    refused = []
    with ThreadPoolExecutor(workers) as pool:
        jobs = {pool.submit(_warm, path, kind, store): path for path, kind in volumes}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                try:
                    counts[job.result()] += 1
                except (ScanError, DataError, SettingsError) as error:  # the last: a folder of everything
                    refused.append((jobs[job], str(error)))
                progress("warm", done, len(jobs))
        except BaseException:  # an interrupt must not wait for what has not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Warmed(**counts, refused=tuple(sorted(refused)))


def _warm(path: Path, kind: str, store: CacheStore) -> str:
    """Which of `Warmed`'s counts one volume belongs to."""
    if not needs_entry(path, kind):
        own_voxels(path, kind)  # refuses a file of another length
        return "plain"
    try:
        facts = file_facts(source_files(path))
    except OSError as error:
        raise open_error(path, error) from error
    entry = store.path_of(VOLUMES, volume_key(facts, kind)[0])
    there = entry.is_file()
    voxels = cached_voxels(store, path, kind, facts)
    if voxels.entry is None:
        return "unkept"
    return "there" if there else "made"
