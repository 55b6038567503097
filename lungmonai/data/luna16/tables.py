"""LUNA16's tables: a series and some numbers in each row.

A row that cannot be used does not stop anything: it is kept apart, with its line and the reason. A table
that lacks a column does. The list of candidates has 750,000 rows, so rows are turned into numbers by
the chunk; only a chunk in which something is wrong is gone through row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..csv_rows import opened_csv

__all__ = ["POSITION", "BadRow", "NumberTable", "Rows", "read_numbers", "read_patients"]

# LPS mm, as LUNA16 names them.
POSITION = ("coordX", "coordY", "coordZ")

_SERIES = "seriesuid"
_PATIENT = (_SERIES, "patient_id", "studyuid")
# Rows at a time: enough for speed, few enough that their text stays below some 50 MB.
_CHUNK = 65_536
_Row = list[str]


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used.

    Args:
        line: of the file, the header being line 1.
        seriesuid: as the row says it.
        reason: one sentence.
    """

    line: int
    seriesuid: str
    reason: str


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one series.

    Args:
        lines: (N,) int, of the file.
        values: (N, columns) float, finite.
    """

    lines: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NumberTable:
    """A table's usable rows, by series, and the others.

    Args:
        columns: names of the numbers.
        rows: by series UID, in the order of the file.
        bad: rows that cannot be used.
    """

    columns: tuple[str, ...]
    rows: dict[str, Rows] = field(default_factory=dict)
    bad: tuple[BadRow, ...] = ()

    def of(self, seriesuid: str) -> Rows:
        """The rows of a series, none where the table does not name it."""
        nothing = Rows(np.zeros(0, np.int64), np.zeros((0, len(self.columns))))
        return self.rows.get(seriesuid, nothing)


def read_numbers(path: Path, columns: Sequence[str]) -> NumberTable:
    """Read the series and some columns of numbers.

    Args:
        path: a CSV file with a header.
        columns: their names; other columns are ignored.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    names: dict[str, int] = {}
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    bad: list[BadRow] = []
    with opened_csv(path, (_SERIES, *columns)) as (head, rows):
        places = [head.index(name) for name in (_SERIES, *columns)]
        line = 2
        while chunk := list(islice(rows, _CHUNK)):
            lines, series, values = _numbers(chunk, line, places, columns, bad)
            keys = np.array([names.setdefault(name.strip(), len(names)) for name in series], np.int64)
            parts.append((lines, keys, values))
            line += len(chunk)
    bad.sort(key=lambda row: row.line)
    return NumberTable(tuple(columns), _by_series(names, parts), tuple(bad))


def read_patients(path: Path) -> tuple[dict[str, tuple[str, str]], tuple[BadRow, ...]]:
    """Read `patients.csv`: (patient id, study UID) of each series, and the rows that cannot be used.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    patients: dict[str, tuple[str, str]] = {}
    bad = []
    with opened_csv(path, _PATIENT) as (head, rows):
        places = [head.index(name) for name in _PATIENT]
        for line, row in enumerate(rows, 2):
            if not row:
                continue
            if len(row) <= max(places) or not all(row[place].strip() for place in places[:2]):
                bad.append(BadRow(line, row[0].strip(), "the row names no series or no patient"))
                continue
            series, patient, study = (row[place].strip() for place in places)
            if patients.setdefault(series, (patient, study)) != (patient, study):
                bad.append(BadRow(line, series, "an earlier row names another patient or study"))
    return patients, tuple(bad)


def _numbers(
    chunk: list[_Row], first: int, places: list[int], columns: Sequence[str], bad: list[BadRow]
) -> tuple[NDArray[np.int64], Sequence[str], NDArray[np.float64]]:
    """Line, series and numbers of a chunk's good rows; the others are added to `bad`."""
    try:
        texts = list(zip(*chunk, strict=True))
        values = np.array([list(map(float, texts[place])) for place in places[1:]])
        if np.isfinite(values).all() and all(map(str.strip, texts[places[0]])):
            return np.arange(first, first + len(chunk)), texts[places[0]], values.T
    except (ValueError, IndexError):
        pass  # which row it was and why, is found row by row
    good = []
    for line, row in enumerate(chunk, first):
        if row:
            reason = _wrong(row, places, columns)
            if reason:
                bad.append(BadRow(line, row[places[0]].strip() if len(row) > places[0] else "", reason))
            else:
                good.append((line, row[places[0]], [float(row[place]) for place in places[1:]]))
    lines, series, numbers = zip(*good, strict=True) if good else ((), (), ())
    return np.array(lines, np.int64), series, np.array(numbers).reshape(len(good), len(columns))


def _wrong(row: _Row, places: list[int], columns: Sequence[str]) -> str:
    """Why a row cannot be used; nothing if it can."""
    if len(row) <= max(places):
        return f"the row has {len(row)} columns, wanted at least {max(places) + 1}"
    if not row[places[0]].strip():
        return "the row names no series"
    for name, place in zip(columns, places[1:], strict=True):
        try:
            finite = bool(np.isfinite(float(row[place])))
        except ValueError:
            finite = False
        if not finite:
            return f"{name} is {row[place][:40]!r}, wanted a finite number"
    return ""


def _by_series(
    names: dict[str, int], parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]
) -> dict[str, Rows]:
    if not parts:
        return {}
    lines, keys, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(keys, kind="stable")
    bounds = np.searchsorted(keys[order], np.arange(len(names) + 1))
    groups = (order[start:end] for start, end in pairwise(bounds))
    return {name: Rows(lines[own], values[own]) for name, own in zip(names, groups, strict=True)}
