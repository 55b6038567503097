"""Bootstrap intervals: what is drawn, and that they hold the truth as often as they say."""

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.metrics.intervals import Interval, bootstrap, bootstrap_mean, draw_counts, percentile_interval


def test_whole_groups_are_drawn_as_many_as_there_are() -> None:
    groups = np.array(["b", "a", "b", "c", "a", "b"])
    drawn = []

    def note(rows):
        drawn.append(np.sort(rows))
        return [0.0]

    bootstrap(note, groups, seed=3, draws=200)
    assert drawn[0].tolist() == [0, 1, 2, 3, 4, 5]  # the value itself
    totals = dict.fromkeys("abc", 0)
    for rows in drawn[1:]:
        times = np.bincount(rows, minlength=6)
        of_group = {name: set(times[groups == name]) for name in "abc"}
        assert all(len(counts) == 1 for counts in of_group.values())
        for name, (count,) in of_group.items():
            totals[name] += count
        assert sum(count for (count,) in of_group.values()) == 3
    assert all(140 < total < 260 for total in totals.values())


def test_the_seed_decides() -> None:
    values = np.random.default_rng(0).normal(size=30)
    one, again, other = (
        bootstrap(lambda rows: [values[rows].mean()], range(30), seed=seed, draws=50) for seed in (1, 1, 2)
    )
    assert one == again != other


def test_the_interval_of_a_mean_covers_it() -> None:
    """About 95 of 100 intervals of a mean of 60 hold the true mean; by theory 93 for percentiles."""
    rng = np.random.default_rng(5)
    held = 0
    for case in range(200):
        values = rng.normal(2.0, 3.0, 60)
        (interval,) = bootstrap(lambda rows, v=values: [v[rows].mean()], range(60), seed=case, draws=200)
        assert interval.value == pytest.approx(values.mean())
        held += interval.low <= 2.0 <= interval.high
        assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(60), rel=0.35)
    assert 176 <= held <= 199


def test_numbers_of_one_statistic_are_paired() -> None:
    """Two scores that differ by a constant: each is uncertain, their difference is not."""
    values = np.random.default_rng(0).normal(size=40)
    first, second, difference = bootstrap(
        lambda rows: [values[rows].mean(), values[rows].mean() + 0.1, 0.1], range(40), seed=0
    )
    assert first.high - first.low > 0.3
    assert second.low == pytest.approx(first.low + 0.1)
    assert difference.low == difference.high == pytest.approx(0.1)


def test_draws_without_a_number_are_left_out() -> None:
    labels = np.array([1, 0, 0, 0])

    def share(rows):
        return [1.0 if labels[rows].any() else np.nan]

    (interval,) = bootstrap(share, range(4), seed=0, draws=400)
    assert interval.draws == pytest.approx(400 * (1 - 0.75**4), abs=40)
    assert (interval.low, interval.high) == (1.0, 1.0)
    assert str(interval) == "1.000 (1.000 to 1.000)"
    (never,) = bootstrap(lambda rows: [np.nan], range(4), seed=0, draws=5)
    assert never.draws == 0
    assert np.isnan(never.low)


def test_percentiles_of_draws() -> None:
    found = percentile_interval(5.0, [*range(101), np.nan, np.inf], level=0.9)
    assert (found.value, found.low, found.high) == pytest.approx((5, 5, 95))
    assert (found.level, found.draws) == (0.9, 101)
    exact = Interval(0.5, 0.25, 1.0, 0.9, 7)
    assert exact.as_dict() == {"value": 0.5, "low": 0.25, "high": 1.0, "level": 0.9, "draws": 7}
    never = percentile_interval(np.nan, [np.nan]).as_dict()
    assert (never["value"], never["low"], never["draws"]) == (None, None, 0)


@pytest.mark.parametrize(
    ("level", "count", "ends"), [(0.9, 100, (5, 95)), (0.9, 20, (1, 19)), (0.8, 7, (0, 6)), (0.95, 1, (0, 0))]
)
def test_the_ends_are_draws_of_the_stated_numbers(level: float, count: int, ends: tuple[int, int]) -> None:
    """⌊n·(1 − level)/2⌋ and ⌊n·(1 + level)/2⌋, though 0.05 and its like have no exact binary form."""
    found = percentile_interval(0.0, np.random.default_rng(0).permutation(count), level)
    assert (found.low, found.high) == ends


def test_a_mean_is_drawn_as_the_slow_way_draws_it() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.random(50), rng.choice(["b", "a", "d", "c"], 50)
    (slow,) = bootstrap(lambda rows: [values[rows].mean()], groups, seed=3, draws=200)
    fast = bootstrap_mean(values, groups, seed=3, draws=200)
    assert (fast.value, fast.low, fast.high) == pytest.approx((slow.value, slow.low, slow.high))
    assert (fast.level, fast.draws) == (0.95, 200)
    with pytest.raises(SettingsError, match="0 draws of 4 groups with seed 0; wanted at least one draw"):
        bootstrap_mean(values, groups, seed=0, draws=0)
    with pytest.raises(SettingsError, match="5 draws of 0 patients with seed 0"):
        draw_counts(0, 5, 0, of="patients")


@pytest.mark.parametrize(
    ("draws", "level", "size", "seed"),
    [(0, 0.95, 3, 0), (9, 1.0, 3, 0), (9, 0.95, 0, 0), (9, 0.95, 3, -1)],
)
def test_what_makes_no_sense_is_refused(draws: int, level: float, size: int, seed: int) -> None:
    with pytest.raises(SettingsError, match="wanted at least one draw and one sample"):
        bootstrap(lambda rows: [0.0], range(size), seed=seed, draws=draws, level=level)


def test_a_single_group_gives_no_interval() -> None:
    """Every draw would be the group itself, and width 0 would say that nothing varies."""
    whole = bootstrap(lambda rows: [float(len(rows))], ["a"] * 4, seed=0, draws=50)[0]
    mean = bootstrap_mean([1.0, 3.0], ["a", "a"], seed=0, draws=50)
    for one, value in ((whole, 4.0), (mean, 2.0)):
        assert (one.value, one.draws) == (value, 0)
        assert np.isnan([one.low, one.high]).all()
        assert one.as_dict() == {"value": value, "low": None, "high": None, "level": 0.95, "draws": 0}
    assert draw_counts(1, 50, seed=0).shape == (0, 1)
    with pytest.raises(SettingsError, match="0 draws of 1 scans"):
        draw_counts(1, 0, seed=0)


def test_an_interval_is_written_in_one_format() -> None:
    one = Interval(0.84196, 0.8115, 0.8679, 0.95, 1000)
    assert str(one) == f"{one}" == "0.842 (0.811 to 0.868)"
    assert f"{one:.1f}" == "0.8 (0.8 to 0.9)"
    assert f"{one:+.4f}" == "+0.8420 (+0.8115 to +0.8679)"
    assert f"{percentile_interval(0.84196, []):.2f}" == "0.84"
