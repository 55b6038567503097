"""A value that exists is valid."""

import dataclasses

import pytest

from lungmonai.errors import DamagedError, LungmonaiError, SettingsError
from lungmonai.nodule import Candidate, Nodule, ScanResult

CANDIDATE = Candidate((1.0, 2.0, 3.0), (3.0, 2.0, 1.0), (3, 2, 1), 5, 0.5, "left lung")
NODULE = Nodule((1.0, 2.0, 3.0), (3.0, 2.0, 1.0), 0.9, None, 100.0, 5.8, 6.0, "right lung", (0,))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_probabilities_are_probabilities(value: float) -> None:
    with pytest.raises(SettingsError, match=r"nodule_prob is .*wanted a probability from 0 to 1"):
        dataclasses.replace(CANDIDATE, nodule_prob=value)
    with pytest.raises(SettingsError, match="malignancy_prob is"):
        dataclasses.replace(NODULE, malignancy_prob=value)


def test_locations_are_known() -> None:
    with pytest.raises(SettingsError, match="location is 'spleen'; wanted left lung or right lung"):
        dataclasses.replace(NODULE, location="spleen")


def test_values_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        NODULE.nodule_prob = 0.1  # type: ignore[misc]


def test_a_result_says_what_it_holds() -> None:
    assert repr(ScanResult("1.2", (CANDIDATE,), ())) == "ScanResult(1.2: 0 nodules of 1 candidates)"


def test_errors_survive_worker_processes() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(DamagedError("a", wanted="b", do="c")))
    assert isinstance(error, DamagedError)
    assert str(error) == "a; wanted b. c"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    from lungmonai import errors

    for name in errors.__all__:
        assert name in errors.__doc__
        assert issubclass(getattr(errors, name), LungmonaiError)
