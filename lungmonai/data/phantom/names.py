"""Tables that name patients or series."""

from __future__ import annotations

import csv
from pathlib import Path

from ...errors import DataError

__all__ = ["read_names"]

_COLUMNS = ("patient_id", "seriesuid")


def read_names(path: Path | str) -> frozenset[str]:
    """The patients and series that a CSV table names.

    Args:
        path: a table with a column `patient_id`, or `seriesuid`, or both.

    Raises:
        DataError: it cannot be read, or has neither column.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = [name for name in _COLUMNS if name in (reader.fieldnames or ())]
            names = frozenset(row[name].strip() for row in reader for name in columns if row[name])
            found = ", ".join(reader.fieldnames or ()) or "nothing"
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} cannot be read ({error})", wanted="a CSV table", do="Check its name and its format."
        ) from error
    if not columns:
        raise DataError(
            f"{path} has the columns {found[:200]}",
            wanted="a column " + " or ".join(_COLUMNS),
            do="Name the column of patients or series so.",
        )
    return names - {""}
