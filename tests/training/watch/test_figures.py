"""Figures: what they show where, by their pixels."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lungmonai.training.watch.counts import Counts, counted
from lungmonai.training.watch.figures import precision_recall_figure, roc_figure, worst_figure
from lungmonai.training.watch.worst import Example

BLUE = (31, 119, 180)  # matplotlib's tab:blue


def answers(logits: list[float], positive: list[bool]) -> Counts:
    return Counts(*counted(torch.tensor(logits), torch.tensor(positive)))


PERFECT = answers([3, 2, -2, -3], [True, True, False, False])
REVERSED = answers([-3, -2, 2, 3], [True, True, False, False])


def middle_of_curve(picture: NDArray[np.uint8] | None) -> Any:
    """(across, down) of the blue pixels' mean, as shares of the picture."""
    assert picture is not None
    down, across = np.nonzero((picture == BLUE).all(-1))
    return across.mean() / picture.shape[1], down.mean() / picture.shape[0]


def test_a_perfect_roc_runs_through_the_upper_left_corner() -> None:
    across, down = middle_of_curve(roc_figure(PERFECT))
    assert across < 0.5 > down
    across, down = middle_of_curve(roc_figure(REVERSED))
    assert across > 0.5 < down


def test_a_perfect_precision_stays_at_the_top() -> None:
    _, perfect = middle_of_curve(precision_recall_figure(PERFECT))
    _, poor = middle_of_curve(precision_recall_figure(REVERSED))
    assert perfect < 0.5 < poor


def test_there_is_no_curve_without_both_classes() -> None:
    assert roc_figure(answers([1, 2], [True, True])) is None
    assert roc_figure(answers([1, 2], [False, False])) is None
    assert precision_recall_figure(answers([1, 2], [False, False])) is None


def test_the_worst_are_shown_with_their_panels() -> None:
    colours = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]
    panels = np.stack([np.full((20, 20, 3), colour, np.uint8) for colour in colours])
    examples = [Example(1.0, f"1.2.{index} $not_math", "P(1) 0.5", panels) for index in range(3)]
    picture = worst_figure(examples)
    assert picture is not None
    areas = [(picture == colour).all(-1).sum() for colour in colours]
    assert min(areas) > 10_000
    assert max(areas) < 1.05 * min(areas)
    (one,) = [worst_figure(examples[:1])]
    assert one is not None
    assert one.shape[0] < picture.shape[0]


def test_without_samples_there_is_no_figure_of_them() -> None:
    assert worst_figure([]) is None
