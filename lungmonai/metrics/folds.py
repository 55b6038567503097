"""Patients dealt to folds, so that nobody is answered for by a model that has seen him."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from .labels import checked_labels

__all__ = ["FOLDS", "deal_folds"]

# With five, each fit sees four fifths of the patients.
FOLDS = 5


def deal_folds(labels: ArrayLike, groups: ArrayLike, *, seed: int, folds: int = FOLDS) -> NDArray[np.int64]:
    """The fold of each sample: whole groups, those with a positive first, dealt in a random order.

    >>> deal_folds([1, 1, 0, 0, 0, 0], list("aabbcd"), seed=0, folds=2).tolist()
    [0, 0, 0, 0, 1, 1]

    Args:
        labels: (N,) bool or 0 and 1.
        groups: (N,) the group of each sample, such as its patient.
        seed: of the order, 0 or more.
        folds: how many; as many as groups where those are fewer.

    Returns:
        (N,) int, from 0.

    Raises:
        SettingsError: labels and groups do not fit, fewer than two groups or folds, or a seed below 0.
    """
    positive = checked_labels(labels)
    names, which = np.unique(np.asarray(groups), return_inverse=True)
    if which.shape != positive.shape or len(names) < 2 or folds < 2 or seed < 0:
        raise SettingsError(
            f"{len(names)} groups for {len(positive)} samples, {folds} folds and seed {seed}",
            wanted="a group for each sample, two groups and two folds or more, and a seed from 0",
            do="Add patients, or name the column of patients.",
        )
    shuffled = np.random.default_rng(seed).permutation(len(names))
    without = np.bincount(which, positive) == 0
    order = shuffled[np.argsort(without[shuffled], kind="stable")]
    fold = np.empty(len(names), dtype=np.int64)
    fold[order] = np.arange(len(names)) % folds
    return fold[which]
