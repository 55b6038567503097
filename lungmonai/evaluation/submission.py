"""Submissions: a system's marks as CSV in LUNA16's columns, one file or one for each fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.luna16.tables import POSITION, NumberTable, read_numbers
from ..errors import DataError, SettingsError
from ..metrics.judging import Marks
from ..words import many

__all__ = [
    "CountedMarks",
    "Submission",
    "count_repeated",
    "good_numbers",
    "merge_folds",
    "read_submission",
    "read_submissions",
]

# The score of a mark, as LUNA16 names it.
PROBABILITY = "probability"
# No scanner is a kilometre long; squares of numbers beyond all bounds would overflow.
_FARTHEST_MM = 1e6


@dataclass(frozen=True, eq=False)
class CountedMarks:
    """The marks of a submission that lie in the scans of an evaluation.

    Args:
        marks: with the scans' numbers.
        unknown_scans: series UIDs that the submission names and the evaluation does not, sorted.
        unknown_marks: marks in them, which count in nothing.
        dropped: marks beyond the most that count of a scan.
    """

    marks: Marks
    unknown_scans: tuple[str, ...] = ()
    unknown_marks: int = 0
    dropped: int = 0


@dataclass(frozen=True, eq=False)
class Submission:
    """What a system reports, by series UID.

    Args:
        name: of its files, for people.
        seriesuids: the scans that it names.
        scan: (N,) int, position in `seriesuids`.
        lps_mm: (N, 3) float, LPS mm.
        prob: (N,) float, finite; any score that is higher for what is more likely a nodule.
    """

    name: str
    seriesuids: tuple[str, ...]
    scan: NDArray[np.int64]
    lps_mm: NDArray[np.float64]
    prob: NDArray[np.float64]

    def repeated(self) -> int:
        """How many rows repeat another one exactly: scan, position and score."""
        return count_repeated(self.scan, self.lps_mm, self.prob)

    def marks_in(self, scans: Sequence[str], max_marks: int | None = None) -> CountedMarks:
        """The marks in certain scans.

        Args:
            scans: series UIDs; a mark's number is its scan's place among them.
            max_marks: the most that count of a scan, the highest scores; None counts all. As in LUNA16's
                script (`maxNumberOfCADMarks`), marks as high as the first one beyond do not count either.

        Raises:
            DataError: none of its scans is among them.
            SettingsError: a `max_marks` below 1.
        """
        numbers = {name: number for number, name in enumerate(scans)}
        number = np.array([numbers.get(name, -1) for name in self.seriesuids], dtype=np.int64)
        unknown = tuple(sorted(name for name in self.seriesuids if name not in numbers))
        if self.seriesuids and len(unknown) == len(self.seriesuids):
            raise DataError(
                f"{self.name} names {many(len(unknown), 'scan')}, none of them evaluated, "
                f"such as {unknown[0]}",
                wanted=f"marks in what is evaluated: {many(len(numbers), 'scan')}",
                do="Check that its seriesuid column holds the series UIDs of the annotations.",
            )
        scan = number[self.scan]
        known = np.flatnonzero(scan >= 0)
        kept = known if max_marks is None else known[_highest(scan[known], self.prob[known], max_marks)]
        marks = Marks(scan[kept], self.lps_mm[kept], self.prob[kept])
        return CountedMarks(marks, unknown, len(scan) - len(known), len(known) - len(kept))


def read_submissions(paths: Sequence[Path]) -> Submission:
    """Read the folds of a cross-validation, or one file, as one submission.

    Args:
        paths: CSV files, as for `read_submission`.

    Raises:
        DataError: as for `read_submission` and `merge_folds`.
    """
    return merge_folds([read_submission(path) for path in paths])


def read_submission(path: Path) -> Submission:
    """Read one file with the columns seriesuid, coordX, coordY, coordZ and probability, in any order.

    Raises:
        DataError: it cannot be read, lacks a column, has a row that cannot be used, or has no rows.
    """
    path = Path(path)
    table = good_numbers(path, (*POSITION, PROBABILITY))
    if not table.rows:
        raise DataError(
            f"{path} has no rows",
            wanted="the marks of a system, one a row",
            do="Check that the system ran.",
        )
    scan = np.repeat(np.arange(len(table.rows)), [len(rows.lines) for rows in table.rows.values()])
    values = np.concatenate([rows.values for rows in table.rows.values()])
    return Submission(path.name, tuple(table.rows), scan, values[:, :3], values[:, 3])


def merge_folds(folds: Sequence[Submission]) -> Submission:
    """One submission from those of the folds of a cross-validation.

    Scores of different folds are compared as they are, as LUNA16 asks of its ten folds.

    Raises:
        DataError: two of them name the same scan.
        SettingsError: there is none.
    """
    if not folds:
        raise SettingsError("no submission", wanted="at least one file", do="Name the system's table.")
    for one, other in combinations(folds, 2):
        both = sorted(set(one.seriesuids) & set(other.seriesuids))
        if both:
            raise DataError(
                f"{one.name} and {other.name} both have marks in {many(len(both), 'scan')}, "
                f"such as {both[0]}",
                wanted="folds that share no scan",
                do="Leave one of them out, or evaluate each alone.",
            )
    first = np.cumsum([0, *(len(fold.seriesuids) for fold in folds[:-1])])
    return Submission(
        " + ".join(fold.name for fold in folds),
        tuple(name for fold in folds for name in fold.seriesuids),
        np.concatenate([fold.scan + start for fold, start in zip(folds, first, strict=True)]),
        np.concatenate([fold.lps_mm for fold in folds]),
        np.concatenate([fold.prob for fold in folds]),
    )


def good_numbers(path: Path, columns: Sequence[str]) -> NumberTable:
    """Read a table of numbers by series, none of whose rows may be bad.

    Args:
        path: a CSV file with a header.
        columns: of numbers, beside `seriesuid`.

    Raises:
        DataError: it cannot be read, lacks a column, or has a row that cannot be used.
    """
    table = read_numbers(Path(path), columns)
    if table.bad:
        first = table.bad[0]
        raise DataError(
            f"{path} has {many(len(table.bad), 'row')} that cannot be used, the first in line {first.line}: "
            f"{first.reason}",
            wanted="a series UID and finite numbers in each row",
            do="Mend the rows, or leave them out on purpose.",
        )
    _check_positions(path, table)
    return table


def count_repeated(scan: NDArray[np.int64], lps_mm: NDArray[np.float64], numbers: NDArray[np.float64]) -> int:
    """How many rows repeat another one exactly.

    Args:
        scan: (N,) int.
        lps_mm: (N, 3) float, LPS mm.
        numbers: (N,) float.
    """
    keys = (scan, *lps_mm.T, numbers)
    order = np.lexsort(keys)
    same = [key[order][1:] == key[order][:-1] for key in keys]
    return int(np.logical_and.reduce(same).sum())


def _check_positions(path: Path, table: NumberTable) -> None:
    places = [place for place, name in enumerate(table.columns) if name in POSITION]
    for rows in table.rows.values():
        far = np.flatnonzero((np.abs(rows.values[:, places]) > _FARTHEST_MM).any(axis=1))
        if len(far):
            raise DataError(
                f"{path} has a position over {_FARTHEST_MM:,.0f} mm away in line {rows.lines[far[0]]}",
                wanted="positions in LPS millimetres",
                do="Mend the row, or the unit of the columns.",
            )


def _highest(scan: NDArray[np.int64], prob: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Positions of the highest marks of each scan, rising; ties with the first one beyond drop out."""
    if most < 1:
        raise SettingsError(f"at most {most} marks a scan", wanted="1 or more", do="Leave the option out.")
    order = np.lexsort((-prob, scan))
    scan, prob = scan[order], prob[order]
    first = np.searchsorted(scan, scan, side="left")
    beyond = first + most
    there = beyond < len(scan)
    place = np.minimum(beyond, max(len(scan) - 1, 0))
    over = there & (scan[place] == scan)
    return np.sort(order[~over | (prob > prob[place])])
