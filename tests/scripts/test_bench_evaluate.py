"""The benchmark of the evaluation compares both ways to draw before it tells their times."""

import sys
from pathlib import Path

import numpy as np
import pytest
from froc_tables import small_case

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from benchmarks import evaluate as benchmark  # noqa: E402


def words_of(case: dict[str, Path]) -> list[str]:
    names = {
        "--submission": "marks",
        "--annotations": "annotations",
        "--excluded": "excluded",
        "--scans": "scans",
    }
    files = [word for option, name in names.items() for word in (option, str(case[name]))]
    return [*files, "--draws", "40", "--slow-draws", "40", "--repeats", "1"]


def test_it_runs_and_both_ways_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(words_of(small_case(tmp_path))) == 0
    printed = capsys.readouterr().out
    assert "40 draws are bit-equal both ways: yes" in printed
    assert "whole command, new process, one core" in printed


def test_ways_that_differ_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "_slow_draws", lambda judged, counts: np.zeros((len(counts), 7)))
    assert benchmark.main(words_of(small_case(tmp_path))) == 1
    assert "bit-equal both ways: NO" in capsys.readouterr().out
