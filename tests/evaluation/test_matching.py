"""The reference project's rule: distance over diameter below 0.7."""

import math

import numpy as np
import pytest

from lungmonai.evaluation.matching import distances_mm, reference_hits
from lungmonai.metrics.hits import counted_diameters


@pytest.mark.parametrize(
    ("distance", "diameter", "hit"),
    [(6.9, 10.0, True), (7.1, 10.0, False), (2.1, 3.0, False), (0.0, 3.0, True), (6.9, -1.0, True),
     (7.1, -1.0, False)],
)  # fmt: skip
def test_a_hit_is_nearer_than_seven_tenths_of_the_diameter(distance, diameter, hit) -> None:
    found = reference_hits([[distance, 0.0, 0.0]], [[0.0, 0.0, 0.0]], [diameter])
    assert found.tolist() == [[hit]]


def test_every_pair_is_asked() -> None:
    rng = np.random.default_rng(3)
    positions, centers, diameters = rng.normal(size=(7, 3)), rng.normal(size=(4, 3)), rng.uniform(0.5, 4, 4)
    found = reference_hits(positions, centers, diameters)
    far = distances_mm(positions, centers)
    for row in range(7):
        for column in range(4):
            apart = math.dist(positions[row], centers[column])
            assert far[row, column] == pytest.approx(apart)
            assert found[row, column] == (apart / diameters[column] < 0.7)


def test_none_on_either_side() -> None:
    assert reference_hits([], [[0, 0, 0]], [1.0]).shape == (0, 1)
    assert reference_hits([[0, 0, 0]], [], []).shape == (1, 0)
    assert counted_diameters([-1, 3]).tolist() == [10, 3]
