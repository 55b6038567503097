"""LUNA16's annotations matched to LIDC's nodules, and the published table of their malignancy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .nodules import LidcNodule
from .published import PLACE, read_place, read_ratings, read_rows, read_truth

__all__ = ["Match", "PublishedNodule", "match_annotations", "read_malignancy_table"]

_COLUMNS = (*PLACE, "mal_bool", "mal_details")


@dataclass(frozen=True, eq=False)
class Match:
    """The LIDC nodule that an annotation names.

    Args:
        nodule: of the same scan.
        distance_mm: between the annotation and the nodule's centre; under half the diameter.
    """

    nodule: LidcNodule
    distance_mm: float


class PublishedNodule(NamedTuple):
    """A row of `annotations_with_malignancy.csv`.

    `ratings` are the readers' ratings of malignancy, 1 to 5, in no known order of readers.
    """

    lps_mm: tuple[float, float, float]
    diameter_mm: float
    malignant: bool
    ratings: list[int]


def match_annotations(
    nodules: Sequence[LidcNodule],
    lps_from_vox: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    positions_lps: ArrayLike,
    diameters_mm: ArrayLike,
) -> list[Match | None]:
    """Find the LIDC nodule that each annotation of a scan names.

    A nodule can be named when its centre is nearer than half the annotation's diameter (the rule of
    LUNA16's evaluation). The nearest pair is taken first, and nothing is in two pairs.

    Args:
        nodules: of the annotations' scan.
        lps_from_vox: (N, 3) float, (slice, row, column), to LPS mm; a `CTScan` has it.
        positions_lps: (M, 3) float, LPS mm.
        diameters_mm: (M,) float, over 0.

    Returns:
        for each annotation its match, None where it has none.
    """
    positions = np.asarray(positions_lps, dtype=np.float64).reshape(-1, 3)
    found: list[Match | None] = [None] * len(positions)
    if not nodules or not len(positions):
        return found
    centers = lps_from_vox(np.array([nodule.center_vox for nodule in nodules]))
    far = np.linalg.norm(positions[:, None] - centers[None], axis=-1)
    near = far < np.asarray(diameters_mm, dtype=np.float64)[:, None] / 2
    far[~near] = np.inf
    while np.isfinite(nearest := far.min()):
        annotation, nodule = np.unravel_index(far.argmin(), far.shape)
        found[int(annotation)] = Match(nodules[int(nodule)], float(nearest))
        far[annotation], far[:, nodule] = np.inf, np.inf
    return found


def read_malignancy_table(path: Path) -> dict[str, list[PublishedNodule]]:
    """Read `annotations_with_malignancy.csv`: its rows by series UID.

    Args:
        path: a CSV file with the columns seriesuid, coordX, coordY, coordZ, diameter_mm, mal_bool and
            mal_details; more columns do not matter.

    Raises:
        DataError: it cannot be read, lacks a column, or a row makes no sense.
    """
    table: dict[str, list[PublishedNodule]] = {}
    for series_uid, nodule in read_rows(path, _COLUMNS, _published):
        table.setdefault(series_uid, []).append(nodule)
    return table


def _published(row: dict[str, str]) -> tuple[str, PublishedNodule]:
    series_uid, lps_mm, diameter_mm = read_place(row)
    malignant, ratings = read_truth(row["malbool"]), read_ratings(row["maldetails"])
    return series_uid, PublishedNodule(lps_mm, diameter_mm, malignant, ratings)
