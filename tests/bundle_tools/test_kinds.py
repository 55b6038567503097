"""Which values may stand for which, judged against a table of all pairs."""

import pytest

from lungmonai.bundle_tools.kinds import is_open, kind_of, takes

VALUES = {"switch": True, "whole": 3, "number": 0.5, "text": "a", "list": [1], "keys": {"a": 1}}
# Beside itself: what may stand where a value of this kind is.
ALSO = {"number": {"whole"}, "text": {"whole", "number"}}


@pytest.mark.parametrize("wanted", VALUES)
@pytest.mark.parametrize("came", VALUES)
def test_every_pair(wanted: str, came: str) -> None:
    right = came == wanted or came in ALSO.get(wanted, set())
    assert takes(kind_of(VALUES[wanted]), VALUES[came], loose_text=True) == right


def test_a_number_is_no_text_for_a_component() -> None:
    assert not takes(str, 3, loose_text=False)


@pytest.mark.parametrize("value", [None, "$1 + 1", "@other", "%file.json#key"])
def test_values_that_leave_it_open(value: object) -> None:
    assert is_open(value)
    assert all(takes(kind_of(value), other, loose_text=False) for other in VALUES.values())
    assert all(takes(kind_of(other), value, loose_text=False) for other in VALUES.values())


def test_what_the_command_line_makes_of_a_list() -> None:
    assert takes(kind_of([1, 2]), (3, 4), loose_text=True)
