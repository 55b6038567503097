"""The merged candidates of every scan as a submission, and the datalist's nodules as what it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ..data.datalist import NoduleItem, ScanItem
from ..metrics.judging import Findings
from .scan_answers import ScanAnswers
from .submission import Submission
from .truth import Truth

__all__ = ["cohort_submission", "cohort_truth", "mark_diameters", "merged_candidates", "on_pleura", "texture"]

_ON_PLEURA = "juxtapleural"


def merged_candidates(answers: ScanAnswers, radius_mm: float) -> NDArray[np.int64]:
    """The candidates that others were merged into, most probable first.

    Greedy, over all candidates: those over any threshold are the same as if only they had been merged.

    Args:
        answers: on one scan.
        radius_mm: candidates this near to a more probable one are merged into it; 0 keeps all.
    """
    from ..analysis.merge import merge_detections

    merged = merge_detections(answers.candidate_lps_mm, answers.candidate_prob, radius_mm)
    return np.array([members[0] for members in merged], np.int64)


def cohort_submission(
    name: str, items: Sequence[ScanItem], answers: Sequence[ScanAnswers], merged: Sequence[NDArray[np.int64]]
) -> Submission:
    """Merged candidates as a submission.

    Args:
        name: of its file.
        items: the scans.
        answers: on each.
        merged: of each, from `merged_candidates`.
    """
    some = [place for place, one in enumerate(merged) if len(one)]
    chosen = [(answers[place], merged[place]) for place in some]
    return Submission(
        name,
        tuple(items[place]["seriesuid"] for place in some),
        np.repeat(np.arange(len(some)), [len(merged[place]) for place in some]),
        np.concatenate([np.zeros((0, 3)), *(one.candidate_lps_mm[places] for one, places in chosen)]),
        np.concatenate([np.zeros(0), *(one.candidate_prob[places] for one, places in chosen)]),
    )


def mark_diameters(
    answers: Sequence[ScanAnswers], merged: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """(N,) float: the diameter of each mark of such a submission, from the volume that erosion left.

    Args:
        answers: on each scan.
        merged: of each, from `merged_candidates`.
    """
    pairs = zip(answers, merged, strict=True)
    return np.concatenate([np.zeros(0), *(one.candidate_diameter_mm[places] for one, places in pairs)])


def cohort_truth(items: Sequence[ScanItem]) -> Truth:
    """The nodules and excluded findings of a datalist's scans.

    Args:
        items: the scans; false marks are divided by how many they are.
    """
    nodules = [one for item in items for one in item["nodules"]]
    return Truth(
        tuple(item["seriesuid"] for item in items),
        _findings([[(*one["lps_mm"], one["diameter_mm"]) for one in item["nodules"]] for item in items]),
        _findings([item.get("excluded", []) for item in items]),
        texture=np.array([texture(one) for one in nodules], np.float64),
        pleural=np.array([on_pleura(one) for one in nodules], np.float64),
    )


def texture(nodule: NoduleItem) -> float | None:
    """Mean of the readers' ratings of texture, 1 (ground glass) to 5 (solid); None where nobody rated it.

    Args:
        nodule: of a datalist.
    """
    ratings = (nodule.get("ratings") or {}).get("texture", [])
    return fmean(ratings) if ratings else None


def on_pleura(nodule: NoduleItem) -> bool | None:
    """Whether it touches the pleura; None where nobody knows.

    Args:
        nodule: of a datalist.
    """
    place = nodule.get("place")
    return None if place is None else place == _ON_PLEURA


def _findings(by_scan: Sequence[Sequence[tuple[float, ...]]]) -> Findings:
    scan = np.repeat(np.arange(len(by_scan)), [len(rows) for rows in by_scan])
    table = np.array([row for rows in by_scan for row in rows], np.float64).reshape(-1, 4)
    return Findings(scan, table[:, :3], table[:, 3])
