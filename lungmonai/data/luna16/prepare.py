"""`prepare_luna16`: a LUNA16 folder in, a datalist out; what is bad is listed, not fatal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ... import __version__
from ...errors import DataError, SettingsError
from ...files import make_folder, sha256_of
from ...progress import Progress
from ..datalist import SPLITS, Datalist, ScanItem, write_datalist
from ..splits import SHARES, assign_folds, assign_splits
from .check_log import CheckLog, check_scans
from .counts import counts_of, notes_on
from .files import Luna16Files, SubsetScan, find_luna16, without_dots
from .items import Collected, Luna16Tables, collect_item, quarantined_rows, read_luna16_tables
from .quarantine import Quarantined, write_quarantine
from .readings import Readings
from .scan_check import ScanCheck

__all__ = ["Prepared", "prepare_luna16"]

# More than this many scans at a time only wait for the same disk.
_MOST_WORKERS = 8


@dataclass(frozen=True, eq=False)
class Prepared:
    """What `prepare_luna16` wrote.

    Args:
        datalist: path of the datalist.
        quarantine: path of the list of what was left out.
        facts: what the datalist says of the whole: counts, notes, tables, split.
        lists: its items for each name in `SPLITS`.
        quarantined: what was left out.
    """

    datalist: Path
    quarantine: Path
    facts: Datalist
    lists: dict[str, list[ScanItem]]
    quarantined: tuple[Quarantined, ...]


def prepare_luna16(
    root: Path,
    output: Path | None = None,
    *,
    annotations: Path | None = None,
    candidates: Path | None = None,
    excluded: Path | None = None,
    malignancy: Path | None = None,
    seed: int = 0,
    shares: Sequence[float] = SHARES,
    folds: Literal["subset", "patient"] = "subset",
    move_patients: bool = False,
    workers: int | None = None,
    progress: Progress = lambda *_: None,
) -> Prepared:
    """Check every scan, read the tables, and write one datalist and `quarantine.csv` beside it.

    A second run checks only scans that are new or changed. The same files, options and version give
    the same bytes.

    Args:
        root: folder that holds `subset0` and so on, or some of them, and the tables.
        output: the datalist, whose name ends in `.json`; None writes `datalist.json` into `root`.
        annotations: table of nodules; None looks for it in `root`, as for the others.
        candidates: table of candidates.
        excluded: table of findings that count neither way.
        malignancy: LUNA16's annotations with malignancy; None takes LIDC's database where it is not found.
        seed: of splits, and of folds by patient.
        shares: of training, validation and test, in patients.
        folds: LUNA16's subsets, or dealt out by patient.
        move_patients: put the scans of a patient who is in two subsets into one fold.
        workers: scans to check at a time; None takes the number of processors, at most 8.
        progress: called with (stage, done, total).

    Raises:
        DataError: no scans, no annotations, a table without a needed column, or no scan that is good.
        OutputError: the results could not be written.
        SettingsError: an output, shares, folds or workers that make no sense.
    """
    # 1. What is there, and where the results go.
    files = find_luna16(
        root, annotations=annotations, candidates=candidates, excluded=excluded, malignancy=malignancy
    )
    output = _output(files.root, output)
    # 2. The tables first: one that lacks a column is said before an hour of checks.
    tables, readings = read_luna16_tables(files), Readings(files)
    # 3. The scans.
    log = CheckLog(files.root, output.parent)
    checks = check_scans(
        [scan.path for scan in files.scans], log, workers=_workers(workers), progress=progress
    )
    good, left_out = _good_scans(files, checks)
    # 4. Their nodules and candidates, and what was left out.
    collected = Collected()
    items = []
    for number, scan in enumerate(good, 1):
        items.append(collect_item(scan, checks[scan.path], files, tables, readings, collected))
        progress("Collecting nodules", number, len(good))
    left_out += _bad_rows(files, tables, collected)
    quarantine = output.parent / "quarantine.csv"
    write_quarantine(quarantine, left_out)
    if not items:
        raise _no_good_scan(files, quarantine)
    # 5. Splits and folds.
    splits = assign_splits(items, seed=seed, shares=shares)
    numbers, fold_notes = assign_folds(items, by=folds, seed=seed, move=move_patients)
    for item in items:
        item["fold"] = numbers[item["seriesuid"]]
    lists = {name: [item for item in items if splits[item["seriesuid"]] == name] for name in SPLITS}
    # 6. The datalist, last: where it is, everything before was done.
    facts = _facts(files, items, left_out, seed, shares, folds, move_patients)
    facts["notes"] = notes_on(files, tables, items, collected, readings) + fold_notes
    write_datalist(output, facts, lists)
    return Prepared(output, quarantine, facts, lists, tuple(left_out))


def _output(root: Path, asked: Path | None) -> Path:
    path = root / "datalist.json" if asked is None else without_dots(Path(asked))
    # Other names are a folder, or a table that would be lost.
    if path.suffix.lower() != ".json":
        raise SettingsError(f"the datalist {path}", wanted="a file name in .json", do="Give one with -o.")
    make_folder(path.parent)
    return path


def _workers(asked: int | None) -> int:
    if asked is None:
        return min(_MOST_WORKERS, os.cpu_count() or 1)
    if asked < 1:
        raise SettingsError(f"workers is {asked}", wanted="1 or more", do="Leave it out for a good number.")
    return asked


def _good_scans(
    files: Luna16Files, checks: dict[Path, ScanCheck]
) -> tuple[list[SubsetScan], list[Quarantined]]:
    """The scans to keep, by series; and those that are bad, or a series that there is already."""
    good: dict[str, SubsetScan] = {}
    left_out = []
    for scan in files.scans:
        reason, series = checks[scan.path].reason, scan.seriesuid
        if not reason and series in good:
            reason = f"the same series as {files.shown(good[series].path)}"
        if reason:
            left_out.append(Quarantined(files.shown(scan.path), None, series, reason))
        else:
            good[series] = scan
    return [good[series] for series in sorted(good)], left_out


def _no_good_scan(files: Luna16Files, quarantine: Path) -> DataError:
    return DataError(
        f"none of the {len(files.scans)} scans below {files.root} is good",
        wanted="at least one",
        do=f"{quarantine} says why each was left out.",
    )


def _bad_rows(files: Luna16Files, tables: Luna16Tables, collected: Collected) -> list[Quarantined]:
    """Rows that were left out, in the order of tables and lines."""
    found = list(collected.quarantined)
    for kind, bad in tables.bad.items():
        found += quarantined_rows(files, kind, bad)
    return sorted(found, key=lambda row: (row.path, row.line or 0))


def _facts(
    files: Luna16Files,
    items: Sequence[ScanItem],
    left_out: Iterable[Quarantined],
    seed: int,
    shares: Sequence[float],
    folds: str,
    moved: bool,
) -> Datalist:
    tables = {
        kind: {"file": files.shown(path), "sha256": sha256_of(path)} for kind, path in files.tables.items()
    }
    return {
        "name": "phantom" if "phantom" in files.tables else "LUNA16",
        "description": "Chest CT with lung nodules, in LUNA16's layout. Positions are LPS mm.",
        "made_by": f"lungmonai {__version__}",
        "root": str(files.root),
        "tables": dict(sorted(tables.items())),
        "split": {"seed": seed, "shares": list(shares), "by": "patient"},
        "folds": {"by": folds, "patients_moved": moved},
        "counts": counts_of(items, left_out),
    }
