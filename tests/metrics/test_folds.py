"""Patients dealt to folds."""

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.metrics.folds import deal_folds


def test_folds_hold_whole_patients_with_positives_in_each() -> None:
    rng = np.random.default_rng(0)
    labels, patients = rng.random(200) < 0.4, rng.integers(0, 60, 200)
    fold = deal_folds(labels, patients, seed=1)
    assert all(len(set(fold[patients == one])) == 1 for one in set(patients))
    ill = [len(set(patients[labels & (fold == one)])) for one in range(5)]
    assert max(ill) - min(ill) <= 1
    sizes = [len(set(patients[fold == one])) for one in range(5)]
    assert max(sizes) - min(sizes) <= 1
    assert (deal_folds(labels, patients, seed=1) == fold).all()
    assert (deal_folds(labels, patients, seed=2) != fold).any()


def test_fewer_patients_than_folds_have_a_fold_each() -> None:
    assert sorted(deal_folds([1, 0, 0], ["a", "b", "c"], seed=0)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("groups", "folds", "seed"), [("aa", 5, 0), ("ab", 1, 0), ("ab", 2, -1), ("abc", 2, 0)]
)
def test_what_cannot_be_dealt_is_refused(groups: str, folds: int, seed: int) -> None:
    text = f"{len(set(groups))} groups for 2 samples, {folds} folds and seed {seed}; wanted a group for each"
    with pytest.raises(SettingsError, match=text):
        deal_folds([0, 1], list(groups), seed=seed, folds=folds)
