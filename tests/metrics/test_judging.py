"""What each mark is, against LUNA16's rule read mark by mark."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.froc import RATES, froc
from lungmonai.metrics.judging import Findings, Marks, judge_each, judge_marks


@dataclass
class Counts:
    true: int = 0
    missed: int = 0
    ignored: int = 0
    duplicates: int = 0


def by_hand(marks: Marks, nodules: Findings, excluded: Findings, scans: list[int]):
    """The rule in plain words: nodules' best scores, false scores, counts; a scan may come twice."""
    best, false, counts = [], [], Counts()
    for scan in scans:
        left = {place for place in range(len(marks.scan)) if marks.scan[place] == scan}
        own = sorted(left)
        for findings in (nodules, excluded):
            for at in np.flatnonzero(findings.scan == scan):
                diameter = findings.diameter_mm[at] if findings.diameter_mm[at] >= 0 else 10.0
                away = [((marks.lps_mm[place] - findings.lps_mm[at]) ** 2).sum() for place in own]
                hit = {place for place, square in zip(own, away, strict=True) if square < (diameter / 2) ** 2}
                if findings is nodules:
                    best.append(max((float(marks.prob[place]) for place in hit), default=None))
                    counts.true += bool(hit)
                    counts.missed += not hit
                    counts.duplicates += max(0, len(hit) - 1)
                else:
                    counts.ignored += len(hit & left)
                left -= hit
        false += [float(marks.prob[place]) for place in sorted(left)]
    return best, false, counts


def sensitivities(best: list, false: list[float], scans: int) -> list[float]:
    """Read at the seven rates from the interpolated curve, as the script does."""
    thresholds = sorted({score for score in (*best, *false) if score is not None}, reverse=True)
    x = [0.0] + [sum(score >= t for score in false) / scans for t in thresholds]
    y = [0.0] + [sum(score is not None and score >= t for score in best) / len(best) for t in thresholds]
    grid = np.linspace(0.125, 8, 10_001)
    curve = np.interp(grid, x, y)
    return [float(curve[np.argmin(np.abs(grid - rate))]) for rate in (0.125, 0.25, 0.5, 1, 2, 4, 8)]


def places(draw, count: int):
    """Positions on a coarse lattice, so that distances equal radii and findings overlap."""
    scan = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    lps = draw(st.lists(st.tuples(*[st.integers(-4, 4)] * 3), min_size=count, max_size=count))
    return np.array(scan, np.int64), np.array(lps, float).reshape(count, 3) * 2.5


@st.composite
def cases(draw):
    """Marks, nodules and excluded findings in some of five scans; the fifth is always empty."""
    scan, lps = places(draw, draw(st.integers(0, 25)))
    # Few scores, so that many are equal.
    prob = draw(st.lists(st.integers(0, 6), min_size=len(scan), max_size=len(scan)))
    marks = Marks(scan, lps, np.array(prob, float) / 6)
    found = []
    for fewest in (1, 0):
        scan, lps = places(draw, draw(st.integers(fewest, 6)))
        sizes = st.sampled_from([-1.0, 5.0, 10.0, 25.0])
        sizes_mm = draw(st.lists(sizes, min_size=len(scan), max_size=len(scan)))
        found.append(Findings(scan, lps, np.array(sizes_mm, float)))
    return marks, *found


@settings(max_examples=150, deadline=None)
@given(case=cases())
def test_every_mark_is_what_the_rule_makes_of_it(case) -> None:
    marks, nodules, excluded = case
    verdicts = judge_each(marks, nodules, 5, excluded)
    best, false, counts = by_hand(marks, nodules, excluded, list(range(5)))
    by_scan = np.argsort(nodules.scan, kind="stable")
    prob = verdicts.judged.nodule_prob[by_scan].tolist()
    assert prob == [-np.inf if score is None else score for score in best]
    assert sorted(verdicts.judged.false_prob) == sorted(false)
    assert verdicts.ignored == counts.ignored
    assert verdicts.duplicates == counts.duplicates
    assert (int(verdicts.found.sum()), int((~verdicts.found).sum())) == (counts.true, counts.missed)
    assert froc(verdicts.judged).at_rates == pytest.approx(sensitivities(best, false, 5), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(case=cases(), drawn=st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_drawn_scans_count_as_often_as_they_are_drawn(case, drawn: list[int]) -> None:
    marks, nodules, excluded = case
    drawn[0] = int(nodules.scan[0])  # a draw without nodules has no sensitivity
    best, false, _ = by_hand(marks, nodules, excluded, drawn)
    curve = froc(judge_marks(marks, nodules, 5, excluded), np.bincount(drawn, minlength=5))
    assert curve.at_rates == pytest.approx(sensitivities(best, false, 5), abs=1e-12)
    assert len(curve.at_rates) == len(RATES)


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_positions_name_the_marks(case) -> None:
    marks, nodules, excluded = case
    verdicts = judge_each(marks, nodules, 5, excluded)
    judged = verdicts.judged
    assert marks.prob[verdicts.false_mark].tolist() == judged.false_prob.tolist()
    assert marks.scan[verdicts.false_mark].tolist() == judged.false_scan.tolist()
    for at in np.flatnonzero(verdicts.found):
        assert marks.prob[verdicts.nodule_mark[at]] == judged.nodule_prob[at]
        assert marks.scan[verdicts.nodule_mark[at]] == nodules.scan[at]


def test_what_is_no_number_is_refused() -> None:
    scan, there = np.array([0]), np.zeros((1, 3))
    text = "1 scans, positions of shape .* 1 of all these not finite; wanted a scan, a position and a finite"
    for lps_mm, number in ((np.array([[0, 0, np.nan]]), 1.0), (there, np.inf)):
        for kind in (Marks, Findings):
            with pytest.raises(SettingsError, match=text):
                kind(scan, lps_mm, np.array([number]))


def test_a_mark_on_a_nodule_and_an_excluded_finding_counts_for_the_nodule() -> None:
    there = np.zeros((1, 3))
    nodule, left = (Findings(np.array([0]), there, np.array([5.0])) for _ in range(2))
    verdicts = judge_each(Marks(np.array([0]), there, np.array([0.3])), nodule, 1, left)
    assert (verdicts.judged.nodule_prob.tolist(), verdicts.ignored) == ([0.3], 0)


def test_some_of_the_nodules_keep_all_false_marks() -> None:
    nodules = Findings(np.array([0, 1]), np.zeros((2, 3)), np.array([5.0, 5.0]))
    marks = Marks(
        np.array([0, 1, 1]), np.array([[0.0, 0, 0], [0, 0, 0], [50, 0, 0]]), np.array([0.9, 0.8, 0.7])
    )
    some = judge_marks(marks, nodules, 2).of_nodules(np.array([False, True]))
    assert (some.nodule_prob.tolist(), some.false_prob.tolist(), some.scans) == ([0.8], [0.7], 2)
