"""Tables of scores: one row for each sample, with what it is and what a model says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.csv_rows import read_numbered_rows
from ..errors import DataError
from ..words import many

__all__ = ["ScoreTable", "check_same_rows", "read_scores"]

_DIAMETER = "diameter_mm"
_GROUPS = ("patient", "seriesuid")
# What a group is called, by its column.
_GROUP_NAMES = {"patient": "patients", "seriesuid": "scans", "row": "rows"}
# What names a row, where a table has it.
_NAMES = ("seriesuid", "patient", "id", "coordX", "coordY", "coordZ")


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Samples with labels and probabilities.

    Args:
        name: of the file, for messages.
        labels: (N,) bool.
        probs: (N,) float, 0 to 1.
        groups: (N,) str or int, what a bootstrap draws.
        group_kind: what they are: patient, seriesuid or row.
        diameter_mm: (N,) float, NaN where none is given.
        texture: (N,) float, 1 to 5, NaN where none is given.
        names: what tells one row from another, by column.
    """

    name: str
    labels: NDArray[np.bool_]
    probs: NDArray[np.float64]
    groups: NDArray[np.generic]
    group_kind: str
    diameter_mm: NDArray[np.float64]
    texture: NDArray[np.float64]
    names: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def group_name(self) -> str:
        """What the groups are, for people: patients, scans or rows."""
        return _GROUP_NAMES[self.group_kind]


def read_scores(path: Path, *, diameter_column: str = _DIAMETER) -> ScoreTable:
    """Read a table with the columns `label` and `probability`.

    `patient`, else `seriesuid`, names the samples that belong together; without them each row stands
    alone. `diameter_mm` and `texture` may be there and may be empty. Other columns are not read.

    Args:
        path: a CSV file with a header.
        diameter_column: in place of `diameter_mm`; one that is named must be there.

    Raises:
        DataError: it cannot be read, lacks a column, has no rows, a label that is neither 0 nor 1, a
            probability outside 0 to 1, a diameter that is not over 0, a texture outside 1 to 5, a row
            without its patient, or samples of one class only.
    """
    path = Path(path)
    table = _Table(path, *_lines_and_rows(path))
    if not table.rows:
        raise DataError(f"{path} has no rows", wanted="a sample a row", do="Check how the table was made.")
    labels = _numbers(table, "label", (0, 1), "0 or 1", whole=True) == 1
    if labels.all() or not labels.any():
        raise DataError(
            f"{path} has {many(int(labels.sum()), 'positive sample')} of {len(labels)}",
            wanted="some of both classes",
            do="Add samples, or check its labels.",
        )
    groups, kind = _groups(table)
    names = {name: table.column(name) for name in _NAMES if table.has(name)}
    probs = _numbers(table, "probability", (0, 1), "a probability from 0 to 1")
    if diameter_column != _DIAMETER and not table.has(diameter_column):
        raise DataError(
            f"{path} has no column {diameter_column}",
            wanted=f"one of {', '.join(table.rows[0])}",
            do="Change `--diameter-column`.",
        )
    diameters = _optional(table, diameter_column, (math.ulp(0.0), math.inf), "a diameter over 0, or nothing")
    texture = _optional(table, "texture", (1, 5), "a rating from 1 to 5, or nothing")
    return ScoreTable(path.name, labels, probs, groups, kind, diameters, texture, names)


def check_same_rows(one: ScoreTable, other: ScoreTable) -> None:
    """Refuse two tables that do not score the same samples in the same order.

    Rows must agree in their labels, and in what names them where both tables have it.

    Raises:
        DataError: they do not.
    """
    if len(one) != len(other):
        raise DataError(
            f"{one.name} has {many(len(one), 'row')} and {other.name} {len(other)}",
            wanted="the same samples in both",
            do="Score both on the same table; compare detectors with `lungmonai evaluate compare`.",
        )
    both = [name for name in one.names if name in other.names]
    columns = [
        ("label", one.labels, other.labels),
        *((name, np.array(one.names[name]), np.array(other.names[name])) for name in both),
    ]
    for name, left, right in columns:
        differ = np.flatnonzero(left != right)
        if len(differ):
            at = int(differ[0])
            raise DataError(
                f"{one.name} and {other.name} differ in {name}: {len(differ)} of {len(one)} rows, "
                f"first row {at + 1}",
                wanted="the same samples in the same order",
                do="Sort both alike; compare detectors with `lungmonai evaluate compare`.",
            )


@dataclass(frozen=True)
class _Table:
    """The rows of a file, each with its line."""

    path: Path
    lines: Sequence[int]
    rows: Sequence[Mapping[str, str]]

    def has(self, column: str) -> bool:
        return column in self.rows[0]

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


def _lines_and_rows(path: Path) -> tuple[list[int], list[dict[str, str]]]:
    numbered = read_numbered_rows(path, ("label", "probability"))
    return [line for line, _ in numbered], [row for _, row in numbered]


def _groups(table: _Table) -> tuple[NDArray[np.generic], str]:
    for kind in _GROUPS:
        if table.has(kind):
            names = table.column(kind)
            if not all(names):
                raise DataError(
                    f"{table.path} names no {kind} in line {table.lines[names.index('')]}",
                    wanted=f"one in each row, or no column {kind}",
                    do="Fill it in, or remove the column.",
                )
            return np.array(names), kind
    return np.arange(len(table.rows)), "row"


def _optional(table: _Table, column: str, limits: tuple[float, float], wanted: str) -> NDArray[np.float64]:
    if not table.has(column):
        return np.full(len(table.rows), np.nan)
    return _numbers(table, column, limits, wanted, empty=True)


def _numbers(
    table: _Table,
    column: str,
    limits: tuple[float, float],
    wanted: str,
    *,
    empty: bool = False,
    whole: bool = False,
) -> NDArray[np.float64]:
    """A column as numbers; NaN where it is empty and may be."""
    texts = table.column(column)
    numbers = np.array([_number(text) for text in texts])
    good = np.isfinite(numbers) & (numbers >= limits[0]) & (numbers <= limits[1])
    if empty:
        good |= np.array([not text for text in texts])
    if whole:
        good &= numbers == np.round(numbers)
    if not good.all():
        at = int(np.argmin(good))
        raise DataError(
            f"{table.path} has {column} {texts[at] or 'nothing'!r} in line {table.lines[at]}",
            wanted=wanted,
            do="Mend the table.",
        )
    return numbers


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
