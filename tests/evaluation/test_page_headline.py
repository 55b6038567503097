import numpy as np
import pytest
from evaluation_maker import make_evaluation

from lungmonai.evaluation.page_headline import headlines


def _by_name(evaluation):
    return {one.name: one for one in headlines(evaluation)}


def test_the_interval_is_that_of_a_mean_over_scans() -> None:
    evaluation = make_evaluation(900, seed=2)
    low, high = map(float, _by_name(evaluation)["False positives a scan"].interval.split(" to "))
    counts = np.array([scan["false_positives"] for scan in evaluation["scans"]])
    half = 1.96 * counts.std(ddof=1) / len(counts) ** 0.5  # the central limit theorem
    assert (low + high) / 2 == pytest.approx(counts.mean(), abs=0.02)
    assert (high - low) / 2 == pytest.approx(half, abs=0.02)


def test_without_a_malignancy_network_there_is_no_such_tile() -> None:
    assert "AUC of malignancy" not in _by_name({**make_evaluation(2), "malignancy": None})


def test_without_a_bootstrap_nothing_has_an_interval() -> None:
    tiles = _by_name({**make_evaluation(20, bootstrap=False), "malignancy": None})
    assert all(tile.interval == "" for tile in tiles.values())
    assert tiles["Nodules found"].value.endswith("%")


def test_one_scan_has_numbers_and_no_intervals() -> None:
    evaluation = {**make_evaluation(1, bootstrap=False), "malignancy": None}
    tiles = _by_name(evaluation)
    assert all(tile.interval == "" for tile in tiles.values())
    count = evaluation["scans"][0]["false_positives"]
    assert tiles["False positives a scan"].value == f"{count:.2f}"
    assert tiles["False positives a scan"].detail == f"{count} in 1 scan"


def test_failed_scans_do_not_count() -> None:
    evaluation = make_evaluation(5, failed=2)
    whole = sum(scan["nodules"] for scan in evaluation["scans"][:3])
    evaluation["scans"][4].update(nodules=7, found=7)
    assert _by_name(evaluation)["Nodules found"].detail.endswith(f"of {whole}")
    assert _by_name(evaluation)["Scans"].value == "3"


def test_rates_without_one_give_no_such_tile() -> None:
    evaluation = make_evaluation(2)
    evaluation["froc"].update(rates=[0.5], sensitivity=[0.3], sensitivity_interval=None)
    assert "Sensitivity at 1 a scan" not in _by_name(evaluation)
