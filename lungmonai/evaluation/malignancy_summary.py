"""How well malignancy is told apart on annotated nodules, beside their diameter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..metrics.paired_auc import compare_auc
from ..metrics.ranking import roc_auc
from .cohort import Cohort

__all__ = ["DecidedNodule", "decided_nodules", "malignancy_summary"]

# Of each kind; DeLong's variance needs as many.
_LEAST = 2

_Told = tuple[float | None, list[float] | None]


class DecidedNodule(NamedTuple):
    """A nodule of which the readers decided.

    Args:
        seriesuid: its scan.
        patient: the one whose nodule it is, which in a composite is not the scan's.
        malignant: as decided.
        prob: of being malignant, from the crop at the annotated centre.
        diameter_mm: as annotated.
        place: in its scan's list.
    """

    seriesuid: str
    patient: str
    malignant: bool
    prob: float
    diameter_mm: float
    place: int


def decided_nodules(cohort: Cohort) -> Iterator[DecidedNodule]:
    """The decided nodules of the scans that were analysed; none without a malignancy network.

    Args:
        cohort: the scans.
    """
    for item in cohort.analyzed:
        series, probs = item["seriesuid"], cohort.answers[item["seriesuid"]].nodule_malignancy.tolist()
        for place, (nodule, prob) in enumerate(zip(item["nodules"], probs, strict=True)):
            if nodule["malignant"] is not None and math.isfinite(prob):
                patient = nodule.get("source_patient", item["patient"])
                yield DecidedNodule(series, patient, nodule["malignant"], prob, nodule["diameter_mm"], place)


def malignancy_summary(cohort: Cohort, *, draws: int, seed: int) -> dict[str, Any] | None:
    """AUC of the network at the annotated centres, of the diameter alone, and the difference.

    Patients are drawn; both are measured on the same draws. A nodule whose diameter nobody measured counts
    in the first only. The numbers are those of `lungmonai evaluate scores` on `scores_malignancy.csv`.

    Args:
        cohort: the scans.
        draws: of the bootstrap; 0 gives no intervals.
        seed: of the draws.

    Returns:
        Each number with its interval, None where there is none, as with one patient; None with fewer than two
        nodules of a kind.
    """
    nodules = list(decided_nodules(cohort))
    if not _enough(nodules):
        return None
    sized = [one for one in nodules if one.diameter_mm > 0]
    found = [_compared(nodules, "prob", draws, seed)[0]]
    found += _compared(sized, "diameter_mm", draws, seed)[1:] if _enough(sized) else [(None, None)] * 2
    names = ("auc", "auc_diameter", "difference")
    return {
        "nodules": len(nodules),
        "malignant": sum(one.malignant for one in nodules),
        "patients": len({one.patient for one in nodules}),
        **{name: value for name, (value, _) in zip(names, found, strict=True)},
        **{f"{name}_interval": ends for name, (_, ends) in zip(names, found, strict=True)},
    }


def _enough(nodules: Sequence[DecidedNodule]) -> bool:
    malignant = sum(one.malignant for one in nodules)
    return min(malignant, len(nodules) - malignant) >= _LEAST


def _compared(nodules: Sequence[DecidedNodule], other: str, draws: int, seed: int) -> list[_Told]:
    """AUC of the probability, of another field, and the difference: each with its ends, if drawn."""
    malignant = [one.malignant for one in nodules]
    first, second = ([getattr(one, name) for one in nodules] for name in ("prob", other))
    if not draws:
        areas = roc_auc(malignant, first), roc_auc(malignant, second)
        return [(value, None) for value in (*areas, areas[0] - areas[1])]
    patients = [one.patient for one in nodules]
    found = compare_auc(malignant, first, second, patients, seed=seed, draws=draws, permutations=0).roc_auc
    drawn = (found.first, found.second, found.difference)
    return [(one.value, [one.low, one.high] if one.draws else None) for one in drawn]
