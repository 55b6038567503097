"""Findings: masses take over, voxels are numbered, and every finding keeps some."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lungmonai.analysis.findings import Finding, findings_of, measured, numbered, with_masses
from lungmonai.analysis.group import group_voxels
from lungmonai.analysis.masses import Mass
from lungmonai.nodule import Candidate

SHAPE = (4, 10, 25)


def candidate(prob: float) -> Candidate:
    return Candidate((0, 0, 0), (0, 0, 0), (0, 0, 0), 1, prob, "left lung")


def mass(one: Candidate, voxels: np.ndarray, around: int = 0) -> Mass:
    near = np.arange(max(0, voxels[0] - around), voxels[-1] + 1 + around)
    return Mass(one, voxels, near)


def run(start: int, stop: int) -> np.ndarray:
    return np.arange(start, stop)


def test_the_groups_of_a_nodule_are_grown_back_as_far_as_they_are_marked() -> None:
    rng = np.random.default_rng(0)
    marked = ndimage.binary_opening(rng.random((12, 20, 20)) < 0.9)
    groups = group_voxels(marked, rng.integers(-900, 200, marked.shape).astype(np.int16))
    eroded = ndimage.binary_erosion(marked)
    labels, count = ndimage.label(eroded)
    assert count == len(groups) > 2
    members = [(2, 0), (1,)]
    for finding, nodule in zip(findings_of(members, groups, marked), members, strict=True):
        grown = ndimage.binary_dilation(np.isin(labels, np.array(nodule) + 1)) & marked
        assert finding.candidates == nodule
        assert np.array_equal(finding.voxels, np.flatnonzero(grown))


def test_a_mass_takes_over_what_shares_half_of_its_voxels() -> None:
    candidates = [candidate(prob) for prob in (0.95, 0.9, 0.7, 0.6)]
    findings = [
        Finding((0,), run(90, 110)),  # half of it in the mass
        Finding((1,), run(80, 101)),  # one voxel only
        Finding((2,), run(150, 160)),  # all of it
    ]
    first, taker = with_masses(findings, [mass(candidates[3], run(100, 200))], candidates)
    assert (first.candidates, taker.candidates) == ((1,), (3, 0, 2))
    assert np.array_equal(taker.voxels, run(90, 200))
    assert (first.is_mass, taker.is_mass) == (False, True)


def test_a_mass_takes_over_what_is_larger_than_itself() -> None:
    candidates = [candidate(0.9), candidate(0.8)]
    (taker,) = with_masses([Finding((0,), run(0, 500))], [mass(candidates[1], run(100, 200))], candidates)
    assert taker.candidates == (1, 0)


def test_a_mass_takes_over_what_lies_at_its_border() -> None:
    candidates = [candidate(0.9), candidate(0.8)]
    for around, count in ((0, 2), (5, 1)):
        masses = [mass(candidates[1], run(100, 200), around)]
        assert len(with_masses([Finding((0,), run(95, 101))], masses, candidates)) == count


def test_one_that_spans_two_masses_goes_to_the_first_and_leaves_the_other_its_voxels() -> None:
    candidates = [candidate(prob) for prob in (0.95, 0.9, 0.8)]
    masses = [mass(candidates[1], run(100, 200)), mass(candidates[2], run(300, 400))]
    found = with_masses([Finding((0,), run(50, 450))], masses, candidates)
    assert [one.candidates for one in found] == [(1, 0), (2,)]
    labels = numbered(found, SHAPE).reshape(-1)
    assert (labels[300:400] == 2).all()
    assert np.flatnonzero(labels == 1).tolist() == [*range(50, 300), *range(400, 450)]


def test_several_that_could_leave_nothing_of_a_mass_are_taken_over() -> None:
    candidates = [candidate(prob) for prob in (0.9, 0.9, 0.9, 0.8)]
    # Each holds a third of the mass, and that is less than half of each.
    thirds = [run(100, 133), run(133, 166), run(166, 200)]
    further = [run(300, 340), run(400, 440), run(500, 540)]
    pairs = zip(thirds, further, strict=True)
    findings = [Finding((place,), np.concatenate(pair)) for place, pair in enumerate(pairs)]
    (all_of_them,) = with_masses(findings, [mass(candidates[3], run(100, 200))], candidates)
    assert all_of_them.candidates == (3, 0, 1, 2)
    # Two of them leave some of it.
    some = with_masses(findings[:2], [mass(candidates[3], run(100, 200))], candidates)
    assert [one.candidates for one in some] == [(0,), (1,), (3,)]


def test_the_most_probable_comes_first_and_the_more_probable_mass_takes() -> None:
    candidates = [candidate(prob) for prob in (0.6, 0.99, 0.7)]
    masses = [mass(candidates[1], run(100, 200)), mass(candidates[2], run(201, 300))]
    found = with_masses([Finding((0,), run(150, 250))], masses, candidates)
    assert [one.candidates for one in found] == [(1, 0), (2,)]


def test_without_masses_nothing_changes() -> None:
    candidates = [candidate(prob) for prob in (0.9, 0.9, 0.8)]
    findings = [Finding((place,), run(place, place + 1)) for place in range(3)]
    assert with_masses(findings, [], candidates) == findings


def test_a_voxel_goes_to_the_nodule_and_then_to_the_more_probable() -> None:
    findings = [
        Finding((0,), run(0, 30), is_mass=True),
        Finding((1,), run(10, 20)),
        Finding((2,), run(15, 40)),
    ]
    flat = numbered(findings, SHAPE).reshape(-1)
    assert flat[:10].tolist() == [1] * 10
    assert flat[10:20].tolist() == [2] * 10
    assert flat[20:40].tolist() == [3] * 20
    assert not flat[40:].any()


@settings(max_examples=100, deadline=None)
@given(
    owner=st.lists(st.integers(0, 4), min_size=40, max_size=40),
    ends=st.lists(st.integers(0, 39), min_size=6, max_size=6, unique=True).map(sorted),
)
def test_every_finding_keeps_a_voxel(owner: list[int], ends: list[int]) -> None:
    # Nodules share no voxel, as their groups share none, nor do the masses; of 25 voxels at a time.
    runs = np.repeat(owner, 25)
    findings = [Finding((n,), np.flatnonzero(runs == n)) for n in range(5) if n in owner]
    count = len(findings)
    findings = [Finding((n,), one.voxels) for n, one in enumerate(findings)]
    candidates = [candidate(0.9)] * (count + 3)
    masses = [mass(candidates[0], run(25 * a, 25 * b), 3) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    found = with_masses(findings, masses, candidates)
    assert sorted(place for one in found for place in one.candidates) == list(range(count + 3))
    labels = numbered(found, SHAPE)
    assert set(np.unique(labels)) - {0} == set(range(1, len(found) + 1))


def test_sizes_are_those_of_the_numbered_voxels() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 2:5, 3:8] = 1
    labels[0, 0, :2] = 2
    first, second = measured(labels, 2, (0.5, 0.8, 2.0))
    assert first.volume_mm3 == pytest.approx(30 * 0.8)
    assert first.long_axis_mm == pytest.approx(np.hypot(3 * 0.8, 5 * 0.5))
    assert second.volume_mm3 == pytest.approx(2 * 0.8)
