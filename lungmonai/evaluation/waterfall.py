"""Where each nodule was lost, and how each false report came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..metrics.hits import counted_diameters
from ..nodule import LOCATIONS
from .judged_scan import MALIGNANT_OVER, JudgedScan
from .matching import distances_mm

__all__ = ["FALSE_STAGES", "NODULE_STAGES", "FalseReport", "counted", "false_reports", "nodule_stages"]

OUTSIDE_MASK = "outside the lung mask"
UNMARKED = "under the segmentation threshold"
ERODED = "eroded away"
MERGED = "merged"
FILTERED = "filtered by the classifier"
SEEMS_BENIGN = "misjudged as benign"
FOUND = "found"
# In the order of the analysis.
NODULE_STAGES = (OUTSIDE_MASK, UNMARKED, ERODED, MERGED, FILTERED, SEEMS_BENIGN, FOUND)

SECOND = "second report of a nodule"
EXCLUDED = "on an excluded finding"
OUTSIDE_LUNGS = "outside the lungs"
BESIDE = "beside a nodule"
LET_THROUGH = "let through by the classifier"
SEEMS_MALIGNANT = "misjudged as malignant"
# In the order in which they are asked; the last is about a nodule that was found.
FALSE_STAGES = (SECOND, EXCLUDED, OUTSIDE_LUNGS, BESIDE, LET_THROUGH, SEEMS_MALIGNANT)

# Detections this near are one nodule to the analysis (`AnalysisSettings.merge_radius_mm`).
_BESIDE_MM = 10.0
_OUTSIDE = len(LOCATIONS) - 1


@dataclass(frozen=True)
class FalseReport:
    """One report that counts against the system.

    Args:
        report: its place among the scan's reports.
        stage: one of `FALSE_STAGES`.
    """

    report: int
    stage: str


def nodule_stages(judged: JudgedScan, *, region: str) -> list[str]:
    """The stage that each nodule of a scan reached: one of `NODULE_STAGES`.

    Args:
        judged: the scan.
        region: that was looked at; only "lungs" loses what lies outside the lung mask.
    """
    return [_nodule_stage(judged, place, region) for place in range(len(judged.item["nodules"]))]


def _nodule_stage(judged: JudgedScan, nodule: int, region: str) -> str:
    answers = judged.answers
    hitting = judged.candidate_hits[:, nodule]
    if judged.found[nodule]:
        return SEEMS_BENIGN if _seems_benign(judged, nodule) else FOUND
    if hitting.any():
        # Over the threshold and yet not reported: a more probable candidate nearby was, and does not hit.
        return MERGED if (hitting & judged.over).any() else FILTERED
    if region == "lungs" and (judged.dropped[nodule] or not answers.nodule_in_lungs[nodule]):
        return OUTSIDE_MASK
    if not answers.nodule_marked[nodule]:
        return UNMARKED
    # What erosion leaves belongs to a group, whose centre then lies elsewhere.
    return MERGED if answers.nodule_eroded[nodule] else ERODED


def _seems_benign(judged: JudgedScan, nodule: int) -> bool:
    """Whether a malignant nodule was judged, and no report of it is malignant."""
    probs = judged.answers.report_malignancy[judged.report_hits[:, nodule]]
    malignant = judged.item["nodules"][nodule]["malignant"]
    return bool(malignant) and not np.isnan(probs).all() and not (probs > MALIGNANT_OVER).any()


def false_reports(judged: JudgedScan) -> list[FalseReport]:
    """The reports of a scan that count against the system, most probable first.

    Those that hit no nodule, the second ones of a nodule, and for each benign nodule that is predicted
    malignant the most probable report that says so.
    """
    misjudged = _misjudged(judged)
    first = _first_reports(judged)
    rows = [FalseReport(report, SEEMS_MALIGNANT) for report in misjudged]
    for report, hit in enumerate(judged.report_hits):
        if not hit.any():
            rows.append(FalseReport(report, _false_stage(judged, report)))
        elif report not in first and report not in misjudged:
            rows.append(FalseReport(report, SECOND))
    return sorted(rows, key=lambda row: row.report)


def _first_reports(judged: JudgedScan) -> set[int]:
    """The most probable report of each nodule that has one; reports come most probable first."""
    hits = judged.report_hits
    return set(hits.argmax(axis=0)[hits.any(axis=0)].tolist()) if len(hits) else set()


def _misjudged(judged: JudgedScan) -> list[int]:
    """For each benign nodule that is predicted malignant, the most probable report that says so."""
    says_so = judged.answers.report_malignancy > MALIGNANT_OVER
    benign = [place for place, one in enumerate(judged.item["nodules"]) if one["malignant"] is False]
    hits = (judged.report_hits & says_so[:, None])[:, benign]
    return [int(of_nodule.argmax()) for of_nodule in hits.T if of_nodule.any()]


def _false_stage(judged: JudgedScan, report: int) -> str:
    if judged.on_excluded[report]:
        return EXCLUDED
    if judged.answers.report_location[report] == _OUTSIDE:
        return OUTSIDE_LUNGS
    far_mm = distances_mm(judged.answers.report_lps_mm[report], judged.nodule_lps_mm)[0]
    near = far_mm < np.maximum(counted_diameters(judged.diameter_mm), _BESIDE_MM)
    return BESIDE if near.any() else LET_THROUGH


def counted(stages: Iterable[str], order: tuple[str, ...]) -> list[list[str | int]]:
    """How often each stage occurs, in a given order.

    Args:
        stages: one for each nodule or report.
        order: every stage.
    """
    counts = Counter(stages)
    return [[stage, counts[stage]] for stage in order]
