"""How well malignancy is told apart on annotated nodules, beside their diameter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..metrics.paired_auc import compare_auc
from ..metrics.ranking import roc_auc
from .cohort import Cohort

__all__ = ["DecidedNodule", "decided_nodules", "malignancy_summary"]

# Of each kind; DeLong's variance needs as many.
_LEAST = 2


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

    Patients are drawn; both are measured on the same draws. The numbers are those of
    `lungmonai evaluate scores` on `scores_malignancy.csv`.

    Args:
        cohort: the scans.
        draws: of the bootstrap; 0 gives no intervals.
        seed: of the draws.

    Returns:
        Each number with its interval; None with fewer than two nodules of a kind.
    """
    nodules = list(decided_nodules(cohort))
    malignant = np.array([one.malignant for one in nodules], np.bool_)
    if min(malignant.sum(), (~malignant).sum()) < _LEAST:
        return None
    patients = [one.patient for one in nodules]
    probs, diameters = ([getattr(one, name) for one in nodules] for name in ("prob", "diameter_mm"))
    areas = [roc_auc(malignant, side) for side in (probs, diameters)]
    told = dict(zip(("auc", "auc_diameter", "difference"), (*areas, areas[0] - areas[1]), strict=True))
    ends: dict[str, Any] = dict.fromkeys(told)
    if draws:
        found = compare_auc(malignant, probs, diameters, patients, seed=seed, draws=draws, permutations=0)
        areas_drawn = (found.roc_auc.first, found.roc_auc.second, found.roc_auc.difference)
        drawn = zip(told, areas_drawn, strict=True)
        ends = {name: [_known(one.low), _known(one.high)] for name, one in drawn}
    return {
        "nodules": len(nodules),
        "malignant": int(malignant.sum()),
        "patients": len(set(patients)),
        **told,
        **{f"{name}_interval": pair for name, pair in ends.items()},
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
