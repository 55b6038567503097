"""The scans that a training run uses: those of a datalist, or a message on how to make one."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ..data.csv_points import lps_point
from ..data.csv_rows import read_rows
from ..data.datalist import CandidateRow, ScanItem, read_datalist
from ..errors import DataError, SettingsError

__all__ = ["training_items", "with_candidates"]

MAKE_ONE = (
    "Make one with `lungmonai phantom DIR --scans 20 --seed 1` and `lungmonai prepare luna16 --root DIR`, "
    "then add `--dataset_dir DIR`."
)
# What places are made of, beside what `read_datalist` asks for.
_FINDINGS = ("nodules", "candidates")
_POSITION = ("coordX", "coordY", "coordZ")


def training_items(
    dataset_dir: str | Path, split: str = "training", *, datalist: str = "datalist.json", candidates: str = ""
) -> list[ScanItem]:
    """One list of a data set.

    A command line makes a number of a folder that is named `12`; that is taken too.

    Args:
        dataset_dir: the folder of the data set; empty is an error that tells how to make one.
        split: `training`, `validation` or `test`.
        datalist: the JSON file, relative to the folder.
        candidates: a table of candidates, as `lungmonai mine` writes it, whose rows take the place of
            the datalist's in the scans that it names; empty for none.

    Raises:
        SettingsError: no folder was named.
        DataError: there is no datalist, it cannot be used, its list is empty, or a scan of it says
            nothing about nodules and candidates.
    """
    if not str(dataset_dir):
        raise SettingsError("dataset_dir is empty", wanted="a folder with a datalist", do=MAKE_ONE)
    path = Path(str(dataset_dir)) / str(datalist)
    if not path.is_file():
        raise DataError(f"{path} does not exist", wanted="a datalist", do=MAKE_ONE)
    items: list[ScanItem] = read_datalist(path).get(split, [])
    if not items:
        raise DataError(
            f"{path} has no scan in its list {split!r}",
            wanted="at least one",
            do="Use more scans, or another list; small data sets have no list for testing.",
        )
    for item in items:
        _check_findings(path, item)
    return with_candidates(items, Path(str(candidates))) if str(candidates) else items


def _check_findings(path: Path, item: ScanItem) -> None:
    lacking = [key for key in _FINDINGS if not isinstance(item.get(key), list)]
    if lacking:
        raise DataError(
            f"{path} has a scan without {' and '.join(lacking)}: {item['seriesuid']}",
            wanted="a list of each, which may be empty",
            do="Add them, or make the datalist with `lungmonai prepare`.",
        )


def with_candidates(items: list[ScanItem], table: Path) -> list[ScanItem]:
    """The scans with the candidates of a table, marked as mined; scans that it does not name keep their own.

    Args:
        items: of a datalist.
        table: CSV with seriesuid, coordX, coordY, coordZ (LPS mm) and class, as LUNA16's.

    Raises:
        DataError: the table cannot be read, has a position or a class that is none, or names none of
            the scans.
    """
    rows: dict[str, list[CandidateRow]] = defaultdict(list)
    for row in read_rows(table, ("seriesuid", *_POSITION, "class")):
        rows[row["seriesuid"]].append((*lps_point(table, row, _POSITION), _class(table, row["class"])))
    if not any(item["seriesuid"] in rows for item in items):
        raise DataError(
            f"{table} names none of the {len(items)} scans",
            wanted="candidates of this data set",
            do="Make them with `lungmonai mine`.",
        )
    return [
        {**item, "candidates": rows[item["seriesuid"]], "mined": True} if item["seriesuid"] in rows else item
        for item in items
    ]


def _class(table: Path, said: str) -> int:
    """0 or 1, which other programs write as 1.0 too."""
    try:
        number = float(said)
    except ValueError:
        number = -1
    if number not in (0, 1):
        raise DataError(f"{table} has a row of class {said!r}", wanted="0 or 1", do="Mend the row.")
    return int(number)
