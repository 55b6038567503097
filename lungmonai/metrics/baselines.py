"""What size and texture alone tell of a nodule: the answers that a network has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from .folds import FOLDS, deal_folds
from .labels import checked_labels
from .logistic import fit_logistic

__all__ = ["cross_fitted", "size_and_texture"]


def size_and_texture(diameter_mm: ArrayLike, texture: ArrayLike | None = None) -> NDArray[np.float64]:
    """The features of the small model: the logarithm of the diameter and, where given, the texture.

    >>> size_and_texture([1.0, 10.0], [5, 1]).round(3).tolist()
    [[0.0, 5.0], [2.303, 1.0]]

    Args:
        diameter_mm: (N,) float, over 0.
        texture: (N,) float, LIDC's rating from 1 (ground glass) to 5 (solid); NaN where nobody rated it.

    Returns:
        (N, 1) or (N, 2) float.

    Raises:
        SettingsError: a diameter is not over 0.
    """
    diameters = np.asarray(diameter_mm, dtype=np.float64)
    if not (diameters > 0).all():
        raise SettingsError(
            f"{int((~(diameters > 0)).sum())} diameters of {len(diameters)} are not over 0",
            wanted="a size for each nodule",
            do="Leave out the others.",
        )
    sizes = np.log(diameters)
    return np.column_stack([sizes] if texture is None else [sizes, np.asarray(texture, dtype=np.float64)])


def cross_fitted(
    features: ArrayLike, labels: ArrayLike, groups: ArrayLike, *, seed: int, folds: int = FOLDS
) -> NDArray[np.float64]:
    """Each sample's probability by a logistic model that was fitted without its patient's fold.

    >>> sizes = size_and_texture([4, 5, 6, 20, 5, 15, 7, 18, 6, 30])
    >>> labels, patients = [0, 0, 0, 1, 0, 1, 0, 1, 0, 1], list("aabbccddee")
    >>> cross_fitted(sizes, labels, patients, seed=0, folds=2).round(1).tolist()
    [0.2, 0.2, 0.2, 0.8, 0.2, 0.6, 0.3, 0.6, 0.2, 0.9]

    Args:
        features: (N, K) float; NaN where one is not known.
        labels: (N,) bool or 0 and 1.
        groups: (N,) the group of each sample, such as its patient.
        seed: of the deal, 0 or more.
        folds: how many.

    Raises:
        SettingsError: as for `deal_folds`; fewer groups with a positive, or with a negative, than folds.
    """
    table, positive = np.asarray(features, dtype=np.float64), checked_labels(labels)
    fold = deal_folds(positive, groups, seed=seed, folds=folds)
    _check_enough(positive, np.asarray(groups), folds)
    probs = np.empty(len(table))
    for one in range(folds):
        probs[fold == one] = fit_logistic(table[fold != one], positive[fold != one])(table[fold == one])
    return probs


def _check_enough(positive: NDArray[np.bool_], groups: NDArray[np.generic], folds: int) -> None:
    true, false = (len(np.unique(groups[side])) for side in (positive, ~positive))
    if min(true, false) < folds:
        raise SettingsError(
            f"{folds} folds of {len(np.unique(groups))} patients, {true} with a positive and {false} with a "
            "negative sample",
            wanted="as many patients of either kind as folds",
            do="Fit the baseline on another table, or add patients.",
        )
