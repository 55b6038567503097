"""Answers counted by how sure they were: all that curves and scores need, in a memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["BINS", "Counts", "counted", "logits_of"]

# Bins a logit. Answers in one bin count as equal, which moves the AUC of a few dozen by under 0.001. A power
# of two, so that a logit times it is exact, and 0 (probability 0.5) is a bin's edge.
PER_LOGIT = 1024
# Beyond ±16 a probability is within 1e-7 of 0 or 1; the outermost bins take the rest.
REACH = 16
_MIDDLE = PER_LOGIT * REACH
BINS = 2 * _MIDDLE + 1


def logits_of(pred: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """The logit of class 1 and whether that is right, one for each voxel or crop.

    Args:
        pred: logits, (B, 1, *) for a mask or (B, 2) for two classes.
        label: of the same shape, or classes (B,).

    Returns:
        Two of (B, n): float32, and bool; n is 1 for classes.
    """
    pred, label = pred.detach().float(), label.detach()
    if label.ndim == 1:
        return (pred[:, 1] - pred[:, 0])[:, None], label[:, None] == 1
    return pred.flatten(1), label.flatten(1) > 0


def counted(logits: Tensor, positive: Tensor) -> NDArray[np.int64]:
    """How many answers fall into each bin: (2, BINS), row 1 those that should be positive.

    Bin k holds the logits in ((k − 1 − m) / 1024, (k − m) / 1024], m being the middle bin, so that the
    positive answers are exactly those of the bins above it. What is not a number counts as 0.
    """
    place = torch.ceil(logits.nan_to_num(0.0) * PER_LOGIT).clamp(-_MIDDLE, _MIDDLE).long() + _MIDDLE
    place = place.flatten() + positive.flatten() * BINS
    return torch.bincount(place, minlength=2 * BINS).reshape(2, BINS).cpu().numpy()


@dataclass(frozen=True)
class Counts:
    """Scores and curves of counted answers.

    Args:
        negative, positive: (BINS,), what `counted` gives, for what should be 0 and what should be 1.
    """

    negative: NDArray[np.int64]
    positive: NDArray[np.int64]

    @property
    def hits(self) -> int:
        """Said to be positive, and are."""
        return int(self.positive[_MIDDLE + 1 :].sum())

    @property
    def false(self) -> int:
        """Said to be positive, and are not."""
        return int(self.negative[_MIDDLE + 1 :].sum())

    @property
    def misses(self) -> int:
        """Said to be negative, and are positive."""
        return int(self.positive.sum()) - self.hits

    @property
    def true_negatives(self) -> int:
        """Said to be negative, and are."""
        return int(self.negative.sum()) - self.false

    def auc(self) -> float | None:
        """Area under the ROC curve; equal bins count half. None where a class is missing."""
        many, few = int(self.positive.sum()), int(self.negative.sum())
        if not many or not few:
            return None
        below = np.cumsum(self.negative) - self.negative / 2
        return float((self.positive * below).sum() / many / few)

    def above(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """True and false positives as the threshold falls; both begin with 0."""
        rising = [np.cumsum(row[::-1]) for row in (self.positive, self.negative)]
        return np.concatenate(([0], rising[0])), np.concatenate(([0], rising[1]))

    def probabilities(self, row: NDArray[np.int64], bins: int) -> NDArray[np.float64]:
        """A row's counts in so many equal bins of probability from 0 to 1."""
        middles = (np.arange(BINS) - _MIDDLE - 0.5) / PER_LOGIT
        return np.histogram(1 / (1 + np.exp(-middles)), bins, (0, 1), weights=row)[0]
