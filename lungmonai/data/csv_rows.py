"""CSV tables that must have certain columns, one line for each row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..words import many

__all__ = ["opened_csv", "read_numbered_rows", "read_rows"]


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
    except OSError as error:
        raise DataError(
            f"{path} could not be read: {error.strerror}", wanted="a CSV table", do="Check the path."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} could not be read: {error}", wanted="a CSV table", do="Download the table again."
        ) from error


def read_rows(path: Path, wanted: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a table by column, without the whitespace around columns and values; no empty lines.

    Args:
        path: a CSV file with a header, in UTF-8.
        wanted: columns that it must have.

    Raises:
        DataError: the table cannot be read, lacks a column, or has a row of several lines or of another
            length than its header.
    """
    return [row for _, row in read_numbered_rows(path, wanted)]


def read_numbered_rows(path: Path, wanted: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The same rows, each with the line of the file that it stands in.

    Args:
        path: as for `read_rows`.
        wanted: as for `read_rows`.

    Raises:
        DataError: as for `read_rows`.
    """
    with opened_csv(path, wanted) as (columns, lines):
        numbered = [(line, values) for line, values in enumerate(lines, 2) if any(map(str.strip, values))]
        return [(line, _row(path, line, columns, values)) for line, values in numbered]


def _row(path: Path, line: int, columns: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    if len(values) != len(columns):
        raise DataError(
            f"{path} has {many(len(values), 'value')} in line {line}",
            wanted=f"{len(columns)}, as many as columns",
            do="Mend the line, or download the table again.",
        )
    return dict(zip(columns, map(str.strip, values), strict=True))


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
