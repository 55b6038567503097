"""JSON that two runs can be compared by."""

import math
from pathlib import Path

import pytest

from lungmonai.errors import OutputError
from lungmonai.json_file import finite_or_none, without_nan, write_json


def test_content_is_written_as_it_stands(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"b": 1, "a": [None, "−"]})
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert text == '{\n "b": 1,\n "a": [\n  null,\n  "−"\n ]\n}\n'


def test_what_is_no_json_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())
    with pytest.raises(OutputError, match="could not be written"):
        write_json(tmp_path / "no folder" / "x.json", {})


def test_what_json_cannot_say_becomes_null_at_any_depth() -> None:
    nan, huge = float("nan"), float("-inf")
    content = {"a": nan, "b": [1, {"c": (huge, 0.5)}], "d": "nan", "e": None, "f": True}
    assert without_nan(content) == {"a": None, "b": [1, {"c": [None, 0.5]}], "d": "nan", "e": None, "f": True}


@pytest.mark.parametrize(("value", "kept"), [(0.5, 0.5), (math.nan, None), (-math.inf, None), (3, 3)])
def test_one_number(value: float, kept: float | None) -> None:
    assert finite_or_none(value) == kept
