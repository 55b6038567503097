"""All nodules of LIDC as a table."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...files import written_whole
from ...progress import Progress
from .database import RATINGS, LidcDatabase
from .nodules import MALIGNANT_READERS, LidcNodule, lidc_nodules

__all__ = ["all_nodules", "summary", "write_nodules"]

_COLUMNS = (
    "seriesuid", "patient_id", "slice_vox", "row_vox", "column_vox", "z_mm", "diameter_mm", "readers",
    "suspicious_readers", "malignant", "readings", *RATINGS,
)  # fmt: skip
_SAID = {True: "true", False: "false", None: "ambiguous"}


def all_nodules(
    database: LidcDatabase, progress: Progress | None = None
) -> Iterator[LidcNodule]:
    """The nodules of every series, by series UID.

    Args:
        database: LIDC's readings.
        progress: called with (stage, done, total).
    """
    series = database.series()
    for done, uid in enumerate(series):
        scan = database.scan(uid)
        if scan is not None:
            yield from lidc_nodules(scan)
        if progress:
            progress("group", done + 1, len(series))


def write_nodules(path: Path, nodules: Sequence[LidcNodule]) -> None:
    """Write a CSV with one row a nodule.

    Columns: the series and patient; the centre as (slice, row, column), slices counted from the lowest,
    and its DICOM z in mm; the diameter in mm; how many readers outlined it and how many of them rated its
    malignancy 4 or 5; malignant as true, false or ambiguous; the readings' rows in the database and
    the nine ratings, each a JSON list in the same order of readers.

    Raises:
        OutputError: it could not be written.
    """
    with written_whole(Path(path)) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(map(_row, nodules))


def _row(nodule: LidcNodule) -> list[object]:
    return [
        nodule.scan.series_uid,
        nodule.scan.patient_id,
        *(f"{place:.2f}" for place in nodule.center_vox),
        f"{nodule.center_z_mm:.2f}",
        f"{nodule.diameter_mm:.3f}",
        nodule.readers,
        nodule.suspicious_readers,
        _SAID[nodule.malignant],
        json.dumps([reading.id for reading in nodule.readings]),
        *(json.dumps(values) for values in nodule.ratings.values()),
    ]


def summary(nodules: Sequence[LidcNodule]) -> str:
    """Nodules by how many readers outlined them and what the rule on malignancy says."""
    counts = Counter((nodule.readers, nodule.malignant) for nodule in nodules)
    short = Counter(
        nodule.readers
        for nodule in nodules
        if nodule.malignant is False and nodule.suspicious_readers == MALIGNANT_READERS - 1
    )
    lines = ["readers  nodules  malignant  not malignant  (one rating short)  ambiguous"]
    for readers in sorted({nodule.readers for nodule in nodules}):
        yes, no, open_ = (counts[readers, said] for said in (True, False, None))
        lines.append(f"{readers:>7}{yes + no + open_:>9}{yes:>11}{no:>15}{short[readers]:>20}{open_:>11}")
    yes, no, open_ = (sum(n for (_, said), n in counts.items() if said is k) for k in (True, False, None))
    lines.append(f"{'all':>7}{len(nodules):>9}{yes:>11}{no:>15}{short.total():>20}{open_:>11}")
    return "\n".join(lines) + "\n"
