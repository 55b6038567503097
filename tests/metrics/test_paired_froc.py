"""The paired comparison of two detectors, draw by draw and permutation by permutation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.froc import JudgedMarks, froc
from lungmonai.metrics.intervals import draw_counts, percentile_interval
from lungmonai.metrics.paired_froc import compare_froc, on_own_scale
from lungmonai.metrics.swaps import draw_swaps

SCANS = 12


def system(rng: np.random.Generator, nodule_scan: np.ndarray, shift: float = 1.0, levels: int = 20):
    """Marks with scores that repeat; a third of the nodules is never hit, others score more by `shift`."""
    nodule_prob = np.round(rng.normal(shift, 1, len(nodule_scan)) * levels) / levels
    nodule_prob[rng.random(len(nodule_scan)) < 0.33] = -np.inf
    false_scan = rng.integers(0, SCANS, 60)
    false_prob = np.round(rng.normal(0, 1, 60) * levels) / levels
    return JudgedMarks(SCANS, nodule_scan, nodule_prob, false_scan, false_prob)


def two(seed: int) -> tuple[JudgedMarks, JudgedMarks]:
    rng = np.random.default_rng(seed)
    nodule_scan = rng.integers(0, SCANS, 20)
    return system(rng, nodule_scan), system(rng, nodule_scan, 0.5)


def mixed(first: JudgedMarks, second: JudgedMarks, swap: np.ndarray) -> JudgedMarks:
    """The first system's answers, save in the scans that change sides."""
    own, other = swap[first.false_scan] == 0, swap[second.false_scan] == 1
    return JudgedMarks(
        SCANS,
        first.nodule_scan,
        np.where(swap[first.nodule_scan] == 1, second.nodule_prob, first.nodule_prob),
        np.concatenate([first.false_scan[own], second.false_scan[other]]),
        np.concatenate([first.false_prob[own], second.false_prob[other]]),
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_draw_and_permutation_is_what_it_says(seed: int) -> None:
    first, second = two(seed)
    found = compare_froc(first, second, seed=seed, draws=20, permutations=20)
    difference = froc(first).cpm - froc(second).cpm
    drawn = [
        froc(first, times).cpm - froc(second, times).cpm
        for times in draw_counts(SCANS, 20, seed)
        if times[first.nodule_scan].any()
    ]
    expected = percentile_interval(difference, drawn)
    assert found.cpm.difference.value == pytest.approx(difference)
    assert found.cpm.difference.low == pytest.approx(expected.low)
    assert found.cpm.difference.high == pytest.approx(expected.high)
    one, other = on_own_scale(first), on_own_scale(second)
    far = 0
    for swap in draw_swaps(SCANS, 20, seed):
        after = froc(mixed(one, other, swap)).cpm - froc(mixed(other, one, swap)).cpm
        far += abs(after) >= abs(difference) - 1e-9
    assert found.cpm.p_value == pytest.approx((1 + far) / 21)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.sampled_from([1, 3, 50]))
def test_the_own_scale_leaves_the_curve_as_it_is(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    judged = system(rng, rng.integers(0, SCANS, 20), levels=levels)
    before, after = froc(judged), froc(on_own_scale(judged))
    assert after.at_rates == pytest.approx(before.at_rates)
    rates = np.linspace(0.01, 5, 60)
    curves = [np.interp(rates, one.false_per_scan, one.sensitivity) for one in (before, after)]
    assert curves[0] == pytest.approx(curves[1])


def test_the_scale_of_one_system_makes_no_difference() -> None:
    first, second = two(5)
    scaled = replace(
        second,
        nodule_prob=np.where(np.isfinite(second.nodule_prob), np.exp(second.nodule_prob) - 40, -np.inf),
        false_prob=np.exp(second.false_prob) - 40,
    )
    assert compare_froc(first, scaled, seed=0, draws=30, permutations=30) == compare_froc(
        first, second, seed=0, draws=30, permutations=30
    )


def test_equal_systems_are_seldom_told_apart() -> None:
    """Of two that differ by chance only, one in twenty has p ≤ 0.05, on whatever scale they score."""
    rng = np.random.default_rng(2)
    low = 0
    for _ in range(120):
        nodule_scan = rng.integers(0, SCANS, 20)
        first, second = (system(rng, nodule_scan) for _ in range(2))
        second = replace(second, nodule_prob=3 * second.nodule_prob + 2, false_prob=3 * second.false_prob + 2)
        low += compare_froc(first, second, seed=0, draws=1, permutations=99).cpm.p_value <= 0.05
    assert 1 <= low <= 13


def test_a_better_system_is_told_apart() -> None:
    rng = np.random.default_rng(0)
    nodule_scan = np.arange(60) % SCANS
    first, second = system(rng, nodule_scan, 4.0), system(rng, nodule_scan, 0.0)
    found = compare_froc(first, second, seed=0, draws=200, permutations=200)
    assert found.cpm.difference.low > 0
    assert found.cpm.p_value < 0.02
    assert found.at_rates[0].difference.value > 0.2
    back = compare_froc(second, first, seed=0, draws=200, permutations=200)
    assert back.cpm.difference.value == pytest.approx(-found.cpm.difference.value)
    assert back.cpm.p_value == found.cpm.p_value


def test_a_system_beside_itself_has_no_difference() -> None:
    first, _ = two(1)
    same = compare_froc(first, first, seed=0, draws=20, permutations=20).cpm
    assert (same.difference.value, same.difference.low, same.difference.high, same.p_value) == (0, 0, 0, 1)
    assert np.isnan(compare_froc(first, first, seed=0, draws=2, permutations=0).cpm.p_value)


def test_other_nodules_are_refused() -> None:
    first, second = two(1)
    with pytest.raises(SettingsError, match="20 nodules in 12 scans, the other 20 in 13; wanted both judged"):
        compare_froc(first, replace(second, scans=13), seed=0)
    with pytest.raises(SettingsError, match="wanted both judged against the same nodules"):
        compare_froc(first, replace(second, nodule_scan=second.nodule_scan[::-1]), seed=0)
