"""One thing, several things."""

import pytest

from lungmonai.words import many


@pytest.mark.parametrize("text", ["0 scans", "1 scan", "2 scans", "1,234 scans"])
def test_a_count_has_its_plural(text: str) -> None:
    count = int(text.split()[0].replace(",", ""))
    assert many(count, "scan") == text
