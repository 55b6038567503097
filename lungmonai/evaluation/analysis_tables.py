"""The tables of an end-to-end evaluation: LUNA16's files, scores, and where each nodule was lost."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.datalist import ScanItem
from ..files import written_whole
from .analysis_entries import FALSE_KEYS, NODULE_KEYS
from .cohort import Cohort
from .cohort_evaluation import CohortEvaluation
from .cohort_marks import on_pleura, texture
from .froc_report import FrocReport
from .malignancy_summary import decided_nodules

__all__ = ["write_tables"]

_PLACE = ("coordX", "coordY", "coordZ")
_SUBMISSION = ("seriesuid", *_PLACE, "probability")
_EXCLUDED = ("seriesuid", *_PLACE, "diameter_mm")
_ANNOTATIONS = (*_EXCLUDED, "malignant", "patient", "texture", "pleural")
_NODULE_SCORES = ("seriesuid", "patient", "label", "probability", "diameter_mm")
_MALIGNANCY_SCORES = (*_NODULE_SCORES, "texture", "measured_mm")
_FAILED = ("seriesuid", "reason")

Row = Iterable[Any]


def write_tables(folder: Path, cohort: Cohort, whole: CohortEvaluation) -> None:
    """Write every table; a scan that failed is in `failed.csv` only.

    Args:
        folder: for them.
        cohort: the scans and what became of them.
        whole: what it came to.

    Raises:
        OutputError: a table could not be written.
    """
    items = cohort.analyzed
    _write(folder / "submission.csv", _marks(whole.report), _SUBMISSION)
    _write(folder / "annotations.csv", _annotations(items), _ANNOTATIONS)
    _write(folder / "annotations_excluded.csv", _excluded(items), _EXCLUDED)
    _write(folder / "seriesuids.csv", [[item["seriesuid"]] for item in items])
    _write(folder / "scores_nodule.csv", _nodule_scores(items, whole), _NODULE_SCORES)
    _write(folder / "scores_malignancy.csv", _malignancy_scores(cohort, whole), _MALIGNANCY_SCORES)
    for name, keys in (("nodules", NODULE_KEYS), ("false_positives", FALSE_KEYS)):
        _write(folder / f"{name}.csv", map(_flat, whole.evaluation[name]), _flat_columns(keys))
    _write(folder / "failed.csv", cohort.failed.items(), _FAILED)


def _marks(report: FrocReport) -> Iterable[Row]:
    marks, scans = report.counted.marks, report.truth.scans
    for scan, place, prob in zip(marks.scan, marks.lps_mm.tolist(), marks.prob.tolist(), strict=True):
        yield scans[scan], *place, prob


def _annotations(items: Sequence[ScanItem]) -> Iterable[Row]:
    for item in items:
        for nodule in item["nodules"]:
            yield (
                item["seriesuid"],
                *nodule["lps_mm"],
                nodule["diameter_mm"],
                _cell(nodule["malignant"]),
                nodule.get("source_patient", item["patient"]),
                _cell(texture(nodule)),
                _cell(on_pleura(nodule)),
            )


def _excluded(items: Sequence[ScanItem]) -> Iterable[Row]:
    for item in items:
        for finding in item.get("excluded", []):
            yield item["seriesuid"], *finding


def _nodule_scores(items: Sequence[ScanItem], whole: CohortEvaluation) -> Iterable[Row]:
    """True and false marks in the order of the submission; those that are neither are left out."""
    marks, verdicts = whole.report.counted.marks, whole.report.verdicts
    labels = np.full(len(marks.scan), -1)
    labels[verdicts.false_mark] = 0
    labels[verdicts.nodule_mark[verdicts.found]] = 1
    for place in np.flatnonzero(labels >= 0).tolist():
        item = items[marks.scan[place]]
        size = round(float(whole.mark_diameter_mm[place]), 6)
        yield item["seriesuid"], item["patient"], labels[place], float(marks.prob[place]), size


def _malignancy_scores(cohort: Cohort, whole: CohortEvaluation) -> Iterable[Row]:
    """The decided nodules; an unknown diameter stays empty, and the measured one of what is not reported."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for entry in whole.evaluation["nodules"]:
        entries.setdefault(entry["seriesuid"], []).append(entry)
    for one in decided_nodules(cohort):
        size = one.diameter_mm if one.diameter_mm > 0 else ""
        told = entries[one.seriesuid][one.place]
        cells = _cell(told["texture"]), _cell(told["measured_mm"])
        yield one.seriesuid, one.patient, int(one.malignant), one.prob, size, *cells


def _flat_columns(keys: Sequence[str]) -> list[str]:
    """A place becomes three columns."""
    return [column for key in keys for column in (_PLACE if key == "lps_mm" else (key,))]


def _flat(entry: Mapping[str, Any]) -> list[Any]:
    return [cell for key, value in entry.items() for cell in (value if key == "lps_mm" else (_cell(value),))]


def _cell(value: Any) -> Any:
    """Nothing where nothing is known, 1 and 0 for yes and no."""
    if isinstance(value, bool):
        return int(value)
    return "" if value is None else value


def _write(path: Path, rows: Iterable[Row], columns: Sequence[str] | None = None) -> None:
    with written_whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if columns is not None:
            writer.writerow(columns)
        writer.writerows(rows)
