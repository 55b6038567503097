"""Real nodules cut out of real scans: a table, and for each row an image in HU and a mask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from ..csv_rows import read_rows
from ..lidc.database import RATINGS, LidcDatabase
from ..lidc.frames import place_box
from ..lidc.match import match_annotations
from ..lidc.nodules import LidcNodule, lidc_nodules

__all__ = ["RealNodule", "by_patient", "read_nodule_table"]

_POSITION, _LOW, _HIGH = (
    tuple(f"{name}{axis}" for axis in "xyz") for name in ("coord", "bbox_low", "bbox_high")
)
_COLUMNS = ("patient_id", "seriesuid", *_POSITION, "diameter_mm", *_LOW, *_HIGH, "diagnosis_value", "file")


@dataclass(frozen=True, eq=False)
class RealNodule:
    """One row of the table.

    Args:
        folder: with `image/` and `mask/` in it.
        row: its columns, as text.
        enlarge: how many times as large as it was it is used.
    """

    folder: Path
    row: dict[str, str]
    enlarge: float = 1.0

    @property
    def patient_id(self) -> str:
        """Of the patient in whom it was found."""
        return self.row["patient_id"]

    @property
    def series_uid(self) -> str:
        """Of the scan that it was cut from."""
        return self.row["seriesuid"]

    @property
    def diameter_mm(self) -> float:
        """As the table says."""
        return float(self.row["diameter_mm"])

    @property
    def malignant(self) -> bool:
        """As the table says."""
        return self.row["diagnosis_value"] == "1"

    @cached_property
    def crop(self) -> tuple[NDArray[np.float32], NDArray[np.bool_], tuple[float, float, float]]:
        """HU and mask, (slices, rows, columns) in LPS order, and the spacing (z, y, x) in mm.

        Raises:
            DataError: a file is missing, damaged or empty, or the two do not fit each other.
        """
        image, spacing = _read(self.folder / "image" / self.row["file"])
        mask, _ = _read(self.folder / "mask" / self.row["file"])
        if mask.shape != image.shape or not (mask > 0).any():
            raise DataError(
                f"{self.row['file']} has an image of {image.shape} and a mask of {mask.shape} voxels, "
                f"{int((mask > 0).sum())} set",
                wanted="a mask on the image's grid that holds the nodule",
                do="Take the row out of the table.",
            )
        z, y, x = (step * self.enlarge for step in spacing)
        return image.astype(np.float32), mask > 0, (z, y, x)

    def ratings(self, database: LidcDatabase) -> tuple[dict[str, list[int]], tuple[int | str, ...]]:
        """Each reader's ratings and the rows of their readings, found in LIDC's database by position.

        A nodule that is not found there keeps the one number of each rating that the table has, and
        its file's name.
        """
        found = self._in_lidc(database)
        if found is not None:
            return found.ratings, tuple(reading.id for reading in found.readings)
        said = {name: self.row.get(f"{name}_value", "") for name in RATINGS}
        return {name: [round(float(text))] for name, text in said.items() if text}, (self.row["file"],)

    def _in_lidc(self, database: LidcDatabase) -> LidcNodule | None:
        scan = database.scan(self.series_uid)
        if scan is None:
            return None
        nodules = lidc_nodules(scan)
        first, last = self._numbers(_LOW), self._numbers(_HIGH)
        placed = place_box(scan, nodules, (first, last), self.diameter_mm)
        if placed is None:
            return None
        center = [self._numbers(_POSITION)]
        (match,) = match_annotations(nodules, placed.lps_from_vox, center, [self.diameter_mm])
        return None if match is None else match.nodule

    def _numbers(self, names: Sequence[str]) -> tuple[float, float, float]:
        x, y, z = (float(self.row[name]) for name in names)
        return x, y, z


def read_nodule_table(
    path: Path | str,
    *,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    subsets: Collection[int] | None = None,
) -> list[RealNodule]:
    """The nodules of a table, in its order.

    Args:
        path: CSV; the folders `image` and `mask` lie beside it.
        only: patient ids or series UIDs that may be used; None for all.
        without: patient ids or series UIDs that are not used.
        subsets: LUNA16 subsets that may be used; None for all.

    Raises:
        DataError: the table cannot be read, lacks a column, or nothing in it may be used.
    """
    path = Path(path)
    rows = _rows(path, (*_COLUMNS, *(("luna16_subset",) if subsets is not None else ())))
    nodules = []
    for row in rows:
        names = {row["patient_id"], row["seriesuid"]}
        wanted = only is None or names & set(only)
        in_subset = subsets is None or row["luna16_subset"] in {str(number) for number in subsets}
        if wanted and in_subset and not names & set(without):
            nodules.append(RealNodule(path.parent, row))
    if not nodules:
        raise DataError(
            f"{path} has {len(rows)} nodules, none of which may be used",
            wanted="at least one",
            do="Choose other subsets or patients.",
        )
    return nodules


def by_patient(nodules: Sequence[RealNodule]) -> dict[str, list[RealNodule]]:
    """Nodules of each patient."""
    groups: dict[str, list[RealNodule]] = defaultdict(list)
    for nodule in nodules:
        groups[nodule.patient_id].append(nodule)
    return dict(groups)


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    rows = read_rows(path, columns)
    for number, row in enumerate(rows, 1):
        try:
            numbers = [float(row[name]) for name in (*_POSITION, *_LOW, *_HIGH, "diameter_mm")]
        except ValueError:
            numbers = [np.nan]
        if not np.isfinite(numbers).all() or not row["patient_id"] or not row["file"]:
            raise DataError(
                f"nodule {number} of {path} lacks a patient, a file or a number",
                wanted="all of " + ", ".join(columns),
                do="Fill them in, or take the row out.",
            )
    return rows


def _read(path: Path) -> tuple[NDArray[Any], tuple[float, float, float]]:
    """A NIfTI volume as (slices, rows, columns) in LPS order, and its spacing (z, y, x)."""
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image: Any = nibabel.as_closest_canonical(nibabel.load(path))  # type: ignore[no-untyped-call]
        voxels = np.asarray(image.dataobj)
    except (OSError, EOFError, ValueError, ImageFileError) as error:
        raise DataError(
            f"{path} cannot be read ({error})", wanted="a NIfTI volume", do="Copy it again."
        ) from error
    x, y, z = (float(step) for step in image.header.get_zooms()[:3])
    # Canonical is RAS for NIfTI: x and y run the other way in LPS.
    return np.ascontiguousarray(voxels[::-1, ::-1].transpose(2, 1, 0)), (z, y, x)
