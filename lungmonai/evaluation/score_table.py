"""Tables of scores: one row for each sample, with what it is and what a model says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.csv_rows import read_rows
from ..errors import DataError

__all__ = ["ScoreTable", "check_same_rows", "read_scores"]

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


def read_scores(path: Path) -> ScoreTable:
    """Read a table with the columns `label` and `probability`.

    `patient`, else `seriesuid`, names the samples that belong together; without them each row stands
    alone. `diameter_mm` and `texture` may be there and may be empty. Other columns are not read.

    Args:
        path: a CSV file with a header.

    Raises:
        DataError: it cannot be read, lacks a column, has no rows, a label that is neither 0 nor 1, a
            probability outside 0 to 1, a diameter that is not over 0, a texture outside 1 to 5, a row
            without its patient, or samples of one class only.
    """
    path = Path(path)
    rows = read_rows(path, ("label", "probability"))
    if not rows:
        raise DataError(f"{path} has no rows", wanted="a sample a row", do="Check how the table was made.")
    labels = _numbers(path, rows, "label", (0, 1), "0 or 1", whole=True) == 1
    if labels.all() or not labels.any():
        raise DataError(
            f"{path} has {int(labels.sum())} positive samples of {len(labels)}",
            wanted="some of both classes",
            do="Add samples, or check its labels.",
        )
    groups, kind = _groups(path, rows)
    names = {name: [row[name] for row in rows] for name in _NAMES if name in rows[0]}
    probs = _numbers(path, rows, "probability", (0, 1), "a probability from 0 to 1")
    diameters = _optional(
        path, rows, "diameter_mm", (math.ulp(0.0), math.inf), "a diameter over 0, or nothing"
    )
    texture = _optional(path, rows, "texture", (1, 5), "a rating from 1 to 5, or nothing")
    return ScoreTable(path.name, labels, probs, groups, kind, diameters, texture, names)


def check_same_rows(one: ScoreTable, other: ScoreTable) -> None:
    """Refuse two tables that do not score the same samples in the same order.

    Rows must agree in their labels, and in what names them where both tables have it.

    Raises:
        DataError: they do not.
    """
    if len(one) != len(other):
        raise DataError(
            f"{one.name} has {len(one)} rows and {other.name} {len(other)}",
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


def _groups(path: Path, rows: list[dict[str, str]]) -> tuple[NDArray[np.generic], str]:
    for kind in _GROUPS:
        if kind in rows[0]:
            names = [row[kind] for row in rows]
            if not all(names):
                raise DataError(
                    f"{path} names no {kind} in row {names.index('') + 1}",
                    wanted=f"one in each row, or no column {kind}",
                    do="Fill it in, or remove the column.",
                )
            return np.array(names), kind
    return np.arange(len(rows)), "row"


def _optional(
    path: Path, rows: list[dict[str, str]], column: str, limits: tuple[float, float], wanted: str
) -> NDArray[np.float64]:
    if column not in rows[0]:
        return np.full(len(rows), np.nan)
    return _numbers(path, rows, column, limits, wanted, empty=True)


def _numbers(
    path: Path,
    rows: list[dict[str, str]],
    column: str,
    limits: tuple[float, float],
    wanted: str,
    *,
    empty: bool = False,
    whole: bool = False,
) -> NDArray[np.float64]:
    """A column as numbers; NaN where it is empty and may be."""
    numbers = np.array([_number(row[column]) for row in rows])
    good = np.isfinite(numbers) & (numbers >= limits[0]) & (numbers <= limits[1])
    if empty:
        good |= np.array([not row[column] for row in rows])
    if whole:
        good &= numbers == np.round(numbers)
    if not good.all():
        at = int(np.argmin(good))
        raise DataError(
            f"{path} has {column} {rows[at][column] or 'nothing'!r} in row {at + 1}",
            wanted=wanted,
            do="Mend the table.",
        )
    return numbers


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
