"""Nodules and candidates of one scan, from the rows of LUNA16's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...io.scan import CTScan
from ...metrics.hits import hits
from ..datalist import CandidateRow, NoduleItem
from .tables import BadRow, Rows

__all__ = ["CANDIDATE_DECIMALS", "Candidates", "candidates_of", "findings_of", "nodules_of"]

# Of non-nodules' positions, in mm; LUNA16 lists most of them to 0.01 mm.
CANDIDATE_DECIMALS = 3
# Half a voxel beyond the outermost centres a scan ends.
_HALF_VOXEL = 0.5
_OUTSIDE = "the position ({}) lies outside the scan: slice, row, column {} of {}"


@dataclass(frozen=True)
class Candidates:
    """The candidates of one scan.

    Args:
        rows: its nodules with label 1, then the others with label 0.
        near: how many rows of the table were left out since they lie within a nodule's radius.
        stray: how many rows of class 1 were left out since no nodule of the annotations is there.
        repeated: how many rows of class 0 were left out since an earlier one has the same position.
        bad: rows that cannot be used.
    """

    rows: list[CandidateRow]
    near: int
    stray: int
    repeated: int
    bad: tuple[BadRow, ...]


def nodules_of(rows: Rows, scan: CTScan, seriesuid: str) -> tuple[list[NoduleItem], tuple[BadRow, ...]]:
    """The nodules of a scan, their malignancy not yet known, and the rows that are none.

    Args:
        rows: (N, 4) values: x, y, z in LPS mm, diameter in mm.
        scan: its geometry.
        seriesuid: for the rows that cannot be used.
    """
    nodules: list[NoduleItem] = []
    bad: list[BadRow] = []
    first_at: dict[tuple[float, ...], tuple[int, float]] = {}
    for line, (x, y, z, diameter_mm) in zip(rows.lines.tolist(), rows.values.tolist(), strict=True):
        reason = _wrong_nodule((x, y, z), diameter_mm, scan, first_at)
        if reason:
            bad.append(BadRow(line, seriesuid, reason))
        else:
            first_at[x, y, z] = line, diameter_mm
            nodules.append({"lps_mm": (x, y, z), "diameter_mm": diameter_mm, "malignant": None})
    return nodules, tuple(bad)


def candidates_of(rows: Rows, nodules: Sequence[NoduleItem], scan: CTScan, seriesuid: str) -> Candidates:
    """The candidates of a scan.

    Label 1 are the annotated nodules themselves: the table has several rows for one nodule. Label 0
    are the table's non-nodules that lie within no nodule's radius, each position once.

    Args:
        rows: (N, 4) values: x, y, z in LPS mm, class.
        nodules: of the same scan.
        scan: its geometry.
        seriesuid: for the rows that cannot be used.
    """
    positions, classes = rows.values[:, :3], rows.values[:, 3]
    inside = _inside(positions, scan)
    known = np.isin(classes, (0, 1))
    near = _within_radius(positions, nodules)
    stray = inside & known & ~near & (classes == 1)
    kept = inside & known & ~near & (classes == 0)
    positive: list[CandidateRow] = [(*nodule["lps_mm"], 1) for nodule in nodules]
    others = positions[kept].round(CANDIDATE_DECIMALS)
    negative: list[CandidateRow] = list(dict.fromkeys((x, y, z, 0) for x, y, z in others.tolist()))
    return Candidates(
        rows=positive + negative,
        near=int((inside & known & near).sum()),
        stray=int(stray.sum()),
        repeated=len(others) - len(negative),
        bad=tuple(_bad_candidates(rows, inside, known, scan, seriesuid)),
    )


def findings_of(rows: Rows) -> list[tuple[float, float, float, float]]:
    """The excluded findings of a scan: x, y, z, diameter, each once; a diameter of -1 stands for none.

    Several readers marked the same place, and the table then has it several times.
    """
    return list(dict.fromkeys((x, y, z, mm) for x, y, z, mm in rows.values.tolist()))


def _wrong_nodule(
    lps_mm: tuple[float, float, float],
    diameter_mm: float,
    scan: CTScan,
    first_at: dict[tuple[float, ...], tuple[int, float]],
) -> str:
    """Why an annotation cannot be used; nothing if it can."""
    if diameter_mm <= 0:
        return f"diameter_mm is {diameter_mm:g}, wanted a positive number"
    if lps_mm in first_at:
        line, other_mm = first_at[lps_mm]
        same = "the same nodule as" if other_mm == diameter_mm else f"with {diameter_mm:g} mm it contradicts"
        return f"{same} line {line}"
    if not _inside(np.array([lps_mm]), scan)[0]:
        return _outside(np.array(lps_mm), scan)
    return ""


def _inside(lps_mm: NDArray[np.float64], scan: CTScan) -> NDArray[np.bool_]:
    vox = scan.vox_from_lps(lps_mm)
    return np.asarray(((vox >= -_HALF_VOXEL) & (vox <= np.array(scan.shape) - _HALF_VOXEL)).all(axis=-1))


def _outside(lps_mm: NDArray[np.float64], scan: CTScan) -> str:
    vox = scan.vox_from_lps(lps_mm).round(1)
    return _OUTSIDE.format(*(", ".join(f"{number:g}" for number in row) for row in (lps_mm, vox, scan.shape)))


def _within_radius(lps_mm: NDArray[np.float64], nodules: Sequence[NoduleItem]) -> NDArray[np.bool_]:
    """Which positions hit a nodule."""
    centers = [nodule["lps_mm"] for nodule in nodules]
    return np.asarray(hits(lps_mm, centers, [nodule["diameter_mm"] for nodule in nodules]).any(axis=1))


def _bad_candidates(
    rows: Rows, inside: NDArray[np.bool_], known: NDArray[np.bool_], scan: CTScan, seriesuid: str
) -> Iterator[BadRow]:
    for place in np.flatnonzero(~(inside & known)):
        *position, kind = rows.values[place]
        reason = _outside(np.array(position), scan) if known[place] else f"class is {kind:g}, wanted 0 or 1"
        yield BadRow(int(rows.lines[place]), seriesuid, reason)
