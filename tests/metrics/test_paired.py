"""Paired differences and the permutation p-value."""

import numpy as np
import pytest

from lungmonai.metrics.intervals import percentile_interval
from lungmonai.metrics.paired import paired, permutation_p_value


def test_the_p_value_counts_what_is_as_large_on_either_side() -> None:
    assert permutation_p_value(-0.3, [0.1, 0.3, -0.3, -0.5, 0.29]) == pytest.approx((1 + 3) / 6)
    assert permutation_p_value(0.1 + 0.2, [0.3]) == 1  # equal but for rounding
    assert permutation_p_value(9.0, np.zeros(999)) == pytest.approx(0.001)
    assert permutation_p_value(0.0, [0.1, np.nan]) == 1
    assert np.isnan(permutation_p_value(np.nan, [0.1]))


def test_the_difference_is_that_of_the_same_draws() -> None:
    drawn = np.random.default_rng(0).normal(size=500)
    found = paired((1.0, 0.7), (drawn, drawn - 0.3))
    assert (found.difference.low, found.difference.high) == pytest.approx((0.3, 0.3))
    assert found.first == percentile_interval(1.0, drawn)
    assert np.isnan(found.p_value)
    assert found.as_dict()["p_value"] is None
    assert found.as_dict()["difference"]["value"] == pytest.approx(0.3)
