"""The scans of one list of a datalist, or of all of them, checked before long work begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..errors import DataError
from .datalist import ScanItem, all_items, read_datalist

__all__ = ["EVERY", "listed_items"]

# In place of a list's name.
EVERY = "all"


def listed_items(datalist: Path, split: str, *, needed: Sequence[str] = ("nodules",)) -> list[ScanItem]:
    """The scans of a list.

    Args:
        datalist: the JSON file.
        split: the list's name, or `EVERY`.
        needed: keys that each scan must have.

    Raises:
        DataError: no datalist, an empty list, a scan without such a key, or one that is listed twice.
    """
    items = [item for name, item in all_items(read_datalist(datalist)) if split in (name, EVERY)]
    if not items:
        raise DataError(
            f"{datalist} has no scan in its list {split!r}", wanted="at least one", do="Name another --split."
        )
    for item in items:
        for key in needed:
            if key not in item:
                raise DataError(
                    f"{datalist}: scan {item['seriesuid']} has no {key!r}",
                    wanted="that key in every scan, with an empty list where there are none",
                    do="Add it, or make the datalist with `lungmonai prepare luna16`.",
                )
    series, times = Counter(item["seriesuid"] for item in items).most_common(1)[0]
    if times > 1:
        raise DataError(
            f"{datalist} lists scan {series} {times} times", wanted="each scan once", do="Remove the others."
        )
    return items
