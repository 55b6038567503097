"""Merging: each detection goes to the most probable one within the radius."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.analysis import AnalysisSettings
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


@pytest.mark.shared_data
def test_the_default_radius_parts_nearly_all_of_luna16s_nodules(shared_data: Path) -> None:
    """How many annotated nodules would be taken for one with another, as the documents say."""
    places = defaultdict(list)
    with (shared_data / "luna16" / "annotations.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            places[row["seriesuid"]].append([float(row[f"coord{axis}"]) for axis in "XYZ"])
    assert sum(map(len, places.values())) == 1186
    nearest = [
        np.sort(np.linalg.norm(np.array(scan) - nodule, axis=1))[1]
        for scan in places.values()
        if len(scan) > 1
        for nodule in scan
    ]
    assert AnalysisSettings().merge_radius_mm == 10.0
    assert (sum(d < 10 for d in nearest), sum(d < 12 for d in nearest)) == (4, 14)
