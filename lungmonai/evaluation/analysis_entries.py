"""What an end-to-end evaluation tells of each scan, each nodule and each false report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..json_file import without_nan
from ..nodule import LOCATIONS
from .cohort import Cohort
from .cohort_marks import texture
from .judged_scan import COLUMNS, ROWS, JudgedScan
from .waterfall import false_reports, nodule_stages

__all__ = ["FALSE_KEYS", "NODULE_KEYS", "false_entries", "nodule_entries", "scan_entries"]

NODULE_KEYS = (
    *("id", "seriesuid", "lps_mm", "diameter_mm", "malignant", "texture", "found", "found_luna16", "stage"),
    *("segmentation_prob", "marked_voxels", "eroded_voxels", "nodule_prob", "malignancy_prob"),
    *("malignancy_prob_at_center", "measured_mm"),
)
FALSE_KEYS = (
    *("id", "seriesuid", "lps_mm", "diameter_mm", "location", "stage", "nodule_prob", "malignancy_prob"),
)

Entry = dict[str, Any]


def scan_entries(cohort: Cohort, judged: Sequence[JudgedScan], candidates: Sequence[int]) -> list[Entry]:
    """One entry a scan, failed ones too, in the order of the datalist.

    Args:
        cohort: the scans.
        judged: those that were analysed.
        candidates: how many of each are left after merging.
    """
    told = {
        one.item["seriesuid"]: {
            "found": int(one.found.sum()),
            "false_positives": one.false_reports,
            "candidates": count,
            "failed": None,
            "table": one.table.tolist(),
        }
        for one, count in zip(judged, candidates, strict=True)
    }
    return [
        {
            "seriesuid": item["seriesuid"],
            "patient": item["patient"],
            "nodules": len(item["nodules"]),
            **(told.get(item["seriesuid"]) or _failed(cohort.failed[item["seriesuid"]])),
        }
        for item in cohort.items
    ]


def nodule_entries(judged: Sequence[JudgedScan], *, region: str) -> list[Entry]:
    """One entry for each annotated nodule.

    Args:
        judged: the scans that were analysed.
        region: that was looked at.
    """
    rows = [row for one in judged for row in _nodules(one, region)]
    return [_entry(NODULE_KEYS, (f"n{number:04}", *row)) for number, row in enumerate(rows, 1)]


def false_entries(judged: Sequence[JudgedScan]) -> list[Entry]:
    """One entry for each report that counts against the system.

    Args:
        judged: the scans that were analysed.
    """
    rows = [row for one in judged for row in _false(one)]
    return [_entry(FALSE_KEYS, (f"f{number:04}", *row)) for number, row in enumerate(rows, 1)]


def _nodules(judged: JudgedScan, region: str) -> Iterable[tuple[Any, ...]]:
    answers, stages = judged.answers, nodule_stages(judged, region=region)
    found_luna16 = np.atleast_1d(judged.report_hits_luna16.any(axis=0))
    for place, (nodule, stage) in enumerate(zip(judged.item["nodules"], stages, strict=True)):
        yield (
            judged.item["seriesuid"],
            list(nodule["lps_mm"]),
            nodule["diameter_mm"],
            nodule["malignant"],
            texture(nodule),
            bool(judged.found[place]),
            bool(found_luna16[place]),
            stage,
            float(answers.nodule_seg_prob[place]),
            int(answers.nodule_marked[place]),
            int(answers.nodule_eroded[place]),
            _highest(answers.candidate_prob[judged.candidate_hits[:, place]]),
            _highest(answers.report_malignancy[judged.report_hits[:, place]]),
            float(answers.nodule_malignancy[place]),
            _measured(judged, place),
        )


def _false(judged: JudgedScan) -> Iterable[tuple[Any, ...]]:
    answers = judged.answers
    for row in false_reports(judged):
        yield (
            judged.item["seriesuid"],
            [round(value, 6) for value in answers.report_lps_mm[row.report].tolist()],
            round(float(answers.report_diameter_mm[row.report]), 3),
            LOCATIONS[answers.report_location[row.report]],
            row.stage,
            float(answers.report_prob[row.report]),
            float(answers.report_malignancy[row.report]),
        )


def _measured(judged: JudgedScan, nodule: int) -> float:
    """The diameter of its most probable report, which comes first; NaN without any."""
    hitting = judged.answers.report_diameter_mm[judged.report_hits[:, nodule]]
    return round(float(hitting[0]), 3) if len(hitting) else np.nan


def _highest(probs: Any) -> float:
    """The highest that is known: of two reports of a nodule one may be over 30 mm, and not judged."""
    return float(np.fmax.reduce(probs, initial=-np.inf))


def _entry(keys: Sequence[str], values: Sequence[Any]) -> Entry:
    """Values by name; what is no finite number is None."""
    return {key: without_nan(value) for key, value in zip(keys, values, strict=True)}


def _failed(why: str) -> Entry:
    table = [[0] * len(COLUMNS) for _ in ROWS]
    return {"found": None, "false_positives": None, "candidates": None, "failed": why, "table": table}
