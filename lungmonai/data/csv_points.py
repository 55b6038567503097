"""Positions in the rows of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import DataError

__all__ = ["lps_point"]


def lps_point(table: Path, row: Mapping[str, str], columns: Sequence[str]) -> tuple[float, float, float]:
    """The position that a row names: (x, y, z) as it stands there.

    Args:
        table: whose row it is, for the message.
        row: as `read_rows` gives it.
        columns: names of x, y and z.

    Raises:
        DataError: one of the three is no finite number.
    """
    try:
        x, y, z = (float(row[name]) for name in columns)
    except ValueError:
        x = y = z = math.nan
    if not all(map(math.isfinite, (x, y, z))):
        raise DataError(
            f"{table} has a row at {', '.join(row[name] for name in columns)}",
            wanted="three numbers, LPS mm",
            do="Mend the row.",
        )
    return x, y, z
