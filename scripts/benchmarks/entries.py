"""Sizes and times of the cache's entries for scans: as a volume to crop from, and as an item.

Each scan gets its entries in an empty cache in a temporary folder; the files are in the page cache as far
as reading them once puts them there.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._common import machine_line, say, shared_data, table, versions_line

__all__ = ["main"]

SCANS = ("c3n-00247", "lung1_image.nrrd")
CROP_SHAPE = (32, 48, 48)
ITEM_SPACING_MM = (1.0, 1.0, 2.0)
LATER = 50


def main(argv: list[str]) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="scripts/bench entries", description=__doc__)
    parser.add_argument("scans", nargs="*", type=Path, help="default: two real ones beside the checkout")
    scans = parser.parse_args(argv).scans or [shared_data() / "ct" / name for name in SCANS]
    say(f"machine:  {machine_line()}")
    say(f"versions: {versions_line()}")
    rows = [["scan", "kind", "source MB", "entry MB", "made in s", "first read ms", "later ms"]]
    for scan in scans:
        with tempfile.TemporaryDirectory() as folder:
            rows += [_volume(scan, Path(folder, "volumes")), _item(scan, Path(folder, "items"))]
    say(table(rows))
    return 0


def _volume(scan: Path, cache: Path) -> list[str]:
    """A crop's cost, with the entry's slices checked at the first."""
    from lungmonai.data import open_volume

    source_mb = _source_mb(scan)  # reads it once
    seconds, volume = _timed(lambda: open_volume(scan, cache))
    center = tuple(size / 2 for size in volume.shape)

    def crop() -> Any:
        return open_volume(scan, cache).crop(center, CROP_SHAPE)

    first = _timed(crop)[0]
    later = statistics.median(_timed(crop)[0] for _ in range(LATER))
    return _row([scan.name, "volume"], source_mb, cache, seconds, [first, later])


def _item(scan: Path, cache: Path) -> list[str]:
    """The whole item's cost, resampled, float32."""
    from monai.transforms import LoadImaged, Spacingd

    from lungmonai.data import CachedDataset

    load = LoadImaged("image", reader="lungmonai.io.CTReader", ensure_channel_first=True)
    items = CachedDataset([{"image": scan}], [load, Spacingd("image", ITEM_SPACING_MM)], cache)
    source_mb = _source_mb(scan)
    seconds = _timed(lambda: items[0])[0]
    reads = [_timed(lambda: items[0])[0] for _ in range(5)]
    return _row([scan.name, "item"], source_mb, cache, seconds, [reads[0], statistics.median(reads)])


def _row(names: list[str], source_mb: float, cache: Path, made_s: float, reads_s: list[float]) -> list[str]:
    from lungmonai.data.cache.upkeep import cache_root, used_bytes

    sizes = [source_mb, used_bytes(cache_root(cache)) / 1e6]
    times = [f"{made_s:.2f}", *(f"{seconds * 1e3:.1f}" for seconds in reads_s)]
    return [*names, *(f"{megabytes:.1f}" for megabytes in sizes), *times]


def _source_mb(scan: Path) -> float:
    from lungmonai.data.cache.files import source_files

    return sum(len(path.read_bytes()) for path in source_files(scan)) / 1e6


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found
