"""LUNA16's tables of a data set, and three more that say the truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ...files import written_whole
from .records import NoduleRecord, ScanRecord

__all__ = ["TABLES", "write_tables"]

_POSITION = ("coordX", "coordY", "coordZ")
# The first list of candidates is shorter than the second: this many of 4 negatives are in it.
_V1_OF_4 = 3

Row = Sequence[object]


def write_tables(folder: Path, records: Sequence[ScanRecord]) -> None:
    """Write every table of a data set, each whole.

    Args:
        folder: the data set's.
        records: of all its scans.

    Raises:
        OutputError: a table could not be written.
    """
    ordered = sorted(records, key=lambda record: record.series_uid)
    for name, (columns, rows) in TABLES.items():
        with written_whole(folder / name) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if columns:
                writer.writerow(columns)
            for record in ordered:
                writer.writerows(rows(record))


def _series(record: ScanRecord) -> Iterator[Row]:
    yield (record.series_uid,)


def _patients(record: ScanRecord) -> Iterator[Row]:
    yield record.series_uid, record.patient_id, record.study_uid


def _annotations(record: ScanRecord) -> Iterator[Row]:
    for nodule in record.nodules:
        yield record.series_uid, *_numbers(nodule.lps_mm), *_numbers([nodule.diameter_mm])


def _excluded(record: ScanRecord) -> Iterator[Row]:
    for finding in record.findings:
        # LUNA16 gives a size only to nodules that too few readers marked.
        diameter = finding.diameter_mm if finding.kind == "doubtful nodule" else -1
        yield record.series_uid, *_numbers(finding.lps_mm), *_numbers([diameter])


def _malignancy(record: ScanRecord) -> Iterator[Row]:
    for row, nodule in zip(_annotations(record), record.nodules, strict=True):
        readings = list(nodule.ratings["malignancy"])
        box = (*_numbers(nodule.low_mm), *_numbers(nodule.high_mm))
        yield *row, nodule.malignant, str(readings), *box, len(readings)


def _candidates(record: ScanRecord) -> Iterator[Row]:
    for candidate in record.candidates:
        yield record.series_uid, *_numbers(candidate.lps_mm), candidate.label


def _fewer_candidates(record: ScanRecord) -> Iterator[Row]:
    for index, row in enumerate(_candidates(record)):
        if row[-1] or index % 4 < _V1_OF_4:
            yield row


def _truth(record: ScanRecord) -> Iterator[Row]:
    for nodule in record.nodules:
        yield (
            record.series_uid,
            nodule.number,
            *_numbers(nodule.lps_mm),
            *_numbers([nodule.diameter_mm]),
            nodule.malignant,
            nodule.texture,
            nodule.place,
            json.dumps(nodule.ratings),
            *_source(nodule),
        )


def _source(nodule: NoduleRecord) -> Row:
    return nodule.source_patient, nodule.source_series, json.dumps(nodule.source_ids)


def _findings(record: ScanRecord) -> Iterator[Row]:
    for finding in record.findings:
        place = (*_numbers(finding.lps_mm), *_numbers([finding.diameter_mm]))
        yield record.series_uid, finding.kind, *place


def _numbers(values: Iterable[float]) -> list[float]:
    """A micrometre is exact enough, and keeps the tables readable."""
    return [round(value, 6) for value in values]


_ANNOTATIONS = ("seriesuid", *_POSITION, "diameter_mm")
_CANDIDATES = ("seriesuid", *_POSITION, "class")
_MALIGNANCY = (
    *_ANNOTATIONS, "mal_bool", "mal_details", "bboxLowX", "bboxLowY", "bboxLowZ",
    "bboxHighX", "bboxHighY", "bboxHighZ", "len_mal_details",
)  # fmt: skip
_TRUTH = (
    "seriesuid", "number", *_POSITION, "diameter_mm", "malignant", "texture", "place", "ratings",
    "source_patient_id", "source_seriesuid", "source_annotations",
)  # fmt: skip
# Columns (none: a table without a head, as LUNA16's) and rows of each file.
TABLES: dict[str, tuple[tuple[str, ...], Callable[[ScanRecord], Iterator[Row]]]] = {
    "annotations.csv": (_ANNOTATIONS, _annotations),
    "annotations_excluded.csv": (_ANNOTATIONS, _excluded),
    "annotations_with_malignancy.csv": (_MALIGNANCY, _malignancy),
    "candidates.csv": (_CANDIDATES, _fewer_candidates),
    "candidates_V2.csv": (_CANDIDATES, _candidates),
    "patients.csv": (("seriesuid", "patient_id", "studyuid"), _patients),
    "phantom_findings.csv": (("seriesuid", "kind", *_POSITION, "diameter_mm"), _findings),
    "phantom_nodules.csv": (_TRUTH, _truth),
    "seriesuids.csv": ((), _series),
}
