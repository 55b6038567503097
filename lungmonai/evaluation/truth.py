"""What submissions are judged against: the scans that count, their nodules, and what counts neither way."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.csv_rows import opened_csv
from ..data.luna16.tables import POSITION, NumberTable
from ..errors import DataError
from ..metrics.judging import Findings
from .submission import Submission, count_repeated, good_numbers

__all__ = ["DIAMETER", "PLEURAL", "TEXTURE", "Truth", "read_scan_list", "read_truth"]

DIAMETER, TEXTURE, PLEURAL = "diameter_mm", "texture", "pleural"
_SERIES = "seriesuid"
_YES_OR_NO = {"1": 1.0, "true": 1.0, "yes": 1.0, "0": 0.0, "false": 0.0, "no": 0.0, "": np.nan}


@dataclass(frozen=True, eq=False)
class Truth:
    """The scans of an evaluation and what is in them.

    Args:
        scans: series UIDs; false marks are divided by how many they are.
        nodules: to be found, scans by their place in `scans`.
        excluded: findings that count neither way.
        listed: whether the scans were named by a list, and not taken from what has nodules or marks.
        texture: (M,) float, mean rating of each nodule from 1 (non-solid) to 5 (solid); NaN where unknown.
        pleural: (M,) float, 1 or 0; NaN where unknown.
        notes: what was left out or is doubtful, one sentence each.
    """

    scans: tuple[str, ...]
    nodules: Findings
    excluded: Findings | None = None
    listed: bool = True
    texture: NDArray[np.float64] | None = None
    pleural: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()


def read_truth(
    annotations: Path,
    *,
    excluded: Path | None = None,
    scans: Path | None = None,
    submissions: Iterable[Submission] = (),
) -> Truth:
    """Read annotations, excluded findings and the list of scans.

    Args:
        annotations: the nodules: seriesuid, coordX, coordY, coordZ (LPS mm), diameter_mm; where known also
            texture (1 to 5) and pleural (1 or 0). A negative diameter is an unknown one.
        excluded: findings that count neither way, with the same columns.
        scans: series UIDs, one a line. Without it the scans that have a nodule or a mark are counted.
        submissions: whose scans are counted where there is no list.

    Raises:
        DataError: a file cannot be read, lacks columns, has rows that cannot be used, or has none.
    """
    table = good_numbers(annotations, (*POSITION, DIAMETER))
    _check_diameters(annotations, table)
    if not table.rows:
        raise DataError(f"{annotations} has no rows", wanted="the nodules, one a row", do="Check the path.")
    names = read_scan_list(scans) if scans else _named(table, submissions)
    nodules, lines, notes = _findings(annotations, table, names)
    if not len(lines):
        raise DataError(
            f"none of the scans of {annotations} is in {scans}",
            wanted="nodules in the listed scans",
            do="Check that both are of the same data set.",
        )
    left = None
    if excluded is not None:
        others = good_numbers(excluded, (*POSITION, DIAMETER))
        _check_diameters(excluded, others)
        left = _findings(excluded, others, names)[0]
    texts = _texts(Path(annotations), (TEXTURE, PLEURAL))
    return Truth(
        names,
        nodules,
        left,
        scans is not None,
        _column(annotations, texts, TEXTURE, lines, _rating),
        _column(annotations, texts, PLEURAL, lines, _yes_or_no),
        (*_doubts(scans, excluded), *notes),
    )


def read_scan_list(path: Path) -> tuple[str, ...]:
    """Read series UIDs: the first column, one a line, with or without a header `seriesuid`.

    Raises:
        DataError: it cannot be read, is empty, or names a scan twice.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            names = [row[0].strip() for row in csv.reader(file) if row and row[0].strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} could not be read: {getattr(error, 'strerror', None) or error}",
            wanted="a list of series UIDs, one a line",
            do="Check the path.",
        ) from error
    names = names[1:] if names[:1] == [_SERIES] else names
    twice = [name for name, many in Counter(names).items() if many > 1]
    if not names or twice:
        raise DataError(
            f"{path} names {twice[0]} more than once" if twice else f"{path} names no scan",
            wanted="a list of series UIDs, each of them once",
            do="Mend the list: false positives are divided by its length.",
        )
    return tuple(names)


def _named(table: NumberTable, submissions: Iterable[Submission]) -> tuple[str, ...]:
    """The scans that anything names."""
    return tuple(sorted({*table.rows, *(name for one in submissions for name in one.seriesuids)}))


def _doubts(scans: Path | None, excluded: Path | None) -> list[str]:
    doubts = []
    if scans is None:
        doubts.append(
            "NO LIST OF SCANS was given: only scans with a nodule or a mark are counted. This favours a "
            "system if others were searched too; name them all with --scans"
        )
    if excluded is None:
        doubts.append("no excluded findings were given: marks on such findings count as false")
    return doubts


def _findings(
    path: Path, table: NumberTable, names: Sequence[str]
) -> tuple[Findings, NDArray[np.int64], list[str]]:
    """Findings in the counted scans, the lines that they stand in, and what is to be said of the table."""
    numbers = {name: number for number, name in enumerate(names)}
    kept = [(numbers[name], rows) for name, rows in table.rows.items() if name in numbers]
    scan = np.repeat(
        np.array([number for number, _ in kept], np.int64), [len(rows.lines) for _, rows in kept]
    )
    values = np.concatenate([np.zeros((0, 4)), *(rows.values for _, rows in kept)])
    lines = np.concatenate([np.zeros(0, np.int64), *(rows.lines for _, rows in kept)])
    findings = Findings(scan, values[:, :3], values[:, 3])
    notes = []
    outside = sorted(name for name in table.rows if name not in numbers)
    if outside:
        left, every = (sum(len(table.rows[name].lines) for name in names) for names in (outside, table.rows))
        notes.append(
            f"left out of {Path(path).name}, for their scans are not listed: {left} of {every} rows, such as "
            f"those of {outside[0]}"
        )
    repeated = count_repeated(scan, findings.lps_mm, findings.diameter_mm)
    if repeated:
        notes.append(f"repeated exactly in {Path(path).name}: {repeated} of {len(lines)} rows; each counts")
    return findings, lines, notes


def _check_diameters(path: Path, table: NumberTable) -> None:
    for rows in table.rows.values():
        wrong = np.flatnonzero(rows.values[:, 3] == 0)
        if len(wrong):
            raise DataError(
                f"{path} has a diameter of 0 in line {rows.lines[wrong[0]]}",
                wanted="a diameter in mm above 0, or -1 where it is unknown",
                do="Mend the row: nothing can hit such a finding.",
            )


def _texts(path: Path, columns: Sequence[str]) -> Mapping[str, Mapping[int, str]]:
    """Columns that a table may have, as text by line."""
    with opened_csv(path, ()) as (head, rows):
        there = {name: head.index(name) for name in columns if name in head}
        texts: dict[str, dict[int, str]] = {name: {} for name in there}
        for line, row in enumerate(rows, 2):
            for name, place in there.items():
                texts[name][line] = row[place].strip() if place < len(row) else ""
    return texts


def _column(
    path: Path,
    texts: Mapping[str, Mapping[int, str]],
    name: str,
    lines: NDArray[np.int64],
    number: Callable[[str], float],
) -> NDArray[np.float64] | None:
    """The numbers of such a column, in the order of the findings; None where the table lacks it."""
    if name not in texts:
        return None
    values = []
    for line in lines.tolist():
        try:
            values.append(number(texts[name][line]))
        except (ValueError, KeyError) as error:
            raise DataError(
                f"{path} has {texts[name].get(line, '')[:40]!r} under {name} in line {line}",
                wanted="a mean rating from 1 to 5, or nothing" if name == TEXTURE else "1, 0 or nothing",
                do="Mend the row.",
            ) from error
    return np.array(values, dtype=np.float64)


def _rating(text: str) -> float:
    value = float(text) if text else float("nan")
    if text and not 1 <= value <= 5:
        raise ValueError(text)
    return value


def _yes_or_no(text: str) -> float:
    return _YES_OR_NO[text.lower()]
