"""How good a table's scores are: ranking, decisions, calibration, and what size alone would reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..json_file import finite_or_none
from ..metrics.calibration import Calibration, calibration, chance_ece
from ..metrics.confusion import SHARES, confused, shares
from ..metrics.delong import Contrast, delong
from ..metrics.intervals import DRAWS, LEVEL, Interval, bootstrap_mean, draw_counts, percentile_interval
from ..metrics.paired_auc import PairedAuc, compare_auc
from ..metrics.ranking_draws import RankingDraws, group_numbers, ranking_draws
from ..words import only_one
from .score_baselines import baseline_scores
from .score_table import ScoreTable, check_same_rows

__all__ = ["FORMAT", "THRESHOLD", "Band", "Rival", "ScoreReport", "score_report"]

# Raised when the meaning of a key of the JSON changes.
FORMAT = 1
# A probability over it says positive: what an analysis without an operating point uses.
THRESHOLD = 0.5
# Places at which a curve's band is drawn.
_PLACES = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, eq=False)
class Band:
    """A curve at fixed places, with a bootstrap interval at each.

    Args:
        x: (P,) float.
        y: (P,) float, of the samples themselves.
        low, high: (P,) float; each place by itself, not the curve as a whole.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rival:
    """Another score for the same samples, and how the two compare.

    Args:
        name: for people and JSON.
        how: where it comes from.
        labels: (n,) bool, of the samples that it answers for.
        scores: (n,) float.
        compared: the table's score less this one.
    """

    name: str
    how: str
    labels: NDArray[np.bool_]
    scores: NDArray[np.float64]
    compared: PairedAuc

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts = {"name": self.name, "how": self.how, "samples": len(self.labels)}
        return {**facts, "positives": int(self.labels.sum()), **self.compared.as_dict()}


@dataclass(frozen=True, eq=False)
class ScoreReport:
    """What is known of a table's scores.

    Args:
        table: the samples.
        groups: how many patients, or what else a bootstrap drew.
        draws, permutations, seed, level: of the intervals and tests; neither is made of one group.
        roc_auc, average_precision: with bootstrap intervals over groups.
        delong: the AUC with DeLong's interval, samples taken as independent.
        at_threshold: sensitivity, specificity, precision, accuracy and F1 over `THRESHOLD`.
        calibration: whether the probabilities mean what they say.
        brier: its Brier score with the interval.
        chance_ece: the calibration error that probabilities like these would have if they were right.
        roc: sensitivity over the false positive rate.
        precision_recall: precision over recall.
        rivals: the baselines, and another model's scores where they were given.
        notes: what is missing, and why.
    """

    table: ScoreTable
    groups: int
    draws: int
    permutations: int
    seed: int
    level: float
    roc_auc: Interval
    average_precision: Interval
    delong: Contrast
    at_threshold: dict[str, Interval]
    calibration: Calibration
    brier: Interval
    chance_ece: float
    roc: Band
    precision_recall: Band
    rivals: tuple[Rival, ...]
    notes: tuple[str, ...]

    @property
    def prevalence(self) -> float:
        """Share of the samples that are positive: the average precision of a score that knows nothing."""
        return float(self.table.labels.mean())

    def as_dict(self) -> dict[str, Any]:
        """For JSON; None stands where there is no number."""
        return {
            "format": FORMAT,
            "table": self.table.name,
            "samples": len(self.table),
            "positives": int(self.table.labels.sum()),
            "prevalence": self.prevalence,
            "groups": {"column": self.table.group_kind, "number": self.groups},
            "bootstrap": {"draws": self.draws, "seed": self.seed, "level": self.level},
            "permutations": self.permutations,
            "auc": self.roc_auc.as_dict(),
            "auc_delong": _area_dict(self.delong),
            "average_precision": self.average_precision.as_dict(),
            "threshold": THRESHOLD,
            "at_threshold": {name: one.as_dict() for name, one in self.at_threshold.items()},
            "brier": self.brier.as_dict(),
            "chance_ece": self.chance_ece,
            "calibration": self.calibration.as_dict(),
            "compared_with": [rival.as_dict() for rival in self.rivals],
            "roc": _band_dict(self.roc, "false_positive_rate", "sensitivity"),
            "precision_recall": _band_dict(self.precision_recall, "recall", "precision"),
            "notes": list(self.notes),
        }


def score_report(
    table: ScoreTable,
    *,
    train: ScoreTable | None = None,
    against: ScoreTable | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    permutations: int = DRAWS,
    level: float = LEVEL,
) -> ScoreReport:
    """Measure the scores of a table, beside what size and texture alone would say.

    Args:
        table: the samples.
        train: other patients, on which the logistic baseline is fitted; without them it is fitted on the
            table itself, each patient answered for by a model that has not seen him.
        against: another model's scores for the same samples.
        seed: of the draws and folds, 0 or more.
        draws: of the bootstrap, at least one.
        permutations: of the paired tests; 0 makes none.
        level: of the intervals.

    Raises:
        DataError: `against` has other samples, or `train` cannot be used.
        SettingsError: no draws, a negative seed, or fewer than two samples of a class.
    """
    if against is not None:
        check_same_rows(table, against)
    number, count = group_numbers(table.groups)
    drawn = draw_counts(count, draws, seed, of=table.group_name)
    counts = np.concatenate([np.ones((1, count), dtype=np.int64), drawn])
    ranked = ranking_draws(table.labels, table.probs, number, counts, _PLACES)
    how = {"seed": seed, "draws": draws, "permutations": permutations, "level": level}
    baselines, notes = _baselines(table, train, how)
    rivals = (*([] if against is None else [_other(table, against, how)]), *baselines)
    return ScoreReport(
        table,
        count,
        len(drawn),
        permutations if count > 1 else 0,
        seed,
        level,
        _interval(ranked.roc_auc, level),
        _interval(ranked.average_precision, level),
        delong(table.labels, table.probs).area(level=level),
        _at_threshold(table, number, counts, level),
        calibration(table.labels, table.probs),
        _brier(table, seed, draws, level),
        chance_ece(table.probs, seed=seed),
        *_bands(ranked, level),
        rivals,
        (*notes, *_alone(table, count)),
    )


def _baselines(
    table: ScoreTable, train: ScoreTable | None, how: dict[str, Any]
) -> tuple[list[Rival], tuple[str, ...]]:
    found, notes = baseline_scores(table, train, seed=how["seed"])
    rivals = []
    for one in found:
        labels, groups = table.labels[one.rows], table.groups[one.rows]
        compared = compare_auc(labels, table.probs[one.rows], one.scores, groups, **how)
        rivals.append(Rival(one.name, one.how, labels, one.scores, compared))
    return rivals, notes


def _alone(table: ScoreTable, groups: int) -> list[str]:
    return [only_one(table.group_name.removesuffix("s"))] if groups == 1 else []


def _other(table: ScoreTable, against: ScoreTable, how: dict[str, Any]) -> Rival:
    compared = compare_auc(table.labels, table.probs, against.probs, table.groups, **how)
    return Rival(against.name, "another model's scores", table.labels, against.probs, compared)


def _at_threshold(
    table: ScoreTable, number: NDArray[np.int64], counts: NDArray[np.int64], level: float
) -> dict[str, Interval]:
    by_group = np.zeros((counts.shape[1], 4), dtype=np.int64)
    np.add.at(by_group, number, confused(table.labels, table.probs, THRESHOLD))
    drawn = shares(counts @ by_group)
    return {name: _interval(drawn[:, at], level) for at, name in enumerate(SHARES)}


def _brier(table: ScoreTable, seed: int, draws: int, level: float) -> Interval:
    errors = (table.probs - table.labels) ** 2
    return bootstrap_mean(errors, table.groups, seed=seed, draws=draws, level=level)


def _interval(values: NDArray[np.float64], level: float) -> Interval:
    """From the samples' own number, which stands first, and those of the draws."""
    return percentile_interval(float(values[0]), values[1:], level)


def _bands(ranked: RankingDraws, level: float) -> tuple[Band, Band]:
    bands = []
    for drawn in (ranked.sensitivity, ranked.precision):
        ends = [_interval(place, level) for place in drawn.T]
        low, high = (np.array([getattr(one, end) for one in ends]) for end in ("low", "high"))
        bands.append(Band(_PLACES, drawn[0], low, high))
    return bands[0], bands[1]


def _area_dict(area: Contrast) -> dict[str, float | None]:
    """Without the p-value, which says whether an area is 0."""
    return {name: number for name, number in area.as_dict().items() if name != "p_value"}


def _band_dict(band: Band, x: str, y: str) -> dict[str, list[float | None]]:
    columns = {x: band.x, y: band.y, "low": band.low, "high": band.high}
    return {
        name: [finite_or_none(value) for value in np.round(numbers, 6).tolist()]
        for name, numbers in columns.items()
    }
