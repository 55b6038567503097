"""Positions in a table's rows."""

from pathlib import Path

import pytest

from lungmonai.data.csv_points import lps_point
from lungmonai.errors import DataError

TABLE = Path("t.csv")


def test_a_position_is_read_by_its_columns() -> None:
    row = {"z": "3", "class": "1", "x": "-1.5", "y": "2e1"}
    assert lps_point(TABLE, row, ("x", "y", "z")) == (-1.5, 20.0, 3.0)


@pytest.mark.parametrize("value", ["two", "", "nan", "inf"])
def test_what_is_no_position_is_refused(value: str) -> None:
    with pytest.raises(DataError, match=f"t.csv has a row at 1, {value}, 3; wanted three numbers, LPS mm"):
        lps_point(TABLE, {"x": "1", "y": value, "z": "3"}, ("x", "y", "z"))
