"""However a check ends, it is one line of the table."""

from collections.abc import Callable

import pytest

from lungmonai.bundle_tools.outcome import Check, FindingError, NotCheckedError, outcome
from lungmonai.errors import SettingsError


def raises(error: Exception) -> Callable[[], str]:
    def work() -> str:
        raise error

    return work


@pytest.mark.parametrize(
    ("work", "check"),
    [
        (lambda: "3 files", Check("x", True, "3 files")),
        (raises(NotCheckedError("no onnx")), Check("x", None, "no onnx")),
        (raises(FindingError("a\nb")), Check("x", False, "a\nb")),
        (raises(SettingsError("a", wanted="b", do="c")), Check("x", False, "a; wanted b. c")),
        (raises(RuntimeError("first\nwall")), Check("x", False, "RuntimeError: first")),
        (raises(ValueError()), Check("x", False, "ValueError: ")),
        (raises(ValueError("w" * 999)), Check("x", False, "ValueError: " + "w" * 288)),
    ],
)
def test_outcomes(work: Callable[[], str], check: Check) -> None:
    assert outcome("x", work) == check


def test_a_stop_is_no_outcome() -> None:
    def stop() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outcome("x", stop)
