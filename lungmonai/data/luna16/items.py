"""From LUNA16's tables to the items of a datalist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..datalist import ScanItem
from .files import Luna16Files, SubsetScan
from .nodules import candidates_of, findings_of, nodules_of
from .quarantine import Quarantined
from .readings import Readings
from .scan_check import ScanCheck
from .tables import POSITION, BadRow, NumberTable, read_numbers, read_patients

__all__ = ["Collected", "Luna16Tables", "collect_item", "quarantined_rows", "read_luna16_tables"]

_COLUMNS = {
    "annotations": (*POSITION, "diameter_mm"),
    "candidates": (*POSITION, "class"),
    "excluded": (*POSITION, "diameter_mm"),
}


@dataclass(frozen=True, eq=False)
class Luna16Tables:
    """The tables of a data set, read.

    Args:
        numbers: annotations, candidates and excluded findings; empty ones where there is no file.
        patients: (patient id, study UID) by series, from `patients.csv`.
        bad: rows that cannot be used, by the name of their table.
    """

    numbers: dict[str, NumberTable]
    patients: dict[str, tuple[str, str]]
    bad: dict[str, tuple[BadRow, ...]]

    def knows(self, seriesuid: str) -> bool:
        """Whether any table of positions names a series."""
        return any(seriesuid in table.rows for table in self.numbers.values())

    def elsewhere(self, here: Iterable[str]) -> Counter[str]:
        """How many rows of each table name a series that is not among those given."""
        known, counts = set(here), Counter[str]()
        for kind, table in self.numbers.items():
            counts[kind] = sum(len(rows.lines) for name, rows in table.rows.items() if name not in known)
        return +counts


@dataclass
class Collected:
    """What came together while items were made.

    Args:
        quarantined: rows that were left out.
        counts: candidates near a nodule, stray ones and repeated ones, scans that no table names, scans
            without a known patient.
    """

    quarantined: list[Quarantined] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def read_luna16_tables(files: Luna16Files) -> Luna16Tables:
    """Read annotations, candidates, excluded findings and patients.

    Raises:
        DataError: a table cannot be read or lacks a column.
    """
    numbers = {
        kind: read_numbers(files.tables[kind], columns) if kind in files.tables else NumberTable(columns)
        for kind, columns in _COLUMNS.items()
    }
    bad = {kind: table.bad for kind, table in numbers.items()}
    patients: dict[str, tuple[str, str]] = {}
    if "patients" in files.tables:
        patients, bad["patients"] = read_patients(files.tables["patients"])
    return Luna16Tables(numbers, patients, bad)


def collect_item(
    scan: SubsetScan,
    check: ScanCheck,
    files: Luna16Files,
    tables: Luna16Tables,
    readings: Readings,
    collected: Collected,
) -> ScanItem:
    """The item of one good scan; what could not be used is added to `collected`.

    Its fold is 0 until the folds are dealt out.
    """
    series, geometry = scan.seriesuid, check.geometry()
    rows = {kind: table.of(series) for kind, table in tables.numbers.items()}
    nodules, bad_nodules = nodules_of(rows["annotations"], geometry, series)
    candidates = candidates_of(rows["candidates"], nodules, geometry, series)
    readings.complete(nodules, series, geometry)
    patient, study = tables.patients.get(series) or readings.patients().get(series) or (series, "")
    collected.quarantined += quarantined_rows(files, "annotations", bad_nodules)
    collected.quarantined += quarantined_rows(files, "candidates", candidates.bad)
    collected.counts.update(
        near=candidates.near,
        stray=candidates.stray,
        repeated=candidates.repeated,
        unnamed=not tables.knows(series),
        no_patient=patient == series,
    )
    item: ScanItem = {
        "image": str(scan.path),
        "seriesuid": series,
        "patient": patient,
        "nodules": nodules,
        "candidates": candidates.rows,
        "fold": 0,
        "subset": scan.subset,
        "excluded": findings_of(rows["excluded"]),
    }
    if study:
        item["studyuid"] = study
    label = files.root / "masks" / f"{series}.nii.gz"
    if label.is_file():
        item["label"] = str(label)
    return item


def quarantined_rows(files: Luna16Files, kind: str, bad: Iterable[BadRow]) -> list[Quarantined]:
    """Bad rows of a table, as the quarantine lists them."""
    return [Quarantined(files.shown(files.tables[kind]), row.line, row.seriesuid, row.reason) for row in bad]
