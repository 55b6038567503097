"""A cohort's answers held against its nodules: scores, tables and stages, in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..words import only_one
from .analysis_entries import false_entries, nodule_entries, scan_entries
from .cohort import Cohort
from .cohort_marks import cohort_submission, cohort_truth, mark_diameters, merged_candidates
from .froc_report import FrocReport, evaluate_froc
from .judged_scan import COLUMNS, ROWS, JudgedScan
from .malignancy_summary import malignancy_summary
from .waterfall import FALSE_STAGES, NODULE_STAGES, counted

if TYPE_CHECKING:
    from ..analysis.settings import AnalysisSettings

__all__ = ["CohortEvaluation", "evaluate_cohort"]

_SUBMISSION = "submission.csv"


@dataclass(frozen=True, eq=False)
class CohortEvaluation:
    """A cohort held against its nodules.

    Args:
        evaluation: what `evaluation.json` holds.
        report: by LUNA16's rule, on the merged candidates.
        mark_diameter_mm: (N,) float, of each of them, from the volume that erosion left.
    """

    evaluation: dict[str, Any]
    report: FrocReport
    mark_diameter_mm: NDArray[np.float64]


def evaluate_cohort(
    cohort: Cohort, settings: AnalysisSettings, about: Mapping[str, Any], *, draws: int, seed: int
) -> CohortEvaluation:
    """Hold answers against the nodules; no network is asked.

    Args:
        cohort: the scans and what became of them.
        settings: of the analysis.
        about: what stands first in `evaluation.json`, as from `evaluation_head`.
        draws: of the bootstrap intervals; 0 gives none.
        seed: of the draws.
    """
    scans = cohort.analyzed
    answers = [cohort.answers[item["seriesuid"]] for item in scans]
    # 1. LUNA16's rule, on the merged candidates.
    radius_mm = settings.merge_radius_mm if settings.merge else 0.0
    merged = [merged_candidates(one, radius_mm) for one in answers]
    submission = cohort_submission(_SUBMISSION, scans, answers, merged)
    report = evaluate_froc(submission, cohort_truth(scans), bootstrap=draws, seed=seed)
    # 2. The reference project's rule, on what is reported.
    judged = [JudgedScan(*pair, settings.nodule_threshold) for pair in zip(scans, answers, strict=True)]
    malignancy = malignancy_summary(cohort, draws=draws, seed=seed)
    evaluation = {
        **about,
        "scans": scan_entries(cohort, judged, list(map(len, merged))),
        "table": _table(judged),
        "froc": report.as_dict(),
        "malignancy": malignancy,
        "notes": _notes(judged, malignancy),
        **_places(judged, settings.region),
    }
    return CohortEvaluation(evaluation, report, mark_diameters(answers, merged))


def _table(judged: Sequence[JudgedScan]) -> dict[str, Any]:
    total = np.sum([one.table for one in judged], axis=0)
    return {"rows": list(ROWS), "columns": list(COLUMNS), "counts": total.tolist()}


def _notes(judged: Sequence[JudgedScan], malignancy: Mapping[str, Any] | None) -> list[str]:
    """What a reader must know of the numbers: sentences without their full stops."""
    alone = malignancy is not None and malignancy["patients"] == 1
    return [*_outside(judged), *([f"malignancy: {only_one('patient')}"] if alone else [])]


def _outside(judged: Sequence[JudgedScan]) -> list[str]:
    outside = [
        one.item["seriesuid"] for one in judged for prob in one.answers.nodule_seg_prob if np.isnan(prob)
    ]
    if not outside:
        return []
    return [
        f"annotated nodules that lie outside of their scans: {len(outside)}, the first in {outside[0]}; "
        "nothing can find them: check that positions are LPS mm"
    ]


def _places(judged: Sequence[JudgedScan], region: str) -> dict[str, Any]:
    nodules, false = nodule_entries(judged, region=region), false_entries(judged)
    waterfall = {
        "nodules": counted([one["stage"] for one in nodules], NODULE_STAGES),
        "false_positives": counted([one["stage"] for one in false], FALSE_STAGES),
    }
    return {"waterfall": waterfall, "nodules": nodules, "false_positives": false}
