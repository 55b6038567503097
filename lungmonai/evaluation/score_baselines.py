"""What a table's sizes and textures say by themselves, beside a model's scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, SettingsError
from ..metrics.baselines import cross_fitted, size_and_texture
from ..metrics.folds import FOLDS
from ..metrics.logistic import fit_logistic
from .score_table import ScoreTable

__all__ = ["BaselineScores", "baseline_scores"]

# Of each class; DeLong's variance needs as many.
_LEAST = 2


@dataclass(frozen=True, eq=False)
class BaselineScores:
    """A baseline's answer for some samples of a table.

    Args:
        name: for people and JSON.
        how: what it was made from, in a few words.
        rows: (N,) bool, samples that it can answer for.
        scores: (rows,) float.
    """

    name: str
    how: str
    rows: NDArray[np.bool_]
    scores: NDArray[np.float64]


def baseline_scores(
    table: ScoreTable, train: ScoreTable | None = None, *, seed: int
) -> tuple[tuple[BaselineScores, ...], tuple[str, ...]]:
    """Diameter alone, and a logistic model of log diameter and texture.

    Args:
        table: whose samples are answered for; those without a diameter are left out.
        train: where the model is fitted; without it, on the table itself, across folds of patients.
        seed: of the folds.

    Returns:
        The baselines, and why one is missing, if it is.

    Raises:
        DataError: `train` has patients of `table`, or no diameters of both classes.
    """
    if train is not None:
        _check_train(table, train)
    rows = np.isfinite(table.diameter_mm)
    if not _enough(table.labels[rows]):
        return (), (f"no baselines: they need the diameter_mm of {_LEAST} samples of each class",)
    diameter = BaselineScores("diameter", "larger is more likely", rows, table.diameter_mm[rows])
    try:
        return (diameter, _logistic(table, train, rows, seed)), ()
    except SettingsError as error:
        return (diameter,), (f"no logistic baseline: {error}",)


def _logistic(
    table: ScoreTable, train: ScoreTable | None, rows: NDArray[np.bool_], seed: int
) -> BaselineScores:
    rated = bool(np.isfinite(table.texture[rows]).any())
    if train is None:
        texture = table.texture[rows] if rated else None
        features = size_and_texture(table.diameter_mm[rows], texture)
        how = f"fitted on this table, in {FOLDS} folds of whole patients"
        scores = cross_fitted(features, table.labels[rows], table.groups[rows], seed=seed)
    else:
        own = np.isfinite(train.diameter_mm)
        rated = rated and bool(np.isfinite(train.texture[own]).any())
        fitted, asked = (
            size_and_texture(one.diameter_mm[which], one.texture[which] if rated else None)
            for one, which in ((train, own), (table, rows))
        )
        how = f"fitted on the {int(own.sum())} samples of {train.name}"
        scores = fit_logistic(fitted, train.labels[own])(asked)
    return BaselineScores("size and texture" if rated else "size", how, rows, scores)


def _check_train(table: ScoreTable, train: ScoreTable) -> None:
    fitted = train.labels[np.isfinite(train.diameter_mm)]
    if fitted.all() or not fitted.any():
        raise DataError(
            f"{train.name} has no diameter_mm for samples of both classes",
            wanted="sizes to fit the baseline on",
            do="Add the column, or leave out --baselines-from.",
        )
    shared = set(table.groups.tolist()) & set(train.groups.tolist())
    if shared and "row" != table.group_kind == train.group_kind:
        raise DataError(
            f"{train.name} and {table.name} share {len(shared)} of the column {table.group_kind}, "
            f"such as {min(shared)}",
            wanted="a baseline fitted on other patients",
            do="Fit it on the training or validation list, or leave out --baselines-from.",
        )


def _enough(labels: NDArray[np.bool_]) -> bool:
    return bool(min(labels.sum(), (~labels).sum()) >= _LEAST)
