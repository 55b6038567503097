"""The files of a score report."""

import json
from pathlib import Path

import pytest
from score_rows import nodule_rows, write_rows

from lungmonai.errors import OutputError
from lungmonai.evaluation.score_files import write_scores
from lungmonai.evaluation.score_report import score_report
from lungmonai.evaluation.score_table import read_scores


def test_files_are_written_and_stay_the_same(tmp_path: Path) -> None:
    report = score_report(
        read_scores(write_rows(tmp_path / "t.csv", nodule_rows())), draws=50, permutations=0
    )
    write_scores(tmp_path / "one", report)
    write_scores(tmp_path / "two", report)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["precision_recall.png", "reliability.png", "roc.png", "scores.json"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert json.loads((tmp_path / "one" / "scores.json").read_text(encoding="utf-8")) == report.as_dict()
    with pytest.raises(OutputError, match="could not be written"):
        write_scores(tmp_path / "t.csv" / "inside a file", report)
