"""`quarantine.csv`: scans and rows that were left out, each with the reason."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ...files import written_whole

__all__ = ["Quarantined", "write_quarantine"]


class Quarantined(NamedTuple):
    """One scan or one row of a table that was left out.

    Args:
        path: of the scan or table, relative to the data set's folder where it lies below it.
        line: of the table, the header being line 1; nothing for a scan.
        seriesuid: the series it speaks of.
        reason: one line.
    """

    path: str
    line: int | None
    seriesuid: str
    reason: str


def write_quarantine(path: Path, rows: Iterable[Quarantined]) -> None:
    """Write the list whole, in the order given; with its header alone where nothing was left out.

    Raises:
        OutputError: it could not be written.
    """
    with (
        written_whole(path) as part,
        # Linux takes any bytes for a file's name; those that are no text are written as their numbers.
        part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(Quarantined._fields)
        table.writerows(rows)
