"""`lungmonai evaluate froc`."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from froc_tables import HEAD, small_case, written

from lungmonai.cli import main


def words_of(case: dict[str, Path], *more: str) -> list[str]:
    words = ["evaluate", "froc", str(case["marks"]), "--annotations", str(case["annotations"])]
    return [*words, "--excluded", str(case["excluded"]), "--scans", str(case["scans"]), *more]


def test_it_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = small_case(tmp_path)
    words = words_of(
        case, "--json", str(tmp_path / "a.json"), "-o", str(tmp_path / "out"), "--rates", "1/3,3"
    )
    assert main(words) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("marks.csv: CPM 0.6190 (")
    assert "95% interval of 1,000 draws" in printed.out
    assert printed.err == ""
    told = json.loads((tmp_path / "a.json").read_text())
    assert (told["bootstrap"]["draws"], told["bootstrap"]["seed"]) == (1000, 0)
    assert told["more_rates"] == [1 / 3, 3]
    assert (tmp_path / "out" / "froc.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def test_without_a_bootstrap_there_is_no_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words_of(small_case(tmp_path), "--bootstrap", "0", "--rows", "0")) == 0
    printed = capsys.readouterr().out
    assert "no interval" in printed
    assert "Missed" not in printed


def test_folds_are_merged_and_a_scan_in_two_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = small_case(tmp_path)
    other = written(
        tmp_path / "fold.csv", f"{HEAD},probability", [("b", 90, 0, 0, 0.95), ("d", 0, 0, 0, 0.1)]
    )
    words = words_of(case, "--bootstrap", "0")
    words.insert(3, str(other))
    assert main(words) == 7
    assert "marks.csv and fold.csv both have marks in 1 scan, such as b" in capsys.readouterr().err
    written(other, f"{HEAD},probability", [("d", 0, 0, 0, 0.1)])
    assert main(words) == 0
    assert "3 false positives" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (["--rates", "1,x"], 2, "--rates is '1,x'; wanted numbers of false positives a scan with commas"),
        (["--rates", "1/0"], 2, "--rates is '1/0'; wanted"),
        (["--rates", "0,1"], 2, "rates are 0, 1; wanted numbers of false positives a scan, all above 0"),
        (["--rates=-1"], 2, "rates are -1; wanted"),
        (
            ["--bootstrap", "-5"],
            2,
            "--bootstrap -5 --seed 0; wanted numbers from 0. 0 draws give no intervals",
        ),
        (["--seed", "-1"], 2, "--bootstrap 1000 --seed -1; wanted numbers from 0"),
        (["--rows=-1"], 2, "--rows is -1; wanted 0 or more. 0 lists none"),
        (["--max-marks", "0"], 2, "at most 0 marks a scan; wanted 1 or more"),
        (["--scans", "none.csv"], 7, "none.csv could not be read: No such file or directory; wanted a list"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, text: str
) -> None:
    assert main(words_of(small_case(tmp_path), *more)) == code
    printed = capsys.readouterr()
    assert text in printed.err
    assert printed.out == ""


@pytest.mark.shared_data
def test_a_published_submission(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "luna16"
    out = tmp_path / "out.json"
    files = {
        "marks": folder / "deeplung_dpn26_submission.csv",
        "annotations": folder / "annotations.csv",
        "excluded": folder / "annotations_excluded.csv",
        "scans": folder / "seriesuids.csv",
    }
    words = words_of(files, "--json", str(out))
    code = (
        "import sys; from lungmonai.cli import main; code = main(sys.argv[1:]);"
        "print([m for m in ('torch', 'monai', 'scipy', 'matplotlib', 'pandas') if m in sys.modules]);"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    told = json.loads(out.read_text())
    assert told["cpm"] == pytest.approx(0.841966, abs=5e-7)
    assert np.round(told["sensitivity"], 3).tolist() == [0.692, 0.769, 0.824, 0.865, 0.893, 0.917, 0.933]
    assert (told["true_positives"], told["false_negatives"], told["scans"]) == (1136, 50, 888)
    # Every mark is one of these; of the marks on nodules only the best of each is a true positive.
    counted = told["true_positives"] + told["false_positives"] + told["ignored"] + told["duplicates"]
    assert counted == told["marks"] == 55677
    low, high = told["cpm_interval"]
    assert low < told["cpm"] < high
    assert high - low < 0.08


@pytest.mark.shared_data
def test_the_scripts_limit_of_100_marks_changes_no_sensitivity_of_the_published_one(
    shared_data: Path,
) -> None:
    from lungmonai.evaluation.froc_report import evaluate_froc
    from lungmonai.evaluation.submission import read_submission
    from lungmonai.evaluation.truth import read_truth

    folder = shared_data / "luna16"
    submission = read_submission(folder / "deeplung_dpn26_submission.csv")
    truth = read_truth(
        folder / "annotations.csv",
        excluded=folder / "annotations_excluded.csv",
        scans=folder / "seriesuids.csv",
    )
    every, hundred = (evaluate_froc(submission, truth, max_marks=most) for most in (None, 100))
    assert every.curve.at_rates == hundred.curve.at_rates
    assert hundred.counted.dropped > 0
