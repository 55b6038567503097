"""Our reading of LIDC compared with what others published of the same nodules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from .database import RATINGS, LidcDatabase, LidcScan
from .frames import Frame, LpsBox, place_box
from .match import Match, match_annotations
from .nodules import LidcNodule, lidc_nodules
from .published import PLACE, read_place, read_ratings, read_rows, read_truth

__all__ = [
    "EXACT_MM",
    "Compared",
    "PublishedRow",
    "averaged_by",
    "commonest",
    "compare_published",
    "read_published",
]

_CORNERS = tuple(f"bbox{corner}{axis}" for corner in ("Low", "High") for axis in "XYZ")
# Published positions have nine digits; frames that come from rounded boxes are a micrometre off.
EXACT_MM = 0.005


@dataclass(frozen=True)
class PublishedRow:
    """A nodule as it was published.

    Args:
        series_uid: of its scan.
        lps_mm: its centre.
        diameter_mm: its diameter.
        box: its corners, LPS mm.
        malignant: what was said of it.
        ratings: each reader's rating of malignancy, where the table has them.
        commonest: for LIDC's ratings the one that most readers gave, where the table has them.
        readings: how many readings the table counts.
        file: name of its image, where the table has it.
    """

    series_uid: str
    lps_mm: tuple[float, float, float]
    diameter_mm: float
    box: LpsBox
    malignant: bool
    ratings: list[int] = field(default_factory=list)
    commonest: dict[str, int] = field(default_factory=dict)
    readings: int = 0
    file: str = ""


@dataclass(frozen=True, eq=False)
class Compared:
    """A published nodule and what was found of it in LIDC.

    Args:
        row: as published.
        scan: None where LIDC does not hold the series.
        frame: where the scan lies; None where that could not be told.
        by_others: whether the frame comes from other nodules of the scan than this one.
        match: None where no nodule of LIDC lies within half the diameter.
    """

    row: PublishedRow
    scan: LidcScan | None
    frame: Frame | None
    by_others: bool
    match: Match | None


def read_published(path: Path) -> list[PublishedRow]:
    """Read `annotations_with_malignancy.csv`, or the `nodules.csv` of cut-out LIDC nodules.

    Args:
        path: a CSV file with the series, position, diameter and box of each nodule in LPS mm, and
            either `mal_bool` and `mal_details` or `diagnosis_value` and the commonest ratings.

    Raises:
        DataError: it cannot be read, lacks a column, or a row makes no sense.
    """
    return list(read_rows(path, (*PLACE, *_CORNERS), _row))


def _row(row: dict[str, str]) -> PublishedRow:
    series_uid, lps_mm, diameter_mm = read_place(row)
    x, y, z, far_x, far_y, far_z = (float(row[name.lower()]) for name in _CORNERS)
    ratings = read_ratings(row.get("maldetails", "[]"))
    columns = {name: name.replace("_", "") + "value" for name in RATINGS}
    return PublishedRow(
        series_uid=series_uid,
        lps_mm=lps_mm,
        diameter_mm=diameter_mm,
        box=((x, y, z), (far_x, far_y, far_z)),
        malignant=read_truth(row.get("malbool") or row["diagnosisvalue"]),
        ratings=ratings,
        commonest={name: int(row[column]) for name, column in columns.items() if column in row},
        readings=len(ratings) or int(row.get("lenmaldetails", 0)),
        file=row.get("file", ""),
    )


def compare_published(
    rows: Sequence[PublishedRow], database: LidcDatabase, progress: Progress | None = None
) -> list[Compared]:
    """Find each published nodule in LIDC.

    Where a scan lies is told from the boxes published for the scan's other nodules, and only where
    there are none from its own: what a row is compared with then does not come from the row.

    Args:
        rows: published nodules.
        database: LIDC's readings.
        progress: called with (stage, done, total).

    Returns:
        one for each row, scan by scan.
    """
    scans: defaultdict[str, list[PublishedRow]] = defaultdict(list)
    for row in rows:
        scans[row.series_uid].append(row)
    compared: list[Compared] = []
    for done, (series_uid, mine) in enumerate(scans.items()):
        if progress:
            progress("compare", done, len(scans))
        compared += _compared(mine, database.scan(series_uid))
    if progress:
        progress("compare", len(scans), len(scans))
    return compared


def _compared(rows: Sequence[PublishedRow], scan: LidcScan | None) -> Iterator[Compared]:
    """The rows of one scan."""
    if scan is None:
        yield from (Compared(row, None, None, False, None) for row in rows)
        return
    nodules = lidc_nodules(scan)
    frames = [place_box(scan, nodules, row.box, row.diameter_mm) for row in rows]
    places, sizes = [row.lps_mm for row in rows], [row.diameter_mm for row in rows]
    for i, row in enumerate(rows):
        # A nodule that is listed twice is no other one.
        others = (frame for other, frame in zip(rows, frames, strict=True) if other.box != row.box)
        other = next(filter(None, others), None)
        frame = other or frames[i]
        match = match_annotations(nodules, frame.lps_from_vox, places, sizes)[i] if frame else None
        yield Compared(row, scan, frame, other is not None, match)


def commonest(nodule: LidcNodule) -> dict[str, int]:
    """For each rating what most readers gave, the lowest where two are as common."""
    return {
        name: min(values, key=lambda value: (-values.count(value), value))
        for name, values in nodule.ratings.items()
    }


def averaged_by(one: Compared) -> int:
    """How many of the nodule's readings LUNA16 averaged to its centre and diameter; 0 if it cannot be told.

    LUNA16 merged two readings to their mean, that mean and the next reading to theirs, and so on, so
    that readings weigh differently. Every order of two or more readings is tried.

    Args:
        one: a row that has a match.
    """
    if one.match is None or one.frame is None:
        return 0
    said = np.array([*one.row.lps_mm, one.row.diameter_mm])
    values = _readings_lps(one.match.nodule, one.frame)
    for count in range(len(values), 1, -1):
        for chosen in combinations(values, count):
            if any(np.abs(mean - said).max() < EXACT_MM for mean in _pairwise_means(chosen)):
                return count
    return 0


def _readings_lps(nodule: LidcNodule, frame: Frame) -> list[NDArray[np.float64]]:
    """For each reading (x, y, z, diameter) in mm."""
    centers = frame.lps_from_vox(nodule.reading_centers_vox)
    return list(np.column_stack((centers, nodule.reading_diameters_mm)))


def _pairwise_means(values: Sequence[NDArray[np.float64]]) -> Iterator[NDArray[np.float64]]:
    """What repeated means of two leave in the end, for every order in which they can be taken."""
    if len(values) == 1:
        yield values[0]
    for i, j in combinations(range(len(values)), 2):
        rest = [value for k, value in enumerate(values) if k not in (i, j)]
        yield from _pairwise_means([*rest, (values[i] + values[j]) / 2])
