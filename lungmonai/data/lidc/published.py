"""Published tables of LIDC's nodules: the rows of a CSV file, and what every such row says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from ...errors import DataError
from ..csv_rows import opened_csv

__all__ = ["PLACE", "Place", "read_place", "read_ratings", "read_rows", "read_truth"]

# Columns of every such table: series, centre in LPS mm, diameter.
PLACE = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
Place = tuple[str, tuple[float, float, float], float]

# How tables write yes and no.
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_RATINGS = range(1, 6)
_T = TypeVar("_T")


def read_rows(path: Path, columns: Sequence[str], make: Callable[[dict[str, str]], _T]) -> Iterator[_T]:
    """What is made of each row.

    Args:
        path: a CSV file with a header.
        columns: those that it must have. Capitals and `_` do not matter: `bboxLowX` and `bbox_lowx`,
            which two published tables write, are one column.
        make: from a row by column, in small letters without `_`; a short row lacks its last columns.
            It raises KeyError, TypeError or ValueError where a row makes no sense.

    Raises:
        DataError: it cannot be read or lacks a column, or a row makes no sense.
    """
    with opened_csv(Path(path), columns, _plain) as (head, rows):
        for line, row in enumerate(rows, 2):
            if not any(map(str.strip, row)):
                continue
            try:
                made = make(dict(zip(head, map(str.strip, row), strict=False)))
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(
                    f"{path} has in line {line} a row that makes no sense",
                    wanted=f"the columns {', '.join(columns)}, filled as they were published",
                    do="Take the table as it was published, or leave it out.",
                ) from error
            yield made


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def read_place(row: dict[str, str]) -> Place:
    """The series, the centre in LPS mm and the diameter in mm.

    Raises:
        KeyError, ValueError: a row that makes no sense.
    """
    x, y, z, diameter_mm = (float(row[_plain(name)]) for name in PLACE[1:])
    if not row["seriesuid"] or not all(map(math.isfinite, (x, y, z))) or not 0 < diameter_mm < math.inf:
        raise ValueError("a series, a position or a diameter")
    return row["seriesuid"], (x, y, z), diameter_mm


def read_ratings(text: str) -> list[int]:
    """Ratings of malignancy, 1 to 5, of a JSON list.

    Raises:
        TypeError, ValueError: it is none.
    """
    ratings = [int(rating) for rating in json.loads(text)]
    if not all(rating in _RATINGS for rating in ratings):
        raise ValueError("a rating")
    return ratings


def read_truth(text: str) -> bool:
    """Yes or no.

    Raises:
        KeyError: it says neither.
    """
    return _TRUTH[text.lower()]
