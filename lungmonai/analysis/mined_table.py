"""Mined candidates judged against the annotated nodules, and written as LUNA16's table of candidates."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datalist import NoduleItem, ScanItem
from ..errors import SettingsError
from ..files import written_whole
from ..metrics.hits import hits
from ..words import many
from .candidates import FoundCandidates

__all__ = [
    "MOST",
    "JudgedCandidates",
    "MinedCounts",
    "check_draw",
    "judge_candidates",
    "missed_path",
    "write_mined",
]

# False candidates kept of a scan: LUNA16's own table has some 600 a scan, and a scan that a poor
# segmentation fills with marks must not outweigh the others.
MOST = 1000

_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "class", "probability", "voxels")
_MISSED_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
# The same rounding as in the analysis' tables.
_POSITION, _PROBABILITY = "{:.6f}", "{:.6f}"


@dataclass(frozen=True, eq=False)
class JudgedCandidates:
    """Candidates of a scan against its nodules.

    Args:
        true: (N,) bool, hits a nodule.
        false: (N,) bool, hits neither a nodule nor an excluded finding.
        found: (M,) bool, the nodule is hit by a candidate.
    """

    true: NDArray[np.bool_]
    false: NDArray[np.bool_]
    found: NDArray[np.bool_]


@dataclass(frozen=True)
class MinedCounts:
    """What was found in all scans together.

    Args:
        scans: that were mined.
        nodules: annotated in them.
        found: nodules that a candidate hits.
        true: candidates that hit a nodule.
        false: candidates that hit nothing.
        excluded: candidates that hit only an excluded finding, which count neither way.
        kept: of the false ones, those in the table.
    """

    scans: int
    nodules: int
    found: int
    true: int
    false: int
    excluded: int
    kept: int

    def __str__(self) -> str:
        scans = max(self.scans, 1)
        return (
            f"{many(self.scans, 'scan')}: {self.found} of {many(self.nodules, 'nodule')} found, "
            f"by {many(self.true, 'candidate')}\n"
            f"{self.false / scans:.1f} false candidates a scan, {self.kept / scans:.1f} of them kept; "
            f"{self.excluded} at excluded findings left out"
        )


def judge_candidates(found: FoundCandidates, item: ScanItem) -> JudgedCandidates:
    """Judge the candidates of a scan by the rule of LUNA16's evaluation.

    Args:
        found: the candidates.
        item: the scan, with its nodules and excluded findings.
    """
    nodules = item["nodules"]
    centers = [nodule["lps_mm"] for nodule in nodules]
    hit = hits(found.lps_mm, centers, [nodule["diameter_mm"] for nodule in nodules])
    excluded = np.array(item.get("excluded", []), dtype=np.float64).reshape(-1, 4)
    aside = hits(found.lps_mm, excluded[:, :3], excluded[:, 3]).any(axis=1)
    true, found_there = np.asarray(hit.any(axis=1)), np.asarray(hit.any(axis=0))
    return JudgedCandidates(true, np.asarray(~true & ~aside), found_there)


def write_mined(
    path: Path,
    items: Sequence[ScanItem],
    found: Mapping[str, FoundCandidates],
    *,
    most: int = MOST,
    seed: int = 0,
) -> MinedCounts:
    """Write the table of candidates, and beside it the nodules that no candidate hits.

    Class 1 are candidates that hit a nodule, class 0 those that hit nothing. Of the false ones `most` a
    scan are kept, drawn at random: the most probable ones would be large and of few kinds, and what the
    classifier meets is all of them.

    Args:
        path: the table. The missed nodules go to a file whose name ends in `_missed.csv`.
        items: scans of a datalist, each with a series of its own.
        found: candidates by series; scans that it does not name are left out.
        most: false candidates kept of a scan.
        seed: of the draw; a scan's draw depends on nothing else.

    Raises:
        OutputError: a table could not be written.
        SettingsError: `most` or `seed` is negative.
    """
    check_draw(most, seed)
    mined = [item for item in items if item["seriesuid"] in found]
    judged = [judge_candidates(found[item["seriesuid"]], item) for item in mined]
    rows: list[list[str]] = []
    for item, one in zip(mined, judged, strict=True):
        rows += _rows(item["seriesuid"], found[item["seriesuid"]], one, most, seed)
    _write(path, _COLUMNS, rows)
    _write(missed_path(path), _MISSED_COLUMNS, list(_missed(mined, judged)))
    return _counts(judged, len(rows))


def check_draw(most: int, seed: int) -> None:
    """Refuse what `write_mined` cannot draw by; for callers that work long before they write.

    Raises:
        SettingsError: one of them is negative.
    """
    for name, value in (("most", most), ("seed", seed)):
        if value < 0:
            do = "Leave it out for a good number."
            raise SettingsError(f"{name} is {value}", wanted="0 or more", do=do)


def missed_path(path: Path) -> Path:
    """Where `write_mined` writes the nodules that were missed."""
    return path.with_name(f"{path.stem}_missed.csv")


def _rows(
    series: str, found: FoundCandidates, judged: JudgedCandidates, most: int, seed: int
) -> Iterator[list[str]]:
    """True candidates and the false ones that are kept, in the order in which they were found."""
    false = np.flatnonzero(judged.false)
    if len(false) > most:
        rng = np.random.default_rng([seed, int(hashlib.sha256(series.encode()).hexdigest()[:16], 16)])
        false = rng.choice(false, most, replace=False)
    for place in np.sort(np.concatenate([np.flatnonzero(judged.true), false])):
        yield [
            series,
            *map(_POSITION.format, found.lps_mm[place]),
            str(int(judged.true[place])),
            _PROBABILITY.format(found.prob[place]),
            str(int(found.voxels[place])),
        ]


def _missed(items: Sequence[ScanItem], judged: Sequence[JudgedCandidates]) -> Iterator[list[str]]:
    for item, one in zip(items, judged, strict=True):
        for nodule, hit in zip(item["nodules"], one.found, strict=True):
            if not hit:
                yield [item["seriesuid"], *_place(nodule)]


def _place(nodule: NoduleItem) -> list[str]:
    return [*map(_POSITION.format, nodule["lps_mm"]), _POSITION.format(nodule["diameter_mm"])]


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with written_whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _counts(judged: Sequence[JudgedCandidates], rows: int) -> MinedCounts:
    true = sum(int(one.true.sum()) for one in judged)
    false = sum(int(one.false.sum()) for one in judged)
    candidates = sum(len(one.true) for one in judged)
    return MinedCounts(
        scans=len(judged),
        nodules=sum(len(one.found) for one in judged),
        found=sum(int(one.found.sum()) for one in judged),
        true=true,
        false=false,
        excluded=candidates - true - false,
        kept=rows - true,
    )
