"""Numbers from answers, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungmonai.analysis.merge import merge_detections
from lungmonai.data.csv_rows import read_rows
from lungmonai.data.datalist import ScanItem
from lungmonai.metrics.froc import RATES, Findings, JudgedMarks, Marks, froc, judge_marks
from lungmonai.metrics.intervals import Interval, bootstrap
from lungmonai.metrics.ranking import roc_auc

from .answers import LEVELS, Answers

THRESHOLD = 0.5
# A probability over one half is in this step of 1/255 or a higher one.
HALF = LEVELS // 2
# Sensitivity is told at these false positives a scan, of the seven that LUNA16 reads.
TOLD_RATES = (1.0, 4.0, 8.0)
SIZES_MM = (0.0, 6.0, 10.0, 20.0, np.inf)
_POSITION = ("coordX", "coordY", "coordZ")
# Decimals of a position in the tables.
_DECIMALS = 3


@dataclass(frozen=True)
class Drawn:
    """How intervals are drawn.

    Args:
        seed: of the draws.
        draws: how many.
    """

    seed: int
    draws: int

    def intervals(
        self,
        names: Sequence[str],
        statistic: Callable[[NDArray[np.int64]], Sequence[float]],
        groups: Sequence[Any] | NDArray[Any],
    ) -> dict[str, Interval]:
        """Intervals of a statistic's numbers, by name; none without samples."""
        if not len(groups):
            return {}
        found = bootstrap(statistic, groups, seed=self.seed, draws=self.draws)
        return dict(zip(names, found, strict=True))


def segmentation(answers: Sequence[Answers], drawn: Drawn) -> dict[str, Interval]:
    """Dice, recall and precision over all voxels of slices with a nodule; scans are drawn."""
    counts = np.stack([one.voxels for one in answers])

    def scores(scans: NDArray[np.int64]) -> list[float]:
        total = counts[scans].sum(axis=0)
        hits, label, marked = total[1, HALF:].sum(), total[1].sum(), total[:, HALF:].sum()
        return [
            _ratio(2 * hits, label + marked),
            _ratio(hits, label),
            _ratio(hits, marked),
        ]

    return drawn.intervals(("dice", "recall", "precision"), scores, range(len(answers)))


def nodule_or_not(answers: Sequence[Answers], drawn: Drawn) -> dict[str, Interval]:
    """Scores on the nodules and non-nodules of the table; scans are drawn."""
    label, prob, scan = table_of(answers)

    def scores(rows: NDArray[np.int64]) -> list[float]:
        true, said = label[rows] == 1, prob[rows] > THRESHOLD
        hits = (true & said).sum()
        return [
            _ratio((true == said).sum(), len(rows)),
            _ratio(hits, said.sum()),
            _ratio(hits, true.sum()),
            _ratio(2 * hits, true.sum() + said.sum()),
            roc_auc(true, prob[rows]),
        ]

    return drawn.intervals(("accuracy", "precision", "recall", "f1", "auc"), scores, scan)


def table_of(answers: Sequence[Answers]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Label, probability and scan of every row of the table."""
    label = np.concatenate([one.table_label for one in answers])
    prob = np.concatenate([one.table_prob for one in answers])
    return label, prob, np.repeat(np.arange(len(answers)), [len(one.table_label) for one in answers])


@dataclass(frozen=True, eq=False)
class JudgedNodules:
    """Nodules that readers judged, and what was said of them."""

    malignant: NDArray[np.bool_]
    prob: NDArray[np.float64]
    diameter_mm: NDArray[np.float64]
    patient: list[str]


def judged_nodules(
    items: Sequence[ScanItem], answers: Sequence[Answers], table: Path | None
) -> JudgedNodules:
    """Nodules with a malignancy.

    Args:
        items: the scans.
        answers: for each.
        table: `phantom_nodules.csv`, which names the patient that a nodule was taken from.
    """
    source = _source_patients(table) if table else {}
    rows = [
        (nodule["malignant"], prob, nodule["diameter_mm"], source.get(_name(item, nodule), item["patient"]))
        for item, one in zip(items, answers, strict=True)
        for nodule, prob in zip(item["nodules"], one.malignancy, strict=True)
        if nodule["malignant"] is not None
    ]
    malignant, prob, diameter, patient = zip(*rows, strict=True) if rows else ((), (), (), ())
    return JudgedNodules(np.array(malignant, bool), np.array(prob), np.array(diameter), list(patient))


def malignancy(nodules: JudgedNodules, drawn: Drawn) -> dict[str, Interval]:
    """AUC of the diameter, of the network on the same nodules, and the difference; patients are drawn.

    Without a malignancy network there is the diameter's alone.
    """
    asked = not np.isnan(nodules.prob).any()

    def scores(rows: NDArray[np.int64]) -> list[float]:
        diameter = roc_auc(nodules.malignant[rows], nodules.diameter_mm[rows])
        if not asked:
            return [diameter]
        network = roc_auc(nodules.malignant[rows], nodules.prob[rows])
        return [diameter, network, network - diameter]

    names = ("auc of the diameter", "auc", "auc minus that of the diameter")
    return drawn.intervals(names if asked else names[:1], scores, nodules.patient)


def judged_marks(
    items: Sequence[ScanItem], answers: Sequence[Answers], merge_radius_mm: float
) -> JudgedMarks:
    """Marks as the analysis reports them, detections of one nodule merged, against the annotations.

    Args:
        items: the scans.
        answers: for each.
        merge_radius_mm: 0 leaves every candidate on its own.
    """
    scan, lps, prob = [], [], []
    for place, one in enumerate(answers):
        merged = merge_detections(
            one.candidate_lps_mm, one.candidate_prob.astype(np.float32), merge_radius_mm
        )
        first = np.array([members[0] for members in merged], dtype=np.int64)
        scan.append(np.full(len(first), place))
        lps.append(one.candidate_lps_mm[first])
        prob.append(one.candidate_prob[first])
    marks = Marks(np.concatenate(scan), np.concatenate(lps), np.concatenate(prob))
    return judge_marks(marks, _nodules(items), len(items), _excluded(items))


def end_to_end(judged: JudgedMarks, drawn: Drawn, other: JudgedMarks | None = None) -> dict[str, Interval]:
    """Sensitivities at `TOLD_RATES` and the CPM; scans are drawn.

    Args:
        judged: of the weights.
        drawn: how.
        other: of other weights on the same scans, whose numbers are taken away.
    """
    places = [RATES.index(rate) for rate in TOLD_RATES]

    def of(marks: JudgedMarks, times: NDArray[np.int64]) -> NDArray[np.float64]:
        curve = froc(marks, times)
        return np.array([*(curve.at_rates[place] for place in places), curve.cpm])

    def scores(scans: NDArray[np.int64]) -> list[float]:
        times = np.bincount(scans, minlength=judged.scans)
        less = of(other, times) if other is not None else 0
        return list(of(judged, times) - less)

    names = (*(f"sensitivity at {rate:g} a scan" for rate in TOLD_RATES), "cpm")
    return drawn.intervals(names, scores, range(judged.scans))


def by_diameter(
    items: Sequence[ScanItem], alone: JudgedMarks, merged: JudgedMarks
) -> list[dict[str, float | int]]:
    """Nodules by size: how many a candidate hits, and how many are reported at the threshold."""
    diameter = _nodules(items).diameter_mm
    rows = []
    for low, high in [*pairwise(SIZES_MM), (0.0, np.inf)]:
        own = (diameter >= low) & (diameter < high)
        rows.append(
            {
                "from_mm": low,
                "to_mm": high if np.isfinite(high) else -1,
                "nodules": int(own.sum()),
                "marked": int(np.isfinite(alone.nodule_prob[own]).sum()),
                "reported": int((merged.nodule_prob[own] > THRESHOLD).sum()),
            }
        )
    return rows


def false_reports(judged: JudgedMarks) -> float:
    """False marks a scan over the threshold."""
    return float((judged.false_prob > THRESHOLD).sum() / judged.scans)


def _nodules(items: Sequence[ScanItem]) -> Findings:
    rows = [
        (place, *nodule["lps_mm"], nodule["diameter_mm"])
        for place, item in enumerate(items)
        for nodule in item["nodules"]
    ]
    return _findings(rows)


def _excluded(items: Sequence[ScanItem]) -> Findings:
    return _findings([(place, *row) for place, item in enumerate(items) for row in item.get("excluded", [])])


def _findings(rows: Sequence[tuple[float, ...]]) -> Findings:
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return Findings(table[:, 0].astype(np.int64), table[:, 1:4], table[:, 4])


def _source_patients(table: Path) -> dict[tuple[Any, ...], str]:
    """The patient that each nodule was taken from, by series and position."""
    columns = ("seriesuid", *_POSITION, "source_patient_id")
    rows = read_rows(table, columns) if table.is_file() else []
    return {
        (row["seriesuid"], *(round(float(row[axis]), _DECIMALS) for axis in _POSITION)): row[columns[-1]]
        for row in rows
        if row[columns[-1]]
    }


def _name(item: ScanItem, nodule: Any) -> tuple[Any, ...]:
    return (item["seriesuid"], *(round(float(value), _DECIMALS) for value in nodule["lps_mm"]))


def _ratio(over: float, under: float) -> float:
    return float(over / under) if under else float("nan")
