"""Marks against findings: which are true, false, or neither, by the rule of LUNA16's evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .hits import hits

__all__ = ["Findings", "JudgedMarks", "Marks", "Verdicts", "judge_each", "judge_marks"]


@dataclass(frozen=True, eq=False)
class Marks:
    """What a system reports.

    Args:
        scan: (N,) int, from 0.
        lps_mm: (N, 3) float, LPS mm.
        prob: (N,) float; any score will do that is higher for what is more likely a nodule.

    Raises:
        SettingsError: the lengths differ, or a position or score is no number.
    """

    scan: NDArray[np.int64]
    lps_mm: NDArray[np.float64]
    prob: NDArray[np.float64]

    def __post_init__(self) -> None:
        _check_lengths(self.scan, self.lps_mm, self.prob)


@dataclass(frozen=True, eq=False)
class Findings:
    """What is there: annotated nodules, or findings that count neither way.

    Args:
        scan: (M,) int, from 0.
        lps_mm: (M, 3) float, LPS mm.
        diameter_mm: (M,) float; negative where nobody measured one.

    Raises:
        SettingsError: the lengths differ, or a position or diameter is no number.
    """

    scan: NDArray[np.int64]
    lps_mm: NDArray[np.float64]
    diameter_mm: NDArray[np.float64]

    def __post_init__(self) -> None:
        _check_lengths(self.scan, self.lps_mm, self.diameter_mm)


@dataclass(frozen=True, eq=False)
class JudgedMarks:
    """Marks against findings: all that the curve depends on.

    Args:
        scans: how many there are, those without any mark or nodule too.
        nodule_scan: (M,) int, scan of each nodule.
        nodule_prob: (M,) float, the highest score of a mark that hits it; −∞ where none does.
        false_scan: (F,) int, scan of each false mark.
        false_prob: (F,) float, its score.
    """

    scans: int
    nodule_scan: NDArray[np.int64]
    nodule_prob: NDArray[np.float64]
    false_scan: NDArray[np.int64]
    false_prob: NDArray[np.float64]

    def of_nodules(self, chosen: NDArray[np.bool_]) -> JudgedMarks:
        """The same with some of the nodules only; the false marks stay.

        Args:
            chosen: (M,) bool, or positions of nodules.
        """
        return JudgedMarks(
            self.scans,
            self.nodule_scan[chosen],
            self.nodule_prob[chosen],
            self.false_scan,
            self.false_prob,
        )


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What became of every mark.

    Args:
        judged: what the curve depends on.
        nodule_mark: (M,) int, position of the mark that found each nodule; −1 where none did.
        false_mark: (F,) int, positions of the false marks, rising; as `judged.false_prob`.
        ignored: marks on excluded findings that hit no nodule.
        duplicates: hits on nodules beyond the first of each; a mark on two nodules may be two.
    """

    judged: JudgedMarks
    nodule_mark: NDArray[np.int64]
    false_mark: NDArray[np.int64]
    ignored: int
    duplicates: int

    @property
    def found(self) -> NDArray[np.bool_]:
        """(M,) bool: nodules that a mark hits, whatever its score."""
        return self.nodule_mark >= 0


def judge_marks(marks: Marks, nodules: Findings, scans: int, excluded: Findings | None = None) -> JudgedMarks:
    """Decide which marks hit what: `judge_each`, of which the curve needs only this.

    Args:
        marks: reported.
        nodules: to be found.
        scans: how many there are; marks and findings name them from 0.
        excluded: findings that count neither way.

    Raises:
        SettingsError: a scan's number is not below `scans`.

    >>> nodule = Findings(np.array([0]), np.array([[0.0, 0.0, 0.0]]), np.array([10.0]))
    >>> two = Marks(np.array([0, 1]), np.array([[4.9, 0, 0], [4.9, 0, 0]]), np.array([0.9, 0.8]))
    >>> judged = judge_marks(two, nodule, 2)  # the second mark lies in another scan
    >>> judged.nodule_prob.tolist(), judged.false_prob.tolist()
    ([0.9], [0.8])
    """
    return judge_each(marks, nodules, scans, excluded).judged


def judge_each(marks: Marks, nodules: Findings, scans: int, excluded: Findings | None = None) -> Verdicts:
    """Decide what every mark is.

    A mark hits a finding that is nearer than half its diameter. Of several marks on a nodule the highest
    score counts; the others are neither true nor false, as are marks that hit an excluded finding. A mark
    may hit two nodules.

    Args:
        marks: reported.
        nodules: to be found.
        scans: how many there are; marks and findings name them from 0.
        excluded: findings that count neither way.

    Raises:
        SettingsError: a scan's number is not below `scans`.
    """
    best = np.full(len(nodules.scan), -1, dtype=np.int64)
    on_nodule = np.zeros(len(marks.scan), dtype=np.bool_)
    all_hits = 0
    for own, there, hit in _hits_by_scan(marks, nodules, scans):
        on_nodule[own] |= hit.any(axis=1)
        all_hits += int(hit.sum())
        if len(own):
            best[there] = _best_hits(own, marks.prob, hit)
    on_excluded = np.zeros_like(on_nodule)
    if excluded is not None:
        for own, _, hit in _hits_by_scan(marks, excluded, scans):
            on_excluded[own] |= hit.any(axis=1)
    false = np.flatnonzero(~on_nodule & ~on_excluded)
    # A nodule without a hit reads some other mark's score here, which is not taken.
    prob = np.where(best >= 0, marks.prob[best], -np.inf) if len(marks.prob) else np.full(len(best), -np.inf)
    return Verdicts(
        JudgedMarks(scans, nodules.scan, prob, marks.scan[false], marks.prob[false]),
        best,
        false,
        ignored=int((on_excluded & ~on_nodule).sum()),
        duplicates=all_hits - int((best >= 0).sum()),
    )


def _best_hits(
    own: NDArray[np.int64], prob: NDArray[np.float64], hit: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """For each column of (marks, nodules) hits: position of the most probable mark, or −1."""
    best = np.where(hit, prob[own][:, None], -np.inf).argmax(axis=0)
    return np.where(hit.any(axis=0), own[best], -1)


def _hits_by_scan(
    marks: Marks, findings: Findings, scans: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]]:
    """For each scan with findings: positions of its marks and of its findings, and who hits what."""
    for numbers in (marks.scan, findings.scan):
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < scans:
            raise SettingsError(
                f"scans {numbers.min()} to {numbers.max()} of {scans}",
                wanted=f"numbers from 0 to {scans - 1}",
                do="Number the scans from 0.",
            )
    order = np.argsort(marks.scan, kind="stable")
    mark_scan, there_order = marks.scan[order], np.argsort(findings.scan, kind="stable")
    finding_scan = findings.scan[there_order]
    for scan in np.unique(findings.scan):
        start, end = np.searchsorted(mark_scan, [scan, scan + 1])
        first, last = np.searchsorted(finding_scan, [scan, scan + 1])
        own, there = order[start:end], there_order[first:last]
        yield own, there, hits(marks.lps_mm[own], findings.lps_mm[there], findings.diameter_mm[there])


def _check_lengths(
    scan: NDArray[np.int64], lps_mm: NDArray[np.float64], numbers: NDArray[np.float64]
) -> None:
    lost = int((~np.isfinite(lps_mm)).sum() + (~np.isfinite(numbers)).sum())
    if lps_mm.shape != (len(scan), 3) or numbers.shape != (len(scan),) or lost:
        raise SettingsError(
            f"{len(scan)} scans, positions of shape {lps_mm.shape} and numbers of shape {numbers.shape}, "
            f"{lost} of all these not finite",
            wanted="a scan, a position and a finite number for each",
            do="Check the tables.",
        )
