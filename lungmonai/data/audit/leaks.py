"""Leaks between lists of scans: what one list shares with another and should not.

Two scans are reported once, under what ties them closest: a shared series is not said again as a shared
study and patient, nor the same file as equal content. Nodules are said beside the series that they lie in.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter

import numpy as np

from ...errors import DataError, SettingsError
from ...progress import Progress
from .content import Contents, compare_contents
from .lists import ScanEntry, ScanList

__all__ = ["KINDS", "RADIUS_MM", "Audit", "Leak", "find_leaks"]

# LUNA16's median nodule measures 6.4 mm: positions this near are one nodule, or nearly touch.
RADIUS_MM = 5.0

# What is shared, in the order of the report. The last is no leak: see `Audit.leaks`.
KINDS = ("series", "study", "patient", "nodule", "content", "slice", "source")
_WARNINGS = ("source",)

_Point = tuple[float, float, float]
_Key = Callable[[ScanEntry], str | None]


@dataclass(frozen=True)
class Leak:
    """One thing that two lists share.

    Args:
        kind: one of `KINDS`.
        lists: names of the two lists.
        shared: the UID, patient, hash or readings that they share.
        first: scans of the first list that it ties to the second.
        second: and of the second list.
        points_lps: for a nodule, its position in each list, LPS mm.
        distance_mm: between them.
    """

    kind: str
    lists: tuple[str, str]
    shared: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    points_lps: tuple[_Point, _Point] | None = None
    distance_mm: float | None = None


@dataclass(frozen=True)
class Audit:
    """What an audit found, and how far it could look.

    Args:
        found: everything shared, by list, then in the order of `KINDS`.
        notes: what could not be compared, one sentence each.
        unread: images that could not be compared, with the reason.
    """

    found: tuple[Leak, ...]
    notes: tuple[str, ...]
    unread: dict[str, str]

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """All but the warnings: a nodule's shape used twice is a choice of who made the scans."""
        return tuple(leak for leak in self.found if leak.kind not in _WARNINGS)

    @property
    def warnings(self) -> tuple[Leak, ...]:
        """What is no leak but should be known."""
        return tuple(leak for leak in self.found if leak.kind in _WARNINGS)


def find_leaks(
    lists: Sequence[ScanList],
    *,
    radius_mm: float = RADIUS_MM,
    content: bool = True,
    progress: Progress = lambda stage, done, total: None,
) -> Audit:
    """Compare every list with every other.

    Args:
        lists: two or more.
        radius_mm: nodules of one series at most this far apart are the same.
        content: also compare the voxels of the image files.
        progress: called with (stage, done, total).

    Raises:
        DataError: fewer than two lists.
        SettingsError: the radius is no distance.
    """
    if len(lists) < 2:
        raise DataError(
            f"there is one list of scans, {', '.join(one.name for one in lists) or 'and it is empty'}",
            wanted="two or more to compare",
            do="Give two files, or a datalist with training, validation and test.",
        )
    if not (math.isfinite(radius_mm) and radius_mm >= 0):
        raise SettingsError(f"a radius of {radius_mm:g} mm", wanted="0 mm or more", do="The default is 5.")
    images = [[entry.image for entry in one.entries if entry.image] for one in lists]
    contents = compare_contents(images, progress=progress) if content else Contents()
    found = [leak for pair in combinations(lists, 2) for leak in _between(*pair, contents, radius_mm)]
    notes = [*_patient_notes(lists), *_content_notes(lists, contents, content)]
    return Audit(tuple(found), tuple(notes), {str(path): why for path, why in contents.unread.items()})


def _between(first: ScanList, second: ScanList, contents: Contents, radius_mm: float) -> Iterator[Leak]:
    series, study, patient = (attrgetter(name) for name in ("series", "study", "patient"))

    def content(entry: ScanEntry) -> str | None:
        # A file is equal to itself, read or not.
        return None if entry.image is None else contents.wholes.get(entry.image, str(entry.image))

    def middle(entry: ScanEntry) -> str | None:
        return None if entry.image is None else contents.middles.get(entry.image)

    yield from _shared("series", first, second, series)
    yield from _shared("study", first, second, study, (series,))
    yield from _shared("patient", first, second, patient, (series, study))
    yield from _near_nodules(first, second, radius_mm)
    yield from _shared("content", first, second, content, (series,))
    yield from _shared("slice", first, second, middle, (series, content))
    yield from _shared_sources(first, second)


def _shared(
    kind: str, first: ScanList, second: ScanList, key: _Key, closer: Sequence[_Key] = ()
) -> Iterator[Leak]:
    """One leak for each value of `key` in both lists, unless all its scans are tied closer."""
    theirs = _groups(second, key)
    for value, ours in sorted(_groups(first, key).items()):
        pairs = [(a, b) for a in ours for b in theirs.get(value, ()) if not _tied(a, b, closer)]
        if pairs:
            names = [tuple(sorted({entry.name for entry in side})) for side in zip(*pairs, strict=True)]
            yield Leak(kind, (first.name, second.name), value, names[0], names[1])


def _groups(one: ScanList, key: _Key) -> dict[str, list[ScanEntry]]:
    groups: dict[str, list[ScanEntry]] = defaultdict(list)
    for entry in one.entries:
        value = key(entry)
        if value is not None:
            groups[value].append(entry)
    return groups


def _tied(first: ScanEntry, second: ScanEntry, keys: Sequence[_Key]) -> bool:
    return any(key(first) is not None and key(first) == key(second) for key in keys)


def _near_nodules(first: ScanList, second: ScanList, radius_mm: float) -> Iterator[Leak]:
    """One leak for each position of the first list that has one of the second near it."""
    from scipy.spatial import KDTree

    theirs = {entry.series: entry for entry in second.entries if entry.series and len(entry.points_lps)}
    for ours in first.entries:
        other = theirs.get(ours.series or "")
        if other is None or not len(ours.points_lps):
            continue
        far, nearest = KDTree(other.points_lps).query(ours.points_lps)
        for index in np.flatnonzero(far <= radius_mm):
            points = _point(ours.points_lps[index]), _point(other.points_lps[nearest[index]])
            names = (first.name, second.name)
            yield Leak("nodule", names, ours.name, (ours.name,), (other.name,), points, float(far[index]))


def _point(lps_mm: Sequence[float]) -> _Point:
    x, y, z = (float(value) for value in lps_mm)
    return x, y, z


def _shared_sources(first: ScanList, second: ScanList) -> Iterator[Leak]:
    """One warning for each nodule of the first list that the second has in another scan."""
    users: dict[int | str, set[ScanEntry]] = defaultdict(set)
    for entry in second.entries:
        for reading in frozenset().union(*entry.readings):
            users[reading].add(entry)
    for entry in first.entries:
        for readings in entry.readings:
            others = {user.name for reading in readings for user in users.get(reading, ())} - {entry.name}
            if others:
                shared = "LIDC readings " + ", ".join(map(str, sorted(readings, key=_in_order)))
                names = (first.name, second.name)
                yield Leak("source", names, shared, (entry.name,), tuple(sorted(others)))


def _in_order(reading: int | str) -> tuple[bool, int | str]:
    """Rows by number, then files by name."""
    return isinstance(reading, str), reading


def _patient_notes(lists: Sequence[ScanList]) -> Iterator[str]:
    for one in lists:
        unknown = sum(entry.patient is None for entry in one.entries)
        if unknown:
            of = f"{unknown} of {len(one.entries)} scans in {one.name}"
            yield f"The patient of {of} is not known; only series, nodules and images were compared."


def _content_notes(lists: Sequence[ScanList], contents: Contents, content: bool) -> Iterator[str]:
    if not content:
        yield "Image content was not compared, as asked."
        return
    for one in lists:
        unread = Counter(
            "are not named" if entry.image is None else "are not there or could not be read"
            for entry in one.entries
            if entry.image is None or entry.image in contents.unread
        )
        for why, count in sorted(unread.items()):
            of = f"{count} of {len(one.entries)} scans in {one.name}"
            yield f"The image content of {of} was not compared: their files {why}."
