"""Counted answers against definitions on the answers themselves."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lungmonai.training.watch.counts import Counts, counted, logits_of


def made(logits: NDArray[np.float32], positive: NDArray[np.bool_]) -> Counts:
    return Counts(*counted(torch.from_numpy(logits), torch.from_numpy(positive)))


@pytest.fixture
def answers() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    rng = np.random.default_rng(1)
    positive = rng.random(500) < 0.3
    return rng.normal(2.0 * positive - 1, 1.5).astype(np.float32), positive


def test_hits_misses_and_false_ones(answers: tuple[NDArray[np.float32], NDArray[np.bool_]]) -> None:
    logits, positive = answers
    counts = made(logits, positive)
    said = 1 / (1 + np.exp(-logits.astype(float))) > 0.5
    assert counts.hits == (said & positive).sum()
    assert counts.false == (said & ~positive).sum()
    assert counts.misses == (~said & positive).sum()
    assert counts.true_negatives == (~said & ~positive).sum()


def test_a_probability_of_half_is_not_positive() -> None:
    counts = made(np.array([0, 1e-30, -1e-30, np.nan], np.float32), np.ones(4, bool))
    assert (counts.hits, counts.misses) == (1, 3)


def test_what_is_beyond_the_bins_is_counted() -> None:
    counts = made(np.array([1e9, -1e9, np.inf, -np.inf], np.float32), np.array([True, True, False, False]))
    assert (counts.hits, counts.misses, counts.false, counts.true_negatives) == (1, 1, 1, 1)


def test_auc_is_how_often_a_positive_is_above_a_negative(
    answers: tuple[NDArray[np.float32], NDArray[np.bool_]],
) -> None:
    logits, positive = answers
    pairs = logits[positive][:, None] - logits[~positive][None]
    auc = made(logits, positive).auc()
    assert auc == pytest.approx(((pairs > 0) + (pairs == 0) / 2).mean(), abs=1e-4)


def test_equal_answers_have_an_auc_of_half() -> None:
    assert made(np.zeros(10, np.float32), np.arange(10) < 3).auc() == 0.5


@pytest.mark.parametrize("positive", [True, False])
def test_one_class_has_no_auc(positive: bool) -> None:
    assert made(np.zeros(3, np.float32), np.full(3, positive)).auc() is None


def test_curve_holds_every_threshold(answers: tuple[NDArray[np.float32], NDArray[np.bool_]]) -> None:
    logits, positive = answers
    hits, false = made(logits, positive).above()
    seen = set(zip(hits.tolist(), false.tolist(), strict=True))
    for threshold in (-1.0, 0.0, 0.5, 2.25):
        above = logits > threshold
        assert (int((above & positive).sum()), int((above & ~positive).sum())) in seen
    assert (hits[0], false[0], hits[-1], false[-1]) == (0, 0, positive.sum(), (~positive).sum())


def test_probabilities_fall_into_their_bins(answers: tuple[NDArray[np.float32], NDArray[np.bool_]]) -> None:
    logits, positive = answers
    counts = made(logits, positive)
    exact = np.histogram(1 / (1 + np.exp(-logits[positive])), 10, (0, 1))[0]
    many = counts.probabilities(counts.positive, 10)
    # An answer may lie half a bin of logits beside where it is counted.
    assert np.abs(np.cumsum(many) - np.cumsum(exact)).max() <= 3
    assert many.sum() == positive.sum()


def test_logits_of_two_classes_are_their_difference() -> None:
    pred, label = torch.tensor([[1.0, 3.0], [0.5, -1.0]]), torch.tensor([1, 0])
    logits, positive = logits_of(pred, label)
    torch.testing.assert_close(torch.sigmoid(logits[:, 0]), torch.softmax(pred, 1)[:, 1])
    assert positive.tolist() == [[True], [False]]


def test_logits_of_masks_are_theirs() -> None:
    pred, label = torch.randn(2, 1, 3, 4), torch.zeros(2, 1, 3, 4)
    label[1, 0, 2, 3] = 1
    logits, positive = logits_of(pred, label)
    assert logits.shape == positive.shape == (2, 12)
    assert positive.nonzero().tolist() == [[1, 11]]
    assert logits[1, 11] == pred[1, 0, 2, 3]
