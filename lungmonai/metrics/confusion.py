"""What a threshold makes of scores: true and false, positive and negative, and their shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .ranking import check_ranked

__all__ = ["SHARES", "confused", "shares"]

# What `shares` gives, in its order.
SHARES = ("sensitivity", "specificity", "precision", "accuracy", "f1")


def confused(labels: ArrayLike, scores: ArrayLike, threshold: float = 0.5) -> NDArray[np.int64]:
    """(N, 4) int: a 1 for what each sample is: true positive, false positive, false negative, true negative.

    Sums over samples are the four counts, sums over a patient's samples are his.

    >>> confused([1, 0, 1, 0], [0.9, 0.8, 0.5, 0.1]).sum(axis=0).tolist()
    [1, 1, 1, 1]

    Args:
        labels: (N,) bool or 0 and 1.
        scores: (N,) finite.
        threshold: a score over it says positive, as in the analysis.

    Raises:
        SettingsError: labels and scores do not fit, or a score is no number.
    """
    positive, values = check_ranked(labels, scores)
    said = values > threshold
    kinds = (positive & said, ~positive & said, positive & ~said, ~positive & ~said)
    return np.stack(kinds, axis=1).astype(np.int64)


def shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Sensitivity, specificity, precision, accuracy and F1 of the four counts.

    >>> shares([3, 1, 1, 5]).tolist()
    [0.75, 0.8333333333333334, 0.75, 0.8, 0.75]

    Args:
        counts: (..., 4) true positives, false positives, false negatives, true negatives.

    Returns:
        (..., 5) float, NaN where nothing is there to be divided by.
    """
    true, false, missed, left = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    parts = (
        (true, true + missed),
        (left, left + false),
        (true, true + false),
        (true + left, true + false + missed + left),
        (2 * true, 2 * true + false + missed),
    )
    with np.errstate(invalid="ignore"):
        return np.stack([part / whole for part, whole in parts], axis=-1)
