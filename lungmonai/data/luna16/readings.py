"""What readers said of each nodule: malignancy and ratings.

Ratings come from the LIDC database, for a phantom from the truth beside it. They decide malignancy too,
unless `annotations_with_malignancy.csv` has the nodule: what was published then counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ...errors import DataError
from ...io.scan import CTScan
from ..datalist import NoduleItem
from ..lidc.database import LidcDatabase
from ..lidc.match import PublishedNodule, match_annotations, read_malignancy_table
from ..lidc.nodules import lidc_nodules
from .files import Luna16Files
from .phantom_truth import PhantomNodule, read_phantom_nodules

__all__ = ["Readings"]

_Row = TypeVar("_Row", PhantomNodule, PublishedNodule)


class Readings:
    """The readings that are at hand for a data set.

    Args:
        files: of the data set; its tables are read where there are any.

    Attributes:
        missing: a sentence on the LIDC database if it is not at hand.
        counts: nodules in which table and readings `differ`.

    Raises:
        DataError: a table cannot be read.
    """

    def __init__(self, files: Luna16Files) -> None:
        published, truth = files.tables.get("malignancy"), files.tables.get("phantom")
        self._published = read_malignancy_table(published) if published else {}
        self._truth = read_phantom_nodules(truth) if truth else {}
        self._database, self.missing = _database()
        self.counts: Counter[str] = Counter()

    def patients(self) -> dict[str, tuple[str, str]]:
        """(patient id, study UID) of LIDC's series."""
        return self._database.patients() if self._database else {}

    def complete(self, nodules: Sequence[NoduleItem], seriesuid: str, scan: CTScan) -> None:
        """Fill in, in place, what is known of a scan's nodules.

        Args:
            nodules: of one scan.
            seriesuid: of the scan.
            scan: its geometry, which places the readers' outlines.
        """
        self._add_lidc(nodules, seriesuid, scan)
        for nodule in nodules:
            if truth := _at(nodule, self._truth.get(seriesuid, [])):
                _tell(nodule, truth.malignant, truth.ratings, truth.annotations)
                nodule["source_patient"], nodule["place"] = truth.patient, truth.place
            if published := _at(nodule, self._published.get(seriesuid, [])):
                self.counts["differ"] += nodule["malignant"] not in (None, published.malignant)
                nodule["malignant"] = published.malignant
                nodule.setdefault("ratings", {"malignancy": list(published.ratings)})

    def _add_lidc(self, nodules: Sequence[NoduleItem], seriesuid: str, scan: CTScan) -> None:
        lidc = self._database.scan(seriesuid) if self._database and nodules else None
        if lidc is None:
            return
        positions = [nodule["lps_mm"] for nodule in nodules]
        diameters = [nodule["diameter_mm"] for nodule in nodules]
        found = match_annotations(lidc_nodules(lidc), scan.lps_from_vox, positions, diameters)
        for nodule, match in zip(nodules, found, strict=True):
            if match is not None:
                real = match.nodule
                _tell(nodule, real.malignant, real.ratings, [reading.id for reading in real.readings])


def _tell(
    nodule: NoduleItem,
    malignant: bool | None,
    ratings: dict[str, list[int]],
    annotations: Sequence[int | str],
) -> None:
    nodule["malignant"], nodule["ratings"] = malignant, ratings
    nodule["lidc_annotations"] = list(annotations)


def _at(nodule: NoduleItem, rows: Sequence[_Row]) -> _Row | None:
    """The row nearest to a nodule, if it lies within its radius."""
    far = [float(np.linalg.norm(np.subtract(row.lps_mm, nodule["lps_mm"]))) for row in rows]
    if not far or min(far) >= nodule["diameter_mm"] / 2:
        return None
    return rows[far.index(min(far))]


def _database() -> tuple[LidcDatabase | None, str]:
    """LIDC's database, or nothing and why: a data set can be prepared without it."""
    try:
        return LidcDatabase(), ""
    except DataError as error:
        return None, f"LIDC's readings and patients are not known: {error}"
