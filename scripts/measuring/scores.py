"""Numbers from answers, with intervals; scans are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungmonai.metrics.confusion import SHARES, confused, shares
from lungmonai.metrics.intervals import Interval, draw_counts, percentile_interval
from lungmonai.metrics.ranking_draws import group_numbers, ranking_draws

from .answers import LEVELS, Answers

# A probability over one half is in this step of 1/255 or a higher one.
HALF = LEVELS // 2


@dataclass(frozen=True)
class Drawn:
    """How intervals are drawn.

    Args:
        seed: of the draws, 0 or more.
        draws: how many.
    """

    seed: int
    draws: int

    def counts(self, scans: int) -> NDArray[np.int64]:
        """(1 + draws, scans) how often each scan is taken: once each, and then as drawn."""
        return np.concatenate([np.ones((1, scans), np.int64), draw_counts(scans, self.draws, self.seed)])


def segmentation(answers: Sequence[Answers], drawn: Drawn) -> dict[str, Interval]:
    """Dice, recall and precision over all voxels together of the slices with a nodule."""
    voxels = np.stack([one.voxels for one in answers])
    left, marked = voxels[..., :HALF].sum(axis=2), voxels[..., HALF:].sum(axis=2)
    # The order of `shares`: no label comes first in `voxels`, and last here.
    by_scan = np.concatenate([marked[:, ::-1], left[:, ::-1]], axis=1)
    found = _shares(drawn.counts(len(answers)) @ by_scan)
    # Over all voxels together, Dice is the F1 score.
    return {"dice": found["f1"], "recall": found["sensitivity"], "precision": found["precision"]}


def nodule_or_not(answers: Sequence[Answers], drawn: Drawn) -> dict[str, Interval]:
    """Accuracy, precision, recall, F1 and AUC on the datalist's nodules and non-nodules; {} without any."""
    label, prob, scan = table_of(answers)
    if not len(label):
        return {}
    number, scans = group_numbers(scan)
    counts = drawn.counts(scans)
    by_scan = np.zeros((scans, 4), np.int64)
    np.add.at(by_scan, number, confused(label, prob))
    found = _shares(counts @ by_scan)
    return {
        "accuracy": found["accuracy"],
        "precision": found["precision"],
        "recall": found["sensitivity"],
        "f1": found["f1"],
        "auc": _interval(ranking_draws(label, prob, number, counts).roc_auc),
    }


def table_of(answers: Sequence[Answers]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Label, probability and scan of every nodule and non-nodule."""
    label = np.concatenate([one.label for one in answers])
    prob = np.concatenate([one.prob for one in answers])
    return label, prob, np.repeat(np.arange(len(answers)), [len(one.label) for one in answers])


def _shares(counts: NDArray[np.int64]) -> dict[str, Interval]:
    return dict(zip(SHARES, map(_interval, shares(counts).T), strict=True))


def _interval(values: NDArray[np.float64]) -> Interval:
    """From the scans' own number, which stands first, and those of the draws."""
    return percentile_interval(float(values[0]), values[1:])
