"""The folder that `lungmonai evaluate froc -o` writes."""

import json
from pathlib import Path

import pytest
from froc_tables import small_case

from lungmonai.errors import OutputError
from lungmonai.evaluation.froc_files import write_froc
from lungmonai.evaluation.froc_report import FrocReport, evaluate_froc
from lungmonai.evaluation.submission import read_submission
from lungmonai.evaluation.truth import read_truth


@pytest.fixture
def report(tmp_path: Path) -> FrocReport:
    case = small_case(tmp_path)
    truth = read_truth(case["annotations"], excluded=case["excluded"], scans=case["scans"])
    return evaluate_froc(read_submission(case["marks"]), truth)


def test_all_files_are_there(tmp_path: Path, report: FrocReport) -> None:
    write_froc(tmp_path / "new" / "out", report)
    written = sorted(path.name for path in (tmp_path / "new" / "out").iterdir())
    assert written == ["curve.csv", "false_positives.csv", "froc.json", "froc.png", "missed.csv"]
    told = json.loads((tmp_path / "new" / "out" / "froc.json").read_text())
    assert told == report.as_dict()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, report: FrocReport) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        write_froc(tmp_path / "file" / "out", report)
