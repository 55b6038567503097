"""Scores that an engine keeps while it runs; ignite metrics for `key_val_metric`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from ignite.metrics import Metric
from ignite.metrics.metric import reinit__is_reduced, sync_all_reduce
from monai.utils.enums import CommonKeys
from torch import Tensor, distributed

from ..errors import SettingsError
from .ranking import roc_auc

__all__ = ["ClassScore", "VoxelScore", "class_scores", "voxel_scores"]

_log = logging.getLogger(__name__)

# A voxel is marked, and a crop is of class 1, when it is more probable than this.
THRESHOLD = 0.5
_VOXEL_SCORES = ("recall", "precision", "dice")
_CLASS_SCORES = ("recall", "precision", "f1_score", "correct", "auc")


def _known(score: str, scores: tuple[str, ...]) -> str:
    if score not in scores:
        raise SettingsError(f"score is {score!r}", wanted=" or ".join(scores), do="Choose one of them.")
    return score


def _ratio(over: float, under: float) -> float:
    # No label and nothing marked is no score; 0 keeps it from being the best.
    return over / under if under else 0.0


def _area(positive: np.ndarray[Any, Any], probability: np.ndarray[Any, Any]) -> float:
    area = roc_auc(positive, probability)
    if area == area:
        return area
    _log.warning("the AUC is given as 0: the %d crops are not of both classes", len(positive))
    return 0.0  # NaN would never be beaten


def _from_counts(score: str, hits: float, misses: float, false: float) -> float:
    """Dice over all voxels together is the F1 score."""
    if score == "recall":
        return _ratio(hits, hits + misses)
    if score == "precision":
        return _ratio(hits, hits + false)
    return _ratio(2 * hits, 2 * hits + misses + false)


class VoxelScore(Metric):
    """Recall, precision or Dice over the voxels of all slices together, not averaged over slices.

    MONAI's `DiceMetric` and `ConfusionMatrix` average over images, where a slice with few label voxels
    weighs as much as one with many and an empty one needs a rule.

    Args:
        score: `recall`, `precision` or `dice`.
    """

    def __init__(self, score: str = "recall") -> None:
        self.score = _known(score, _VOXEL_SCORES)
        super().__init__(output_transform=_pair)

    @reinit__is_reduced
    def reset(self) -> None:
        """Forget everything."""
        self._counts = torch.zeros(3, dtype=torch.float64)

    @reinit__is_reduced
    def update(self, output: tuple[Tensor, Tensor]) -> None:
        """Count a batch: logits (B, 1, *) and labels of the same shape."""
        logits, labels = (value.detach() for value in output)
        marked, label = logits > 0, labels > 0  # a logit above 0 is a probability above 0.5
        hits = (marked & label).sum()
        counts = torch.stack([hits, label.sum() - hits, marked.sum() - hits])
        self._counts += counts.to("cpu", torch.float64)

    @sync_all_reduce("_counts")
    def compute(self) -> float:
        """The score of all that was counted."""
        return _from_counts(self.score, *self._counts.tolist())


class ClassScore(Metric):
    """Recall, precision, F1, share of correct answers, or the area under the ROC curve.

    Args:
        score: `recall`, `precision`, `f1_score`, `correct` or `auc`.
    """

    def __init__(self, score: str = "f1_score") -> None:
        self.score = _known(score, _CLASS_SCORES)
        super().__init__(output_transform=_pair)

    @reinit__is_reduced
    def reset(self) -> None:
        """Forget everything."""
        self._seen: list[np.ndarray[Any, Any]] = []

    @reinit__is_reduced
    def update(self, output: tuple[Tensor, Tensor]) -> None:
        """Keep a batch: logits (B, 2) and classes (B,)."""
        logits, labels = (value.detach().float().cpu() for value in output)
        self._seen.append(torch.stack([torch.softmax(logits, 1)[:, 1], labels], dim=1).numpy())

    def compute(self) -> float:
        """The score of all processes' crops."""
        seen = _gathered(np.concatenate(self._seen) if self._seen else np.zeros((0, 2)))
        probability, positive = seen[:, 0], seen[:, 1] > 0
        said = probability > THRESHOLD
        if self.score == "auc":
            return _area(positive, probability)
        if self.score == "correct":
            return _ratio(float((said == positive).sum()), len(positive))
        hits = float((said & positive).sum())
        return _from_counts(self.score, hits, positive.sum() - hits, said.sum() - hits)


def voxel_scores(best_by: str) -> tuple[dict[str, Metric], dict[str, Metric]]:
    """All scores of a segmentation: what the best model is chosen by, and the others.

    Args:
        best_by: `recall`, `precision` or `dice`.
    """
    others = [score for score in _VOXEL_SCORES if score != best_by]
    return {best_by: VoxelScore(best_by)}, {score: VoxelScore(score) for score in others}


def class_scores(best_by: str) -> tuple[dict[str, Metric], dict[str, Metric]]:
    """All scores of a classifier: what the best model is chosen by, and the others.

    Args:
        best_by: `recall`, `precision`, `f1_score`, `correct` or `auc`.
    """
    others = [score for score in _CLASS_SCORES if score != best_by]
    return {best_by: ClassScore(best_by)}, {score: ClassScore(score) for score in others}


def _pair(output: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    return output[CommonKeys.PRED], output[CommonKeys.LABEL]


def _gathered(seen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not (distributed.is_available() and distributed.is_initialized()):
        return seen
    parts: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(parts, seen)
    return np.concatenate(parts)
