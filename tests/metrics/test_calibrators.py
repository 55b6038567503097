"""Calibrators against their definitions: a grid of temperatures, pooled adjacent violators."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.metrics.calibration import calibration, log_loss
from lungmonai.metrics.calibrators import (
    METHODS,
    Isotonic,
    Temperature,
    calibrator_from_dict,
    cross_fitted,
    fit_calibrator,
)
from lungmonai.metrics.ranking import roc_auc

SAMPLES = st.lists(st.tuples(st.booleans(), st.integers(1, 19)), max_size=40)


def both(samples: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    """The samples with one more of each class on the wrong side, and two on the right one."""
    labels, twentieths = zip(*samples, (True, 7), (False, 12), (True, 18), (False, 2), strict=True)
    return np.array(labels), np.array(twentieths) / 20


def surer(seed: int, times: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities whose log-odds are the right ones times a number."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, count)
    return rng.random(count) < 1 / (1 + np.exp(-odds)), 1 / (1 + np.exp(-times * odds))


@settings(max_examples=60, deadline=None)
@given(samples=SAMPLES)
def test_no_other_temperature_has_a_lower_log_loss(samples: list[tuple[bool, int]]) -> None:
    labels, probs = both(samples)
    try:
        best = fit_calibrator("temperature", labels, probs)
    except SettingsError:  # the labels point the other way
        assert log_loss(labels, Temperature(50.0)(probs)) >= log_loss(labels, np.full(len(probs), 0.5))
        return
    losses = [log_loss(labels, Temperature(t)(probs)) for t in np.geomspace(0.05, 50, 200)]
    assert log_loss(labels, best(probs)) <= min(losses) + 1e-9


@pytest.mark.parametrize("times", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done_to_the_odds(times: float) -> None:
    labels, probs = surer(0, times)
    found = fit_calibrator("temperature", labels, probs)
    assert found.temperature == pytest.approx(times, rel=0.08)
    assert calibration(labels, found(probs)).ece < 0.03


def test_a_temperature_keeps_the_order_of_what_float32_tells_apart() -> None:
    probs = np.unique(np.random.default_rng(0).random(1000).astype(np.float32) ** 8)
    probs = np.concatenate([[1e-30, 1e-12], probs, [np.nextafter(np.float32(1), np.float32(0))]])
    probs = np.unique(probs.astype(np.float64))
    assert (np.diff(Temperature(2.5)(probs)) > 0).all()
    ends = Temperature(2.5)([0.0, 0.5, 1.0])
    assert 0 < ends[0] < ends[1] == 0.5 < ends[2] < 1
    labels = np.random.default_rng(1).random(len(probs)) < 0.4
    assert roc_auc(labels, Temperature(0.3)(probs)) == pytest.approx(roc_auc(labels, probs), abs=2e-3)


def pooled(labels: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """The best rising function at each probability: neighbours that fall are pooled until none does."""
    blocks = [[labels[probs == p].sum(), (probs == p).sum(), [p]] for p in np.unique(probs)]
    while True:
        falls = [i for i in range(len(blocks) - 1)
                 if blocks[i][0] / blocks[i][1] > blocks[i + 1][0] / blocks[i + 1][1]]  # fmt: skip
        if not falls:
            break
        one, other = blocks[falls[0]], blocks.pop(falls[0] + 1)
        one[0], one[1], one[2] = one[0] + other[0], one[1] + other[1], one[2] + other[2]
    level = {p: block[0] / block[1] for block in blocks for p in block[2]}
    return np.array([level[p] for p in probs])


@settings(max_examples=80, deadline=None)
@given(samples=SAMPLES)
def test_isotonic_calibration_pools_adjacent_violators(samples: list[tuple[bool, int]]) -> None:
    labels, probs = both(samples)
    found = fit_calibrator("isotonic", labels, probs)
    np.testing.assert_allclose(found(probs), pooled(labels, probs), atol=1e-12)
    fine = found(np.linspace(0, 1, 500))
    assert (np.diff(fine) >= 0).all()
    assert (fine[0], fine[-1]) == (found.calibrated[0], found.calibrated[-1])
    assert found(probs).mean() == pytest.approx(labels.mean())


def test_isotonic_calibration_takes_any_rising_distortion() -> None:
    rng = np.random.default_rng(3)
    true = rng.random(20_000)
    labels = rng.random(20_000) < true
    assert calibration(labels, true**4).ece > 0.2
    found = fit_calibrator("isotonic", labels[:10_000], true[:10_000] ** 4)
    assert calibration(labels[10_000:], found(true[10_000:] ** 4)).ece < 0.03


@pytest.mark.parametrize("method", sorted(METHODS))
def test_what_is_fitted_survives_json(method: str) -> None:
    labels, probs = surer(1, 2.0, 300)
    found = fit_calibrator(method, labels, probs)
    again = calibrator_from_dict(json.loads(json.dumps({**found.as_dict(), "data": "more"})))
    assert again == found
    np.testing.assert_array_equal(again(probs), found(probs))


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_sample_is_calibrated_by_a_fit_that_did_not_see_its_patient(method: str) -> None:
    labels, probs = surer(2, 2.0, 200)
    patients = np.arange(200) % 20
    crossed = cross_fitted(method, labels, probs, patients, seed=0)
    # Whatever the labels of a patient are, its own probabilities come out the same.
    flipped = np.where(patients == 4, ~labels, labels)
    own = patients == 4
    assert (crossed != probs).any()
    changed = cross_fitted(method, flipped, probs, patients, seed=0)
    np.testing.assert_array_equal(changed[own], crossed[own])
    assert (changed[~own] != crossed[~own]).any()
    np.testing.assert_array_equal(cross_fitted(method, labels, probs, patients, seed=0), crossed)
    assert (cross_fitted(method, labels, probs, patients, seed=1) != crossed).any()


def test_patients_with_a_positive_sample_are_spread_over_the_folds() -> None:
    patients = np.repeat(np.arange(10), 4)
    labels = (patients < 2) & (np.arange(40) % 4 > 0)
    probs = np.random.default_rng(0).random(40)
    for seed in range(20):  # were both in one fold, no positive would be left to fit
        cross_fitted("isotonic", labels, probs, patients, seed=seed)


def test_one_class_is_refused() -> None:
    for method in METHODS:
        with pytest.raises(
            SettingsError, match="3 of 3 samples are positive; wanted samples of both classes"
        ):
            fit_calibrator(method, [1, 1, 1], [0.2, 0.3, 0.4])


@pytest.mark.parametrize(
    ("labels", "probs", "text"),
    [
        ([0, 1, 0, 1], [0.9, 0.1, 0.4, 0.45], "the probabilities point away from the labels"),
        ([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.7], "every sample is on the right side of 0.5"),
    ],
)
def test_where_no_temperature_is_best(labels: list[int], probs: list[float], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        fit_calibrator("temperature", labels, probs)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"method": "platt"}, "a calibration of method 'platt'; wanted one of temperature or isotonic"),
        ({"method": "temperature"}, "a calibration without sound numbers .KeyError"),
        ({"method": "temperature", "temperature": 0}, "temperature is 0.0; wanted a number above 0"),
        ({"method": "temperature", "temperature": "warm"}, "a calibration without sound numbers"),
        (
            {"method": "isotonic", "given": [0.2, 0.2], "calibrated": [0, 1]},
            "2 probabilities and 2 calibrated",
        ),
        ({"method": "isotonic", "given": [0.2, 0.4], "calibrated": [1, 0]}, "the second not falling"),
        ({"method": "isotonic", "given": [0.2], "calibrated": []}, "1 probabilities and 0 calibrated"),
        ({"method": "isotonic", "given": [], "calibrated": []}, "wanted as many of both"),
        ({"method": "isotonic", "given": [0.2, 1.4], "calibrated": [0, 1]}, "from 0 to 1"),
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(content: dict[str, object], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        calibrator_from_dict(content)


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(SettingsError, match="method 'platt'; wanted temperature or isotonic"):
        fit_calibrator("platt", [0, 1], [0.1, 0.9])
    with pytest.raises(
        SettingsError, match="1 groups for 2 samples, 5 folds and seed 0; wanted a group for each"
    ):
        cross_fitted("isotonic", [0, 1], [0.1, 0.9], ["a", "a"], seed=0)
    assert Isotonic((0.5,), (0.3,))([0.1, 0.9]).tolist() == [0.3, 0.3]
