import numpy as np

from lungmonai.export.context import _spread, _wrapped


def test_many_nodules_in_one_place_are_all_marked_apart():
    placed = _spread(np.full(30, 200.0), 11.0, 5.0, 400.0)
    assert min(np.diff(placed)) >= 11
    assert min(placed) >= 5
    assert max(placed) <= 400
    assert _spread(np.array([20.0, 100.0]), 11.0, 5.0, 400.0) == [20.0, 100.0]


def test_notes_that_do_not_fit_end_with_a_mark():
    notes = ("one two three " * 10, "four")
    assert _wrapped(notes, 2)[1:] == ["…"]
    assert _wrapped(("short",), 2) == ["short"]
