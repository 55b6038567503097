"""The marks on validation scans from which a threshold is chosen, and what they were made with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..analysis.operating import StoredThreshold
from ..analysis.stored import MADE_WITH
from ..errors import DataError
from ..metrics.intervals import DRAWS
from ..metrics.judging import JudgedMarks, judge_marks
from ..metrics.operating import Demand, bootstrap_operating
from ..words import only_one
from .submission import Submission, read_submissions
from .truth import read_truth

__all__ = ["ValidationMarks", "choose_threshold", "marks_of_folder", "marks_of_tables"]

# Of the folder that `lungmonai evaluate analysis` writes.
_SUBMISSION, _ANNOTATIONS, _SCANS = "submission.csv", "annotations.csv", "seriesuids.csv"
_EXCLUDED, _EVALUATION = "annotations_excluded.csv", "evaluation.json"
# Choosing anything on these makes the numbers that they give too good.
_NOT_FOR_CHOOSING = {
    "training": "the network learnt from it, so that it is surer there than on new scans",
    "test": "what is chosen on it can no longer be tested on it",
}


@dataclass(frozen=True, eq=False)
class ValidationMarks:
    """Marks against what is there.

    Args:
        judged: with probabilities as scores.
        data: what the scans are, in words.
        made_with: what the marks depend on beside the nodule weights, as far as it is known.
        notes: what a person should know, one sentence each.
    """

    judged: JudgedMarks
    data: str
    made_with: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Made:
    split: str
    datalist: str
    nodule_sha256: str
    made_with: Mapping[str, Any]


def marks_of_tables(
    submissions: Sequence[Path],
    annotations: Path,
    *,
    scans: Path,
    excluded: Path | None = None,
) -> ValidationMarks:
    """Marks from tables in LUNA16's columns.

    Args:
        submissions: seriesuid, coordX, coordY, coordZ, probability; one file, or one for each fold.
        annotations: the nodules, with diameter_mm.
        scans: series UIDs, one a line.
        excluded: findings that count neither way.

    Raises:
        DataError: a table cannot be used, or a probability is outside 0 to 1.
    """
    marks = read_submissions(submissions)
    truth = read_truth(annotations, excluded=excluded, scans=scans, submissions=[marks])
    _check_probs(marks)
    counted = marks.marks_in(truth.scans)
    notes = list(truth.notes)
    if counted.unknown_marks:
        lost = f"{counted.unknown_marks} of {len(marks.prob)} marks"
        notes.append(f"not counted, for their scans are not listed: {lost}")
    if len(truth.scans) == 1:
        notes.append(only_one("scan"))
    judged = judge_marks(counted.marks, truth.nodules, len(truth.scans), truth.excluded)
    return ValidationMarks(judged, marks.name, {}, tuple(notes))


def marks_of_folder(folder: Path, nodule_sha256: str) -> ValidationMarks:
    """Marks from the folder that `lungmonai evaluate analysis` wrote.

    Args:
        folder: with `submission.csv`, `annotations.csv`, `seriesuids.csv` and `evaluation.json`.
        nodule_sha256: of the weights that the threshold is for.

    Raises:
        DataError: something is missing or cannot be used, or the folder is of other nodule weights.
    """
    folder = Path(folder)
    made, excluded = _made(folder), folder / _EXCLUDED
    if made.nodule_sha256 != nodule_sha256:
        raise DataError(
            f"{folder} was made with the nodule weights {made.nodule_sha256[:12]}…",
            wanted=f"an evaluation of the weights {nodule_sha256[:12]}…",
            do="Name those weights with --weights, or run `lungmonai evaluate analysis` with these.",
        )
    found = marks_of_tables(
        [folder / _SUBMISSION],
        folder / _ANNOTATIONS,
        scans=folder / _SCANS,
        excluded=excluded if excluded.is_file() else None,
    )
    why = _NOT_FOR_CHOOSING.get(made.split)
    notes = [f"this is the {made.split} list: {why}"] if why else []
    data = f"the {made.split} list of {made.datalist}"
    return ValidationMarks(found.judged, data, made.made_with, (*notes, *found.notes))


def choose_threshold(
    marks: ValidationMarks, demand: Demand, *, seed: int, draws: int = DRAWS, data: str | None = None
) -> StoredThreshold:
    """The threshold that meets a demand, with its intervals, as it is stored beside weights.

    Args:
        marks: on validation scans.
        demand: to be met.
        seed: of the bootstrap over scans, 0 or more.
        draws: how many.
        data: what the scans are, in words; None takes what `marks` says.

    Raises:
        SettingsError: no threshold meets the demand; no draws, or a seed below 0.
    """
    found = bootstrap_operating(marks.judged, demand, seed=seed, draws=draws)
    return StoredThreshold(
        value=found.threshold.value,
        low=found.threshold.low,
        high=found.threshold.high,
        level=found.threshold.level,
        at=str(demand),
        scans=marks.judged.scans,
        nodules=len(marks.judged.nodule_prob),
        false_per_scan=found.false_per_scan.value,
        false_per_scan_interval=(found.false_per_scan.low, found.false_per_scan.high),
        sensitivity=found.sensitivity.value,
        sensitivity_interval=(found.sensitivity.low, found.sensitivity.high),
        data=data or marks.data,
        made_with=marks.made_with,
    )


def _check_probs(marks: Submission) -> None:
    if len(marks.prob) and not 0 <= marks.prob.min() <= marks.prob.max() <= 1:
        raise DataError(
            f"{marks.name} has scores from {marks.prob.min():g} to {marks.prob.max():g}",
            wanted="probabilities from 0 to 1, as the nodule classifier gives them",
            do="Use the table of `lungmonai evaluate analysis`.",
        )


def _made(folder: Path) -> _Made:
    """What `evaluation.json` says."""
    path = folder / _EVALUATION
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        weights, settings = content["weights"], content["settings"]
        return _Made(
            str(content["split"]),
            str(content["datalist"]),
            str(weights["nodule"]["sha256"]),
            {"seg_sha256": str(weights["seg"]["sha256"])}
            | {name: settings[name] for name in MADE_WITH if name in settings},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} cannot be used: {getattr(error, 'strerror', None) or repr(error)}",
            wanted="a folder that `lungmonai evaluate analysis` wrote",
            do="Check the path, or give the tables with --submission, --annotations and --scans.",
        ) from error
