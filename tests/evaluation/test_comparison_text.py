"""What a person reads of two systems."""

from dataclasses import replace
from pathlib import Path

import pytest
from compared_systems import compared
from froc_tables import written

from lungmonai.evaluation.comparison_text import comparison_text, p_text, signed
from lungmonai.metrics.intervals import Interval


def test_what_a_person_reads(tmp_path: Path) -> None:
    found = compared(tmp_path, [("b", 90, 0, 0, 0.3), ("z", 0, 0, 0, 0.3)])
    text = comparison_text(found)
    assert text.startswith("A marks.csv\nB b.csv\n3 nodules in 4 scans, named by the list\n")
    assert "at 1/8 a scan 0.333" in text
    assert "In brackets the 95% interval of 50 draws of the scans, the same for A and B." in text
    assert "p: 20 permutations" in text
    assert "holds 0: these scans do not tell which one is ahead." in text
    assert text.count("Note: not counted: 1 mark of b.csv") == 1
    assert "Note: NO LIST" not in text
    assert "No test was made." in comparison_text(compared(tmp_path, [("b", 90, 0, 0, 0.3)], permutations=0))
    assert signed(Interval(0.0251, -0.0112, 0.03, 0.95, 9)) == "+0.025 (-0.011 to +0.030)"


def test_without_a_list_it_says_which_scans_count(tmp_path: Path) -> None:
    same = [("a", 0, 0, 0, 0.3), ("b", 90, 0, 0, 0.3), ("c", 90, 0, 0, 0.3)]
    text = comparison_text(compared(tmp_path, same, listed=False))
    assert "3 nodules in 3 scans, those with a nodule or a mark" in text
    assert text.count("Note: NO LIST OF SCANS was given") == 1


@pytest.mark.parametrize(("low", "high", "ahead"), [(0.1, 0.2, "A"), (-0.2, -0.1, "B")])
def test_it_says_who_is_ahead(tmp_path: Path, low: float, high: float, ahead: str) -> None:
    found = compared(tmp_path, [("b", 90, 0, 0, 0.3)])
    difference = Interval((low + high) / 2, low, high, 0.95, 50)
    cpm = replace(found.paired.cpm, difference=difference)
    text = comparison_text(replace(found, paired=replace(found.paired, cpm=cpm)))
    assert f"leaves 0 out: {ahead} is ahead." in text


def test_small_p_values_are_not_written_out() -> None:
    assert [p_text(value) for value in (0.5, 0.001, 0.0009, float("nan"))] == [
        "0.500",
        "0.001",
        "<0.001",
        "–",
    ]


def test_one_scan_tells_the_numbers_and_no_more(tmp_path: Path) -> None:
    scans = written(tmp_path / "one.csv", "seriesuid", [("b",)])
    found = compared(tmp_path, [("b", 90, 0, 0, 0.3)], scans=scans)
    text = comparison_text(found)
    assert "nan" not in text
    assert "CPM           0.500                     0.500                     +0.000" in text
    assert "In brackets" not in text
    assert "ahead" not in text
    assert "No test was made." in text
    assert text.count("Note: one scan only: ") == 1
    told = found.as_dict()
    assert (told["bootstrap"]["draws"], told["permutations"], told["cpm"]["p_value"]) == (0, 0, None)
    assert told["cpm"]["difference"] == {"value": 0.0, "low": None, "high": None, "level": 0.95, "draws": 0}
