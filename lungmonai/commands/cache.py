"""`lungmonai cache`: fill it, look at it, check it, empty it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .verb import FOUND, say, verb

__all__ = ["add"]

_GB = 1e9


def add(verbs: Any) -> None:
    """Add `lungmonai cache warm|stat|verify|clear`."""
    parser = verbs.add_parser("cache", help="the cache of data", description="the cache of data")
    cache = parser.add_subparsers(required=True, metavar="VERB")
    option = _verb(cache, "warm", _warm, "make the entries that a datalist's scans and masks need")
    option("datalist", type=Path, help="a datalist of this project")
    option("--workers", type=int, default=1, metavar="N", help="volumes at a time (default: %(default)s)")
    option("--budget-gb", type=float, metavar="GB", help="most that the cache may hold (default: no limit)")
    option("--quiet", action="store_true", help="no progress")
    _verb(cache, "stat", _stat, "say what the cache holds")
    option = _verb(cache, "verify", _verify, "check every entry; exit status 8 if one is damaged")
    option("--remove", action="store_true", help="remove the damaged ones")
    option("--quiet", action="store_true", help="no progress")
    option = _verb(cache, "clear", _clear, "remove the data's entries")
    option("--older-than", type=float, metavar="DAYS", help="only those not used for so many days")
    option("--all", action="store_true", help="the converted models as well")


def _verb(
    verbs: Any, name: str, run: Callable[[argparse.Namespace], int | None], what: str
) -> Callable[..., Any]:
    option = verb(verbs, name, run, what)
    option("--cache-dir", type=Path, metavar="DIR",
        help="the cache's folder (default: LUNGMONAI_CACHE, else the user's cache folder)")  # fmt: skip
    return option


def _warm(arguments: argparse.Namespace) -> int:
    from ..data.cache.store import CacheStore
    from ..data.cache.warm import volumes_of, warm_volumes
    from ..data.datalist import read_datalist
    from ..errors import SettingsError
    from ..progress import Bars

    if arguments.workers < 1:
        raise SettingsError(f"--workers is {arguments.workers}", wanted="1 or more", do="Leave it out for 1.")
    store = CacheStore(arguments.cache_dir, budget_gb=arguments.budget_gb)
    volumes = volumes_of(read_datalist(arguments.datalist))
    with Bars(quiet=arguments.quiet) as bars:
        done = warm_volumes(volumes, store, workers=arguments.workers, progress=bars)
    for path, why in done.refused:
        say(f"Refused: {path}: {why}")
    if done.unkept:
        say(f"{done.unkept} entries were not kept; give a larger budget or disk, and run it again.")
    sys.stdout.write(
        f"{len(volumes)} volumes: {done.plain} need no entry, {done.there} had one, {done.made} made, "
        f"{done.unkept} not kept, {len(done.refused)} refused\n{store.folder}\n"
    )
    return FOUND if done.refused or done.unkept else 0


def _stat(arguments: argparse.Namespace) -> None:
    from ..data.cache.upkeep import cache_root, cache_use

    folder = cache_root(arguments.cache_dir)
    use = cache_use(folder)
    lines = [str(folder)]
    for kind, count in use.entries.items():
        lines.append(f"{kind}: {count} entries, {use.bytes[kind] / _GB:.3f} GB")
    lines.append(f"all: {sum(use.entries.values())} entries, {sum(use.bytes.values()) / _GB:.3f} GB")
    if use.oldest_s is not None:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(use.oldest_s))
        lines.append(f"used least recently: {since}")
    lines.append(f"left by killed writers: {use.orphans} files")
    sys.stdout.write("\n".join(lines) + "\n")


def _verify(arguments: argparse.Namespace) -> int:
    from ..data.cache.upkeep import cache_root, cache_use, damaged_entries, remove_file
    from ..progress import Bars

    folder = cache_root(arguments.cache_dir)
    count = sum(cache_use(folder).entries.values())
    with Bars(quiet=arguments.quiet) as bars:
        damaged = damaged_entries(folder, bars)
    for path, why in damaged:
        sys.stdout.write(f"{why}\n")
        if arguments.remove:
            remove_file(path)
    removed = ", removed" if arguments.remove and damaged else ""
    sys.stdout.write(f"{count} entries, {len(damaged)} damaged{removed}\n")
    return FOUND if damaged else 0


def _clear(arguments: argparse.Namespace) -> None:
    from ..data.cache.upkeep import cache_root, clear_cache, clear_models
    from ..errors import SettingsError

    days = arguments.older_than
    if days is not None and (arguments.all or not days > 0):
        raise SettingsError(
            f"--older-than {days:g}{' with --all' if arguments.all else ''}",
            wanted="a number of days above 0, without --all",
            do="Leave out one of them.",
        )
    count, size = clear_cache(cache_root(arguments.cache_dir), unused_days=days or 0.0)
    if arguments.all:
        models, more = clear_models(arguments.cache_dir)
        count, size = count + models, size + more
    sys.stdout.write(f"{count} files removed, {size / _GB:.3f} GB\n")
