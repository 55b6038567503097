"""LUNA16's evaluation against its published score, and against a slow reading of its rule."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.froc import RATES, Findings, Marks, froc, judge_marks


def random_case(seed: int, scans: int = 4) -> tuple[Marks, Findings, Findings]:
    """Findings that overlap and marks near them, with scores that repeat."""
    rng = np.random.default_rng(seed)

    def places(count):
        return rng.integers(0, scans, count), rng.uniform(0, 30, (count, 3))

    scan, lps = places(int(rng.integers(1, 60)))
    marks = Marks(scan, lps, rng.integers(0, 12, len(scan)) / 12)
    nodules, excluded = (
        Findings(*places(count), rng.choice([-1.0, 4.0, 12.0, 25.0], count))
        for count in (int(rng.integers(1, 10)), int(rng.integers(0, 6)))
    )
    return marks, nodules, excluded


def slow_points(marks: Marks, nodules: Findings, excluded: Findings, scans: int) -> list[tuple[float, float]]:
    """(false marks a scan, sensitivity) at every threshold, mark by mark."""
    best, false = [-1.0] * len(nodules.scan), []
    for scan, place, prob in zip(marks.scan, marks.lps_mm, marks.prob, strict=True):
        counts = True
        for findings in (nodules, excluded):
            for at in range(len(findings.scan)):
                diameter = 10.0 if findings.diameter_mm[at] < 0 else findings.diameter_mm[at]
                distance = np.sqrt(sum((place - findings.lps_mm[at]) ** 2))
                if findings.scan[at] == scan and distance < diameter / 2:
                    counts = False
                    if findings is nodules:
                        best[at] = max(best[at], prob)
        if counts:
            false.append(prob)
    thresholds = sorted({*false, *(prob for prob in best if prob >= 0)}, reverse=True)
    return [(0.0, 0.0)] + [
        (sum(prob >= t for prob in false) / scans, sum(prob >= t for prob in best) / len(best))
        for t in thresholds
    ]


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_curve_is_that_of_the_rule(seed: int) -> None:
    marks, nodules, excluded = random_case(seed)
    curve = froc(judge_marks(marks, nodules, 4, excluded))
    points = slow_points(marks, nodules, excluded, 4)
    np.testing.assert_allclose(np.column_stack([curve.false_per_scan, curve.sensitivity]), points)
    x, y = np.array(points).T
    for rate, sensitivity in zip(RATES, curve.at_rates, strict=True):
        # The grid's nearest point is at most half a step of 7.875 / 10,000 away.
        around = np.interp([rate - 0.0004, rate + 0.0004], x, y)
        assert around[0] <= sensitivity <= around[1]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_scan_drawn_twice_counts_as_two_scans(seed: int) -> None:
    marks, nodules, excluded = random_case(seed)
    drawn = np.random.default_rng(seed).multinomial(4, [0.25] * 4)
    drawn[nodules.scan[0]] += 1  # a draw without nodules has no sensitivity
    weighted = froc(judge_marks(marks, nodules, 4, excluded), drawn)

    def repeated(kind, table, numbers):
        copies = [
            (number, np.flatnonzero(table.scan == scan))
            for number, scan in enumerate(np.repeat(range(4), drawn))
        ]
        scan = np.concatenate([np.full(len(rows), number) for number, rows in copies])
        rows = np.concatenate([rows for _, rows in copies])
        return kind(scan.astype(np.int64), table.lps_mm[rows], numbers[rows])

    copied = judge_marks(
        repeated(Marks, marks, marks.prob),
        repeated(Findings, nodules, nodules.diameter_mm),
        int(drawn.sum()),
        repeated(Findings, excluded, excluded.diameter_mm),
    )
    assert froc(copied).at_rates == pytest.approx(weighted.at_rates)


def test_two_nodules_and_five_marks_by_hand() -> None:
    nodules = Findings(np.array([0, 1]), np.array([[0.0, 0, 0], [50, 0, 0]]), np.array([10.0, 6.0]))
    excluded = Findings(np.array([0]), np.array([[100.0, 0, 0]]), np.array([-1.0]))
    marks = Marks(
        np.array([0, 0, 0, 0, 1]),
        #          hit        hit, worse  at the excluded one  false; exactly at the radius: false
        np.array([[4.9, 0, 0], [1, 0, 0], [104.9, 0, 0], [200, 0, 0], [53, 0, 0]]),
        np.array([0.7, 0.6, 0.9, 0.8, 0.5]),
    )
    judged = judge_marks(marks, nodules, 2, excluded)
    assert judged.nodule_prob.tolist() == [0.7, -np.inf]
    assert judged.false_prob.tolist() == [0.8, 0.5]
    curve = froc(judged)
    assert curve.false_per_scan.tolist() == [0, 0.5, 0.5, 1]
    assert curve.sensitivity.tolist() == [0, 0, 0.5, 0.5]
    assert curve.threshold.tolist() == [np.inf, 0.8, 0.7, 0.5]
    # 1/2 is no point of the grid: the nearest one lies below it, where the curve has not yet risen.
    assert curve.at_rates == pytest.approx((0, 0, 0, 0.5, 0.5, 0.5, 0.5), abs=1e-3)
    assert curve.cpm == pytest.approx(2 / 7, abs=1e-3)


def test_nothing_reported_finds_nothing() -> None:
    nothing = Marks(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    nodules = Findings(np.array([0]), np.zeros((1, 3)), np.array([5.0]))
    assert froc(judge_marks(nothing, nodules, 3)).at_rates == (0,) * 7
    no_nodule = Findings(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    assert np.isnan(froc(judge_marks(nothing, no_nodule, 3)).cpm)


def test_what_does_not_fit_is_refused() -> None:
    one = Findings(np.array([3]), np.zeros((1, 3)), np.array([5.0]))
    nothing = Marks(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    with pytest.raises(SettingsError, match="scans 3 to 3 of 3; wanted numbers from 0 to 2"):
        judge_marks(nothing, one, 3)
    before = Marks(np.array([-1]), np.zeros((1, 3)), np.zeros(1))
    with pytest.raises(SettingsError, match="scans -1 to -1 of 4"):
        judge_marks(before, one, 4)
    with pytest.raises(SettingsError, match="wanted a scan, a position and a finite number for each"):
        Marks(np.zeros(1, np.int64), np.zeros((1, 3)), np.array([np.nan]))


def luna16_table(path: Path, scans: dict[str, int], numbers: str):
    """Scans, positions and one column of a table, of the scans that are listed."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["seriesuid"] in scans]
    scan = np.array([scans[row["seriesuid"]] for row in rows])
    lps = np.array([[float(row[f"coord{axis}"]) for axis in "XYZ"] for row in rows])
    return scan, lps, np.array([float(row[numbers]) for row in rows])


@pytest.mark.shared_data
def test_a_published_submission_gets_its_published_score(shared_data: Path) -> None:
    folder = shared_data / "luna16"
    names = (folder / "seriesuids.csv").read_text().split()
    scans = {name: number for number, name in enumerate(names)}
    judged = judge_marks(
        Marks(*luna16_table(folder / "deeplung_dpn26_submission.csv", scans, "probability")),
        Findings(*luna16_table(folder / "annotations.csv", scans, "diameter_mm")),
        len(scans),
        Findings(*luna16_table(folder / "annotations_excluded.csv", scans, "diameter_mm")),
    )
    assert judged.scans == 888
    assert (int(np.isfinite(judged.nodule_prob).sum()), len(judged.nodule_prob)) == (1136, 1186)
    curve = froc(judged)
    assert curve.cpm == pytest.approx(0.841966, abs=5e-7)
    assert np.round(curve.at_rates, 3).tolist() == [0.692, 0.769, 0.824, 0.865, 0.893, 0.917, 0.933]
