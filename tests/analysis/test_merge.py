"""Merging: each detection goes to the most probable one within the radius."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.analysis.merge import merge_detections


def brute_force(centers, probs, radius):
    left, merged = list(range(len(probs))), []
    while left:
        first = max(left, key=lambda i: (probs[i], -i))
        near = [i for i in left if np.linalg.norm(centers[i] - centers[first]) <= radius]
        near = (
            sorted(set(near) | {first}, key=lambda i: (i != first, -probs[i], i)) if radius > 0 else [first]
        )
        merged.append(tuple(near))
        left = [i for i in left if i not in near]
    return merged


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 40), radius=st.sampled_from([0.0, 3.0, 8.0, 500.0]))
def test_merging_equals_brute_force(seed: int, count: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    centers = rng.integers(0, 20, (count, 3)).astype(float)
    probs = (rng.integers(1, 6, count) / 10).astype(np.float32)  # with ties
    assert merge_detections(centers, probs, radius) == brute_force(centers, probs, radius)


def test_a_chain_is_not_one_nodule() -> None:
    """What is near a suppressed detection, but far from the one kept, stays."""
    centers = np.array([[0.0, 0, 0], [8.0, 0, 0], [16.0, 0, 0]])
    probs = np.array([0.9, 0.8, 0.7], np.float32)
    assert merge_detections(centers, probs, 10.0) == [(0, 1), (2,)]


def test_no_radius_keeps_equal_places_apart() -> None:
    assert merge_detections(np.zeros((3, 3)), np.ones(3, np.float32), 0.0) == [(0,), (1,), (2,)]
