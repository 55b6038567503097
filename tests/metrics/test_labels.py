"""Labels that are none are refused by everything that takes labels."""

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.metrics.calibration import calibration
from lungmonai.metrics.folds import deal_folds
from lungmonai.metrics.labels import checked_labels
from lungmonai.metrics.logistic import fit_logistic
from lungmonai.metrics.ranking import roc_auc


def test_both_ways_to_write_a_label() -> None:
    for labels in ([1, 0], [1.0, 0.0], [True, False], np.array([1, 0], np.uint8)):
        assert checked_labels(labels).tolist() == [True, False]
    assert checked_labels([]).shape == (0,)


@pytest.mark.parametrize("labels", [[0, 2], [0, -1], [0, np.nan], [0, 0.5], ["0", "1"]])
@pytest.mark.parametrize(
    "asked",
    [
        lambda labels: roc_auc(labels, [0.1, 0.2]),
        lambda labels: calibration(labels, [0.1, 0.2]),
        lambda labels: fit_logistic([[0.1], [0.2]], labels),
        lambda labels: deal_folds(labels, ["a", "b"], seed=0),
    ],
    ids=["auc", "calibration", "logistic", "folds"],
)
def test_other_labels_are_refused(labels, asked) -> None:
    with pytest.raises(SettingsError, match="a label is neither 0 nor 1; wanted 0 or 1"):
        asked(labels)


def test_labels_are_one_row() -> None:
    with pytest.raises(SettingsError, match=r"labels of shape \(2, 1\); wanted one for each sample"):
        checked_labels([[0], [1]])
