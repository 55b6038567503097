"""What is stored beside the weights of an analysis, as far as it holds for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..metrics.calibrators import Calibrator
from ..metrics.conformal import ConformalSets
from ..nodule import ScanResult
from .models import ModelFile, Models
from .operating import OperatingFile, StoredThreshold, operating_path, read_operating
from .settings import AnalysisSettings

__all__ = ["MADE_WITH", "Stored", "stored_beside"]

# Settings that candidates depend on, and with them what a threshold gives.
MADE_WITH = ("region", "merge", "merge_radius_mm", "mark_threshold", "keep_thin_mm", "masses")
# By whether the set holds benign, and whether it holds malignant.
_SETS = {
    (True, False): "benign",
    (False, True): "malignant",
    (True, True): "benign or malignant",
    (False, False): "neither",
}


@dataclass(frozen=True)
class Stored:
    """What an analysis takes from the files beside its weights.

    Args:
        threshold: of the nodule classifier.
        nodule: calibrates the probability of being a nodule.
        malignancy: calibrates the probability of being malignant.
        sets: which of benign and malignant cannot be ruled out.
        notes: what is not used, and why, one sentence each.
    """

    threshold: StoredThreshold | None = None
    nodule: Calibrator | None = None
    malignancy: Calibrator | None = None
    sets: ConformalSets | None = None
    notes: tuple[str, ...] = ()

    def nodule_threshold(self, given: float | None = None) -> float:
        """The threshold to use: the one given, else the one stored, else that of `AnalysisSettings`."""
        if given is not None:
            return given
        return self.threshold.value if self.threshold else AnalysisSettings.nodule_threshold

    def why(self) -> str:
        """One line for a person: which threshold is used where none is given, and why."""
        if self.threshold:
            return f"Nodule threshold {self.threshold} (stored beside the weights)."
        default = AnalysisSettings.nodule_threshold
        return f"Nodule threshold {default:g}: the default, since none is stored for these weights."

    def uses_threshold(self, settings: AnalysisSettings) -> bool:
        """Whether the settings' threshold is the one stored."""
        return self.threshold is not None and settings.nodule_threshold == self.threshold.value

    def notes_for(self, settings: AnalysisSettings) -> tuple[str, ...]:
        """What a person should know about what is stored when it is used with these settings."""
        if self.threshold is None or not self.uses_threshold(settings):
            return self.notes
        made, now = self.threshold.made_with, settings.as_dict()
        other = [f"{n} {made[n]} (now {now[n]})" for n in MADE_WITH if n in made and made[n] != now[n]]
        if not other:
            return self.notes
        return (*self.notes, f"The stored nodule threshold was set with {', '.join(other)}.")

    def record(self, settings: AnalysisSettings) -> dict[str, Any]:
        """What of it an analysis with these settings uses, as JSON types."""
        parts = {
            "nodule_threshold": self.threshold if self.uses_threshold(settings) else None,
            "nodule_calibration": self.nodule,
            "malignancy_calibration": self.malignancy,
            "malignancy_sets": self.sets,
        }
        return {name: part.as_dict() for name, part in parts.items() if part is not None}

    def candidate_columns(self, result: ScanResult) -> dict[str, list[float | None]]:
        """Further columns of the candidates' table, by name: one value each, None for masses."""
        masses = len(_masses(result))
        probs: list[float | None] = [one.nodule_prob for one in result.candidates]
        probs[len(probs) - masses :] = [None] * masses
        return self._nodule_column(probs)

    def nodule_columns(self, result: ScanResult) -> dict[str, list[Any]]:
        """Further columns of the nodules' table, by name.

        One value for each nodule; None where nothing is said of it.
        """
        columns: dict[str, list[Any]] = {}
        masses = _masses(result)
        columns |= self._nodule_column(
            [None if n in masses else one.nodule_prob for n, one in enumerate(result.nodules, start=1)]
        )
        probs = [nodule.malignancy_prob for nodule in result.nodules]
        known = [prob for prob in probs if prob is not None]
        judged = "malignancy" in result.record.get("weights", {})
        if probs and not known and not judged:
            return columns  # no model for it
        if self.malignancy is not None:
            columns["malignancy_probability_calibrated"] = _spread(probs, self.malignancy(known).tolist())
        if self.sets is not None:
            sets = [_SETS[held[0], held[1]] for held in self.sets(known).tolist()]
            columns["malignancy_set"] = _spread(probs, sets)
        return columns

    def _nodule_column(self, probs: Sequence[float | None]) -> dict[str, list[float | None]]:
        if self.nodule is None:
            return {}
        known = [prob for prob in probs if prob is not None]
        return {"nodule_probability_calibrated": _spread(probs, self.nodule(known).tolist())}


def _masses(result: ScanResult) -> list[int]:
    """Numbers of the nodules of the second look: calibrations were not fitted to its probabilities."""
    numbers: list[int] = result.record.get("masses", {}).get("nodules", [])
    return numbers


def _spread(probs: Sequence[float | None], of_known: Sequence[Any]) -> list[Any]:
    """What is said of the known ones, each in its place; None where nothing is known."""
    said = iter(of_known)
    return [None if prob is None else next(said) for prob in probs]


def stored_beside(models: Models) -> Stored:
    """What is stored beside the nodule and the malignancy weights.

    A file for other weights is not used, nor is a threshold that was set on the candidates of another
    segmentation; `notes` says so.

    Args:
        models: of the analysis.

    Raises:
        DataError: a file is damaged.
    """
    notes: list[str] = []
    nodule = _for_these(models.nodule, notes)
    malignancy = _for_these(models.malignancy, notes) if models.malignancy else None
    threshold = nodule.threshold if nodule else None
    if threshold and threshold.made_with.get("seg_sha256") not in (None, models.seg.sha256):
        notes.append(
            f"The threshold in {operating_path(models.nodule.path)} was set with another segmentation and is "
            "not used."
        )
        threshold = None
    return Stored(
        threshold,
        nodule.calibration if nodule else None,
        malignancy.calibration if malignancy else None,
        malignancy.conformal if malignancy else None,
        tuple(notes),
    )


def _for_these(model: ModelFile, notes: list[str]) -> OperatingFile | None:
    there = read_operating(model.path)
    if there is None or there.weights_sha256 == model.sha256:
        return there
    notes.append(
        f"{operating_path(model.path)} is not used: it is for the weights {there.weights_sha256[:12]}…, "
        f"and these are {model.sha256[:12]}…."
    )
    return None
