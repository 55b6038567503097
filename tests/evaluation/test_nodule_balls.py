"""What is counted in a ball, against whole volumes and SciPy's erosion."""

import math

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from lungmonai.evaluation.nodule_balls import BallMarks, ball_marks, marked_voxels

SPACING = (0.7, 0.8, 2.5)  # column, row, slice
SHAPE = (12, 30, 32)


def looked_at(probability, centers, diameters, threshold=0.5) -> BallMarks:
    marked = marked_voxels(probability, threshold)
    return ball_marks(probability, marked, binary_erosion(marked), centers, diameters, SPACING)


def by_definition(probability, center, diameter, threshold):
    """Every voxel of the volume, one after the other."""
    radius = (10.0 if diameter < 0 else diameter) / 2
    inside = np.zeros(SHAPE, bool)
    for at in np.ndindex(SHAPE):
        steps = [(index - middle) * mm for index, middle, mm in zip(at, center, SPACING[::-1], strict=True)]
        inside[at] = math.hypot(*steps) <= radius
    nearest = tuple(round(value) for value in center)
    if all(0 <= index < size for index, size in zip(nearest, SHAPE, strict=True)):
        inside[nearest] = True
    if not inside.any():
        return math.nan, 0, 0
    marked = probability / 255 > threshold
    return probability[inside].max() / 255, (marked & inside).sum(), (binary_erosion(marked) & inside).sum()


@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_balls_anywhere(threshold: float) -> None:
    rng = np.random.default_rng(1)
    probability = rng.integers(0, 256, SHAPE, dtype=np.uint8)
    probability[3:9, 5:25, 5:25] = rng.choice([40, 127, 128, 255], (6, 20, 20), p=[0.02, 0.02, 0.06, 0.9])
    centers = rng.uniform((-3, -5, -5), (14, 34, 36), (25, 3))
    diameters = rng.choice([-1.0, 0.4, 3.0, 6.2, 11.0], 25)
    found = looked_at(probability, centers, diameters, threshold)
    eroded = 0
    for place, (center, diameter) in enumerate(zip(centers, diameters, strict=True)):
        highest, marked, left = by_definition(probability, center, diameter, threshold)
        assert found.highest_prob[place] == pytest.approx(highest, nan_ok=True)
        assert (found.marked[place], found.eroded[place]) == (marked, left)
        eroded += left
    assert eroded  # or nothing was tested


def test_a_nodule_between_two_slices_has_a_voxel() -> None:
    probability = np.zeros(SHAPE, np.uint8)
    probability[5, 10, 10] = 200
    found = looked_at(probability, [[5.4, 10.1, 9.8]], [0.3])
    assert (found.highest_prob[0], found.marked[0], found.eroded[0]) == (200 / 255, 1, 0)


def test_one_half_is_not_marked() -> None:
    probability = np.full(SHAPE, 127, np.uint8)  # what the analysis stores of probabilities just below 0.5
    assert looked_at(probability, [[5, 10, 10]], [6.0]).marked[0] == 0
    assert looked_at(probability + np.uint8(1), [[5, 10, 10]], [6.0]).marked[0] > 0


def test_no_nodules() -> None:
    assert len(looked_at(np.zeros(SHAPE, np.uint8), [], []).marked) == 0
