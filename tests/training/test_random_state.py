"""Random states."""

import random

import numpy as np
import pytest
import torch

from lungmonai.training.random_state import random_states, restore_random_states


def draw() -> list[float]:
    # A pair of Gaussian numbers is drawn at a time: the second waits in NumPy's state.
    return [random.random(), random.gauss(0, 1), float(np.random.normal()), float(torch.rand(()))]


@pytest.mark.parametrize("before", [0, 1, 2])
def test_the_same_is_drawn_again(before: int) -> None:
    for _ in range(before):
        draw()
    states = random_states()
    first = [draw() for _ in range(3)]
    draw()
    restore_random_states(states)
    assert [draw() for _ in range(3)] == first
