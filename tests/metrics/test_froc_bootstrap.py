"""The bootstrap of the FROC, against one curve after the other."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.froc import RATES, JudgedMarks, froc, sensitivity_at
from lungmonai.metrics.froc_bootstrap import bootstrap_froc, froc_draws
from lungmonai.metrics.intervals import draw_counts, percentile_interval


def random_judged(seed: int, scans: int = 6, false: int = 120) -> JudgedMarks:
    """Scores with many ties; some nodules are never hit, some scans are empty."""
    rng = np.random.default_rng(seed)
    nodules = int(rng.integers(0, 12))
    prob = np.where(rng.random(nodules) < 0.3, -np.inf, rng.integers(0, 20, nodules) / 20)
    many = int(rng.integers(0, false))
    return JudgedMarks(
        scans,
        rng.integers(0, scans - 1, nodules),
        prob,
        rng.integers(0, scans - 1, many),
        rng.integers(0, 20, many) / 20,
    )


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_each_draw_is_that_of_a_curve_of_its_own(seed: int) -> None:
    judged = random_judged(seed)
    counts = draw_counts(judged.scans, 8, seed)
    rates = (*RATES, 0.01, 0.3, 3.0, 50.0)
    read = froc_draws(judged, counts, rates)
    for row, drawn in zip(read, counts, strict=True):
        curve = froc(judged, drawn)
        np.testing.assert_array_equal(row[: len(RATES)], curve.at_rates)
        np.testing.assert_array_equal(row, sensitivity_at(curve, rates))


def test_weights_need_not_add_up_to_the_scans() -> None:
    judged = random_judged(1)
    counts = np.array([[1, 0, 0, 1, 0, 1], [3, 3, 3, 3, 3, 3]])
    once = [froc(judged, counts[0]).at_rates, froc(judged).at_rates]
    np.testing.assert_array_equal(froc_draws(judged, counts), once)


def test_a_draw_without_nodules_has_no_sensitivity() -> None:
    judged = JudgedMarks(2, np.array([0]), np.array([0.9]), np.array([1]), np.array([0.5]))
    read = froc_draws(judged, np.array([[0, 2], [2, 0]]))
    assert np.isnan(read[0]).all()
    assert (read[1] == 1).all()


def test_as_many_scans_are_drawn_as_there_are_and_each_as_often() -> None:
    counts = draw_counts(50, 2000, seed=3)
    assert (counts.sum(axis=1) == 50).all()
    # Each count is binomial with mean 1 and variance 0.98; five standard errors of 2,000 draws.
    assert np.abs(counts.mean(axis=0) - 1).max() < 5 * math.sqrt(0.98 / 2000)
    assert counts.var() == pytest.approx(0.98, rel=0.02)
    np.testing.assert_array_equal(counts[:100], draw_counts(50, 100, seed=3))
    assert (counts[0] != draw_counts(50, 1, seed=4)[0]).any()


def test_the_interval_has_the_ends_that_the_script_takes() -> None:
    drawn = np.random.default_rng(0).permutation(1000) / 1000
    vec, below = np.sort(drawn), (1.0 - 0.95) / 2.0
    one = percentile_interval(0.5, drawn)
    assert one.low == vec[math.floor(below * len(vec))]
    assert one.high == vec[math.floor((1.0 - below) * len(vec))]
    assert (one.value, one.level, one.draws) == (0.5, 0.95, 1000)


def test_draws_without_a_number_are_left_out() -> None:
    one = percentile_interval(0.5, [math.nan, 0.25, math.nan])
    assert (one.low, one.high, one.draws) == (0.25, 0.25, 1)
    none = percentile_interval(math.nan, [math.nan])
    assert math.isnan(none.low)
    assert none.draws == 0


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    judged = random_judged(7)
    first, again, other = (bootstrap_froc(judged, seed=seed, draws=50) for seed in (1, 1, 2))
    assert (first.cpm, first.sensitivity) == (again.cpm, again.sensitivity)
    assert (first.at_rates != other.at_rates).any()


def test_a_cpm_is_drawn_as_a_whole() -> None:
    judged = random_judged(7)
    drawn = bootstrap_froc(judged, seed=0, draws=200, more_rates=(3.0, 1.0))
    of_draws = [froc(judged, counts).cpm for counts in drawn.counts]
    assert drawn.cpm == percentile_interval(froc(judged).cpm, of_draws)
    assert drawn.sensitivity_at_more[1] == drawn.sensitivity[RATES.index(1.0)]
    assert bootstrap_froc(judged, seed=0, draws=5).sensitivity_at_more == ()


def test_more_scans_make_intervals_narrower() -> None:
    rng = np.random.default_rng(0)

    def width(scans: int) -> float:
        prob = np.where(rng.random(scans) < 0.7, 0.9, -np.inf)
        judged = JudgedMarks(scans, np.arange(scans), prob, np.arange(scans), np.full(scans, 0.1))
        one = bootstrap_froc(judged, seed=0).sensitivity[3]
        return one.high - one.low

    # Of a share p of n nodules in n scans: 2 · 1.96 · √(p(1 − p) / n).
    assert width(100) == pytest.approx(2 * 1.96 * math.sqrt(0.21 / 100), rel=0.15)
    assert width(1600) == pytest.approx(2 * 1.96 * math.sqrt(0.21 / 1600), rel=0.15)


@pytest.mark.parametrize(
    ("scans", "draws", "seed"), [(0, 5, 0), (5, 0, 0), (5, 5, -1)], ids=["scans", "draws", "seed"]
)
def test_what_cannot_be_drawn_is_refused(scans: int, draws: int, seed: int) -> None:
    with pytest.raises(
        SettingsError, match=f"{draws} draws of {scans} scans with seed {seed}; wanted at least"
    ):
        draw_counts(scans, draws, seed)


@pytest.mark.parametrize(
    "counts",
    [np.ones((2, 5), int), np.ones(6, int), np.ones((2, 6)), np.zeros((1, 6), int), -np.ones((1, 6), int)],
    ids=["scans", "one row", "floats", "empty", "negative"],
)
def test_counts_that_do_not_fit_are_refused(counts) -> None:
    with pytest.raises(
        SettingsError, match="wanted whole numbers from 0, one for each of 6 scans in each draw"
    ):
        froc_draws(random_judged(0), counts)


def test_a_level_is_a_share() -> None:
    with pytest.raises(SettingsError, match="the level is 95; wanted a share between 0 and 1"):
        bootstrap_froc(random_judged(0), seed=0, draws=5, level=95)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_is_above_0(rate: float) -> None:
    with pytest.raises(SettingsError, match="wanted numbers of false positives a scan, all above 0"):
        bootstrap_froc(random_judged(0), seed=0, draws=5, more_rates=(rate,))


@pytest.mark.shared_data
def test_a_published_submission_is_drawn_as_one_curve_after_the_other(shared_data: Path) -> None:
    from lungmonai.evaluation.froc_report import evaluate_froc
    from lungmonai.evaluation.submission import read_submission
    from lungmonai.evaluation.truth import read_truth

    folder = shared_data / "luna16"
    truth = read_truth(
        folder / "annotations.csv",
        excluded=folder / "annotations_excluded.csv",
        scans=folder / "seriesuids.csv",
    )
    submission = read_submission(folder / "deeplung_dpn26_submission.csv")
    report = evaluate_froc(submission, truth, bootstrap=20)
    assert report.drawn is not None
    for row, counts in zip(report.drawn.at_rates, report.drawn.counts, strict=True):
        assert tuple(row) == froc(report.verdicts.judged, counts).at_rates
