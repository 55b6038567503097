"""What a threshold makes of scores, against counting."""

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.metrics.confusion import SHARES, confused, shares


def test_shares_are_those_of_the_definitions() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.random(60) < 0.3, rng.random(60).round(1)
    said = scores > 0.4
    counts = confused(labels, scores, 0.4).sum(axis=0)
    assert counts.sum() == 60
    found = dict(zip(SHARES, shares(counts), strict=True))
    precision, recall = (labels & said).sum() / said.sum(), (labels & said).sum() / labels.sum()
    assert found["sensitivity"] == pytest.approx(recall)
    assert found["specificity"] == pytest.approx((~labels & ~said).sum() / (~labels).sum())
    assert found["precision"] == pytest.approx(precision)
    assert found["accuracy"] == pytest.approx((labels == said).mean())
    assert found["f1"] == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_share_of_nothing_is_no_number() -> None:
    assert np.isnan(shares([0, 0, 0, 4])[[0, 2, 4]]).all()
    assert shares(np.zeros((2, 3, 4))).shape == (2, 3, 5)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SettingsError, match="one label and one finite score"):
        confused([1, 0], [0.5])
