"""CSV tables that must have certain columns, one line for each row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import DataError

__all__ = ["opened_csv"]


@contextmanager
def opened_csv(
    path: Path, wanted: Sequence[str], alike: Callable[[str], str] = str
) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """The columns of a table, and the rows below its header; the first of them is line 2 of the file.

    Args:
        path: a CSV file with a header, in UTF-8.
        wanted: columns that it must have.
        alike: columns of which this makes the same are the same column.

    Yields:
        The columns as `alike` writes them, and the rows: no values where a line is empty.

    Raises:
        DataError: the table cannot be read, lacks a column, or has a row of several lines.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            head = [name.strip() for name in next(rows, [])]
            columns = [alike(name) for name in head]
            missing = [name for name in wanted if alike(name) not in columns]
            if missing:
                raise DataError(
                    f"{path} lacks {', '.join(missing)}; its header has {', '.join(head) or 'nothing'}"[:400],
                    wanted="the columns " + ", ".join(wanted),
                    do="Download the table again, or name its columns so.",
                )
            yield columns, _of_one_line(path, rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} could not be read: {error}", wanted="a CSV table", do="Download the table again."
        ) from error


def _of_one_line(path: Path, rows: Any) -> Iterator[list[str]]:
    """The rows; a quotation mark that is never closed would swallow those after it, and say nothing."""
    for line, row in enumerate(rows, 2):
        if rows.line_num != line:
            raise DataError(
                f"{path} has in line {line} a quotation mark that is not closed there",
                wanted="one line for each row",
                do="Remove the quotation mark, or download the table again.",
            )
        yield row
