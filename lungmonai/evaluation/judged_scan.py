"""Which detections hit which nodules, and the reference project's table of what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..data.datalist import ScanItem
from ..metrics.hits import hits
from .matching import reference_hits
from .scan_answers import ScanAnswers

__all__ = ["COLUMNS", "MALIGNANT_OVER", "ROWS", "JudgedScan"]

ROWS = ("non-nodule", "benign", "malignant", "undecided")
COLUMNS = ("complete miss", "filtered out", "predicted benign", "predicted malignant")
_MISS, _FILTERED, _BENIGN, _MALIGNANT = range(4)
# The reference project's end-to-end analysis.
MALIGNANT_OVER = 0.5


@dataclass(frozen=True, eq=False)
class JudgedScan:
    """The answers on one scan, held against its nodules by the reference project's rule.

    A detection is a reported nodule, or a candidate that the classifier filtered out. Candidates over the
    threshold that were merged into a report count with it.

    Args:
        item: the scan, as the datalist tells of it: M nodules.
        answers: the analysis: N candidates, R reports.
        threshold: a candidate is a nodule when its probability is over this.
    """

    item: ScanItem
    answers: ScanAnswers
    threshold: float

    @cached_property
    def nodule_lps_mm(self) -> NDArray[np.float64]:
        """(M, 3) float, annotated centres, LPS mm."""
        return np.array([one["lps_mm"] for one in self.item["nodules"]], np.float64).reshape(-1, 3)

    @cached_property
    def diameter_mm(self) -> NDArray[np.float64]:
        """(M,) float, as annotated."""
        return np.array([one["diameter_mm"] for one in self.item["nodules"]], np.float64)

    @cached_property
    def nodule_rows(self) -> NDArray[np.int64]:
        """(M,) int, each nodule's row of the table: 1 benign, 2 malignant, 3 undecided."""
        row = {False: 1, True: 2, None: 3}
        return np.array([row[one["malignant"]] for one in self.item["nodules"]], np.int64)

    @cached_property
    def over(self) -> NDArray[np.bool_]:
        """(N,) bool, candidates that the classifier takes for nodules."""
        # In float32 on both sides, as the analysis compares them.
        return np.asarray(self.answers.candidate_prob > np.float32(self.threshold))

    @cached_property
    def candidate_hits(self) -> NDArray[np.bool_]:
        """(N, M) bool, which candidates hit which nodules."""
        return reference_hits(self.answers.candidate_lps_mm, self.nodule_lps_mm, self.diameter_mm)

    @cached_property
    def dropped(self) -> NDArray[np.bool_]:
        """(M,) bool, nodules hit by a group that was left out for lying outside the lung mask."""
        hit = reference_hits(self.answers.dropped_lps_mm, self.nodule_lps_mm, self.diameter_mm)
        return np.asarray(hit.any(axis=0))

    @cached_property
    def report_hits(self) -> NDArray[np.bool_]:
        """(R, M) bool, which reports hit which nodules."""
        return reference_hits(self.answers.report_lps_mm, self.nodule_lps_mm, self.diameter_mm)

    @cached_property
    def report_hits_luna16(self) -> NDArray[np.bool_]:
        """(R, M) bool, the same by LUNA16's rule: nearer than half the diameter."""
        return hits(self.answers.report_lps_mm, self.nodule_lps_mm, self.diameter_mm)

    @cached_property
    def on_excluded(self) -> NDArray[np.bool_]:
        """(R,) bool, reports that hit an excluded finding, by LUNA16's rule."""
        return _hit_any(self.answers.report_lps_mm, self.item.get("excluded", []))

    @cached_property
    def report_columns(self) -> NDArray[np.int64]:
        """(R,) int, each report's column of the table; what is not judged counts as benign."""
        malignant = self.answers.report_malignancy > MALIGNANT_OVER
        return np.where(malignant, _MALIGNANT, _BENIGN)

    @cached_property
    def nodule_columns(self) -> NDArray[np.int64]:
        """(M,) int, each nodule's column of the table: the highest of the detections that hit it."""
        of_reports = np.where(self.report_hits, self.report_columns[:, None], _MISS)
        of_candidates = np.where(self.candidate_hits, _FILTERED, _MISS)
        columns = np.concatenate([of_reports, of_candidates])
        return np.asarray(columns.max(axis=0, initial=_MISS), np.int64)

    @cached_property
    def found(self) -> NDArray[np.bool_]:
        """(M,) bool, nodules that a report hits."""
        return self.nodule_columns >= _BENIGN

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """(4, 4) int, counts by `ROWS` and `COLUMNS`; there is no miss of what is no nodule."""
        counts = np.zeros((len(ROWS), len(COLUMNS)), np.int64)
        np.add.at(counts, (self.nodule_rows, self.nodule_columns), 1)
        np.add.at(counts[0], self.report_columns[~self.report_hits.any(axis=1)], 1)
        counts[0, _FILTERED] = np.count_nonzero(~self.over & ~self.candidate_hits.any(axis=1))
        return counts

    @property
    def false_reports(self) -> int:
        """Reports that hit no nodule."""
        return int(self.table[0, _BENIGN:].sum())


def _hit_any(
    positions_lps_mm: NDArray[np.float64], findings: Sequence[tuple[float, float, float, float]]
) -> NDArray[np.bool_]:
    table = np.array(findings, np.float64).reshape(-1, 4)
    return np.asarray(hits(positions_lps_mm, table[:, :3], table[:, 3]).any(axis=1))
