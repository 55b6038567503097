"""Tables that name patients or series."""

from __future__ import annotations

from pathlib import Path

from ...errors import DataError
from ..csv_rows import read_rows

__all__ = ["read_names"]

_COLUMNS = ("patient_id", "seriesuid")


def read_names(path: Path | str) -> frozenset[str]:
    """The patients and series that a CSV table names.

    Args:
        path: a table with a column `patient_id`, or `seriesuid`, or both.

    Raises:
        DataError: it cannot be read, has neither column, or names nobody.
    """
    rows = read_rows(Path(path), ())
    columns = [name for name in _COLUMNS if rows and name in rows[0]]
    names = frozenset(row[name] for row in rows for name in columns) - {""}
    if not names:
        found = ", ".join(rows[0])[:200] if rows else "no rows"
        raise DataError(
            f"{path} names no patient and no series: it has {found}",
            wanted="a column " + " or ".join(_COLUMNS) + ", and something in it",
            do="Name the column of patients or series so.",
        )
    return names
