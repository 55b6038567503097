"""One thing, several things."""

import pytest

from lungmonai.words import many, only_one


@pytest.mark.parametrize("text", ["0 scans", "1 scan", "2 scans", "1,234 scans"])
def test_a_count_has_its_plural(text: str) -> None:
    count = int(text.split()[0].replace(",", ""))
    assert many(count, "scan") == text


def test_why_there_are_no_intervals() -> None:
    assert only_one("patient").startswith("one patient only: ")
    assert "other patients cannot be told" in only_one("patient")
