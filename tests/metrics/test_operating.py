"""Thresholds against a search through every mark, draws against copied scans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.intervals import draw_counts
from lungmonai.metrics.judging import JudgedMarks
from lungmonai.metrics.operating import (
    Demand,
    bootstrap_operating,
    operating_draws,
    operating_point,
    point_at,
)

SCANS = 5


def random_case(seed: int) -> JudgedMarks:
    """Few distinct scores, so that many are equal; some nodules are never hit."""
    rng = np.random.default_rng(seed)
    nodules, false = int(rng.integers(1, 9)), int(rng.integers(0, 20))
    probs = rng.integers(1, 12, nodules) / 12
    probs[rng.random(nodules) < 0.3] = -np.inf
    return JudgedMarks(
        SCANS,
        rng.integers(0, SCANS, nodules),
        probs,
        rng.integers(0, SCANS, false),
        rng.integers(1, 12, false) / 12,
    )


def best_by_search(judged: JudgedMarks, demand: Demand) -> set[float] | None:
    """The scores that are kept, by trying each score as the least that is kept."""
    scores = np.unique(
        np.concatenate([judged.nodule_prob[np.isfinite(judged.nodule_prob)], judged.false_prob])
    )
    good = []
    for least in scores:
        false = (judged.false_prob >= least).sum() / judged.scans
        found = (judged.nodule_prob >= least).sum() / len(judged.nodule_prob)
        if false <= demand.value if demand.is_rate else found >= demand.value:
            good.append(least)
    if not good:
        return None
    least = min(good) if demand.is_rate else max(good)
    return {score for score in scores.tolist() if score >= least}


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000), value=st.sampled_from([0.2, 0.4, 0.5, 1.0, 2.0]), is_rate=st.booleans())
def test_the_threshold_keeps_what_a_search_keeps(seed: int, value: float, is_rate: bool) -> None:
    judged, demand = random_case(seed), Demand(min(value, 1.0) if not is_rate else value, is_rate)
    wanted = best_by_search(judged, demand)
    if wanted is None:
        with pytest.raises(SettingsError, match="wanted a demand that a threshold meets"):
            operating_point(judged, demand)
        return
    point = operating_point(judged, demand)
    scores = np.concatenate([judged.nodule_prob, judged.false_prob])
    assert {score for score in scores.tolist() if score > point.threshold} == wanted
    assert 0 <= point.threshold < 1
    assert point_at(judged, point.threshold) == point


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), is_rate=st.booleans())
def test_a_draw_is_the_scans_copied(seed: int, is_rate: bool) -> None:
    judged, demand = random_case(seed), Demand(0.6, is_rate)
    try:
        point = operating_point(judged, demand)
    except SettingsError:
        return
    counts = draw_counts(SCANS, 12, seed=seed)
    drawn = operating_draws(judged, demand, point.threshold, counts)
    for place, times in enumerate(counts):
        nodules, false = (np.repeat(np.arange(len(scan)), times[scan])
                          for scan in (judged.nodule_scan, judged.false_scan))  # fmt: skip
        copied = JudgedMarks(
            SCANS, judged.nodule_scan[nodules], judged.nodule_prob[nodules],
            judged.false_scan[false], judged.false_prob[false],
        )  # fmt: skip
        here = point_at(copied, point.threshold)
        np.testing.assert_allclose(drawn.false_per_scan[place], here.false_per_scan)
        np.testing.assert_allclose(drawn.sensitivity[place], here.sensitivity)
        if not len(nodules) and not is_rate:
            assert np.isnan(drawn.threshold[place])
            continue
        anew = point_at(copied, drawn.threshold[place])
        if is_rate:
            assert anew.false_per_scan <= demand.value
        elif drawn.threshold[place] > 0:
            assert anew.sensitivity >= demand.value
        else:
            found = np.isfinite(copied.nodule_prob).mean()
            assert found < demand.value or point_at(copied, 1e-9).sensitivity == found


def test_by_hand() -> None:
    judged = JudgedMarks(
        2, np.array([0, 1, 1]), np.array([0.9, 0.4, -np.inf]), np.array([0, 0, 1]), np.array([0.6, 0.3, 0.2])
    )
    one = operating_point(judged, Demand.parse("1 fp/scan"))
    assert one.threshold == pytest.approx(0.25)
    assert (one.false_per_scan, one.sensitivity) == (1.0, pytest.approx(2 / 3))
    all_kept = operating_point(judged, Demand.parse("8 fp/scan"))
    assert all_kept.threshold == pytest.approx(0.1)
    assert operating_point(judged, Demand.parse("sensitivity 0.3")).threshold == pytest.approx(0.75)
    with pytest.raises(
        SettingsError, match=r"sensitivity 0\.9 cannot be had: all marks together reach 0\.6667"
    ):
        operating_point(judged, Demand.parse("sensitivity 0.9"))
    with pytest.raises(SettingsError, match=r"Ask for at most 0\.6666, or lower --mark-threshold"):
        operating_point(judged, Demand.parse("sensitivity 0.9"))


def test_fewer_false_marks_than_there_can_be() -> None:
    judged = JudgedMarks(2, np.array([0]), np.array([0.5]), np.array([0, 1]), np.array([0.9, 0.9]))
    text = (
        r"0\.5 fp/scan cannot be had: the most probable marks alone are 1 a scan; .* Allow at least 1, or add"
    )
    with pytest.raises(SettingsError, match=text):
        operating_point(judged, Demand.parse("0.5 fp/scan"))
    nothing = JudgedMarks(2, np.array([0]), np.array([-np.inf]), np.zeros(0, int), np.zeros(0))
    with pytest.raises(SettingsError, match="no mark has a score above 0"):
        operating_point(nothing, Demand.parse("1 fp/scan"))
    no_nodule = JudgedMarks(2, np.zeros(0, int), np.zeros(0), np.array([0]), np.array([0.4]))
    with pytest.raises(SettingsError, match="there is no nodule"):
        operating_point(no_nodule, Demand.parse("sensitivity 0.5"))
    no_hit = JudgedMarks(2, np.array([0]), np.array([-np.inf]), np.array([0]), np.array([0.4]))
    with pytest.raises(
        SettingsError, match=r"no mark hits a nodule; .* Check that marks and annotations are"
    ):
        operating_point(no_hit, Demand.parse("sensitivity 0.5"))


def test_neighbours_in_float32_are_told_apart_as_the_analysis_does() -> None:
    high = np.float32(0.9998)
    for _ in range(50):
        low = np.nextafter(high, np.float32(0))
        judged = JudgedMarks(1, np.array([0]), np.array([float(high)]), np.array([0]), np.array([float(low)]))
        threshold = operating_point(judged, Demand(1.0, is_rate=False)).threshold
        # As `analyze_scan` compares: an array of float32 with a Python number.
        assert (np.array([high, low]) > threshold).tolist() == [True, False]
        high = low


def test_intervals_hold_the_value_and_are_the_same_with_the_same_seed() -> None:
    rng = np.random.default_rng(0)
    scan = np.repeat(np.arange(40), 5)
    judged = JudgedMarks(40, scan, rng.beta(5, 2, 200), np.repeat(np.arange(40), 10), rng.beta(2, 5, 400))
    found = bootstrap_operating(judged, Demand.parse("1 fp/scan"), seed=3, draws=300)
    for interval in (found.threshold, found.false_per_scan, found.sensitivity):
        assert interval.low < interval.value < interval.high
        assert interval.draws == 300
    assert found.false_per_scan.value == 1.0
    assert found == bootstrap_operating(judged, Demand.parse("1 fp/scan"), seed=3, draws=300)
    assert found != bootstrap_operating(judged, Demand.parse("1 fp/scan"), seed=4, draws=300)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 fp/scan", "1 fp/scan"),
        (" 0.5FPs per scan", "0.5 fp/scan"),
        ("2 false positives a scan", "2 fp/scan"),
        ("1/8 fp/scan", "0.125 fp/scan"),
        ("2. fp/scan", "2 fp/scan"),
        ("sensitivity 9/10", "sensitivity 0.9"),
        ("sensitivity 0.9", "sensitivity 0.9"),
        ("Sensitivity of .85", "sensitivity 0.85"),
    ],
)
def test_demands_are_read(text: str, shown: str) -> None:
    assert str(Demand.parse(text)) == shown
    assert Demand.parse(shown) == Demand.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "fp/scan", "0 fp/scan", "sensitivity 90", "sensitivity 0", "0.9"),
        *("1/0 fp/scan", "1/8/2 fp/scan", "9" * 400 + " fp/scan", "sensitivity 3/2"),
    ],
)
def test_demands_that_make_no_sense(text: str) -> None:
    with pytest.raises(
        SettingsError, match=r'the demand is .*; wanted such as "1 fp/scan" or "sensitivity 0\.9"'
    ):
        Demand.parse(text)


def test_one_scan_gives_a_threshold_without_an_interval() -> None:
    judged = JudgedMarks(1, np.array([0, 0]), np.array([0.9, 0.4]), np.array([0]), np.array([0.6]))
    found = bootstrap_operating(judged, Demand(0.5, is_rate=False), seed=0, draws=20)
    assert (found.threshold.value, found.sensitivity.value) == (pytest.approx(0.75), 0.5)
    for one in (found.threshold, found.false_per_scan, found.sensitivity):
        assert (one.draws, np.isnan(one.low), np.isnan(one.high)) == (0, True, True)
