"""`lungmonai evaluate analysis` on phantoms and a broken scan: its files, what it says, and how it ends."""

import contextlib
import csv
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lungmonai.analysis.engine import Engine, Runner
from lungmonai.analysis.models import ModelFile
from lungmonai.cli import main
from lungmonai.data.datalist import write_datalist
from lungmonai.data.listed import listed_items
from lungmonai.errors import OutputError

FILES = ["annotations.csv", "annotations_excluded.csv", "evaluation.html", "evaluation.json",
         "evaluation.txt", "failed.csv", "false_positives.csv", "froc.png", "nodules.csv", "parts",
         "scores_malignancy.csv", "scores_nodule.csv", "seriesuids.csv", "submission.csv"]  # fmt: skip
# The shipped weights mark little of a small phantom at 0.5.
THRESHOLDS = ["--mark-threshold", "0.05", "--nodule-threshold", "0.3", "--bootstrap", "50"]


def run(*words: str | Path) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main(["evaluate", "analysis", *map(str, words)])
    return code, said.getvalue()


@pytest.fixture(scope="module")
def datalist(phantom_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two phantoms, and between them a scan that is none."""
    path = tmp_path_factory.mktemp("list") / "three.json"
    first, second = (listed_items(phantom_data / "datalist.json", name)[0] for name in ("validation", "test"))
    (path.parent / "broken.mhd").write_text("ObjectType = Image\n")
    broken = {**second, "image": str(path.parent / "broken.mhd"), "seriesuid": "2.25.1", "patient": "nobody"}
    write_datalist(path, {"name": "three"}, {"validation": [first, broken, second], "test": [broken]})
    return path


@pytest.fixture(scope="module")
def folder(datalist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("analysis") / "new" / "results"


@pytest.fixture(scope="module")
def prepared() -> list[tuple[str, tuple[int, ...]]]:
    """Each network that the analysis below prepared, with the shape of its blocks."""
    return []


@pytest.fixture(scope="module")
def outcome(datalist: Path, folder: Path, prepared: list) -> tuple[int, str]:
    prepare = Engine.prepare

    def counted(self: Engine, model: ModelFile, shape: tuple[int, ...]) -> Runner:
        prepared.append((model.sha256, shape))
        return prepare(self, model, shape)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "prepare", counted)
        return run("--datalist", datalist, "-o", folder, *THRESHOLDS)


@pytest.fixture(scope="module")
def evaluation(outcome: tuple[int, str], folder: Path) -> dict:
    return json.loads((folder / "evaluation.json").read_text())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_all_files_are_there(outcome: tuple[int, str], folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == FILES
    # One file for each scan that was read: what the networks answered.
    assert len(list(folder.glob("parts/networks/*.npz"))) == len(list(folder.glob("parts/*.npz"))) == 2
    assert outcome[1] == (folder / "evaluation.txt").read_text() + f"\n{folder}\n"


def test_each_network_is_prepared_once_for_all_scans(
    outcome: tuple[int, str], evaluation: dict, prepared: list
) -> None:
    assert {name for name, _ in prepared} == {one["sha256"] for one in evaluation["weights"].values()}
    assert len(prepared) == len(set(prepared))  # for each shape of its blocks


def test_a_failed_scan_is_told_and_counts_in_nothing(
    outcome: tuple[int, str], evaluation: dict, folder: Path
) -> None:
    code, text = outcome
    assert code == 8
    assert "2 scans analysed" in text
    assert "FAILED: 1 scan, in no number below." in text
    failed = rows(folder / "failed.csv")
    assert [row["seriesuid"] for row in failed] == ["2.25.1"]
    assert "broken.mhd" in failed[0]["reason"]
    assert [scan["failed"] is None for scan in evaluation["scans"]] == [True, False, True]
    assert evaluation["scans"][1]["found"] is None
    assert evaluation["froc"]["scans"] == 2
    for name in ("submission.csv", "annotations.csv", "seriesuids.csv", "scores_nodule.csv", "nodules.csv"):
        assert "2.25.1," not in (folder / name).read_text()
        assert "2.25.1\n" not in (folder / name).read_text()


def test_the_froc_is_that_of_evaluate_froc_on_the_tables(
    evaluation: dict, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "froc", str(folder / "submission.csv"), "--bootstrap", "50", "--annotations",
        str(folder / "annotations.csv"), "--excluded", str(folder / "annotations_excluded.csv"), "--scans",
        str(folder / "seriesuids.csv"), "--json", str(tmp_path / "froc.json")]  # fmt: skip
    assert main(words) == 0
    capsys.readouterr()
    assert evaluation["froc"] == json.loads((tmp_path / "froc.json").read_text())
    assert evaluation["froc"]["true_positives"] > 0


def test_the_malignancy_is_that_of_evaluate_scores_on_the_table(evaluation: dict, folder: Path) -> None:
    from lungmonai.evaluation.score_report import score_report
    from lungmonai.evaluation.score_table import read_scores

    table = read_scores(folder / "scores_malignancy.csv")
    told = evaluation["malignancy"]
    assert told["nodules"] == len(table)
    report = score_report(table, draws=50, permutations=0)
    assert told["auc"] == report.roc_auc.value
    assert told["auc_interval"] == [report.roc_auc.low, report.roc_auc.high]
    # What was measured stands beside it, of what was reported.
    measured = read_scores(folder / "scores_malignancy.csv", diameter_column="measured_mm").diameter_mm
    decided = [one for one in evaluation["nodules"] if one["malignancy_prob_at_center"] is not None]
    told_mm = [one["measured_mm"] for one in decided if one["malignant"] is not None]
    np.testing.assert_array_equal(measured, np.array(told_mm, float))


def test_the_counts_fit_each_other(evaluation: dict, folder: Path) -> None:
    analysed = [scan for scan in evaluation["scans"] if scan["failed"] is None]
    nodules = sum(scan["nodules"] for scan in analysed)
    counts = evaluation["table"]["counts"]
    assert [[sum(cells) for cells in zip(*lines, strict=True)]
            for lines in zip(*(scan["table"] for scan in analysed), strict=True)] == counts  # fmt: skip
    assert sum(map(sum, counts[1:])) == nodules == len(evaluation["nodules"])
    falls = evaluation["waterfall"]
    assert sum(count for _, count in falls["nodules"]) == nodules
    assert sum(count for _, count in falls["false_positives"]) == len(evaluation["false_positives"])
    for name in ("nodules", "false_positives"):
        written = [(row["id"], row["stage"]) for row in rows(folder / f"{name}.csv")]
        assert written == [(one["id"], one["stage"]) for one in evaluation[name]]
    assert len(rows(folder / "annotations.csv")) == nodules
    assert sum(scan["candidates"] for scan in analysed) == len(rows(folder / "submission.csv"))


def test_the_scores_are_of_true_and_false_marks(evaluation: dict, folder: Path) -> None:
    scores, froc = rows(folder / "scores_nodule.csv"), evaluation["froc"]
    labels = [row["label"] for row in scores]
    assert labels.count("1") == froc["true_positives"]  # no mark of these phantoms is on two nodules
    assert labels.count("0") == froc["false_positives"]
    marks = {(row["seriesuid"], row["probability"]) for row in rows(folder / "submission.csv")}
    assert {(row["seriesuid"], row["probability"]) for row in scores} <= marks
    assert all(float(row["diameter_mm"]) > 0 for row in scores)


def test_another_seed_asks_no_network_again(
    evaluation: dict, datalist: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lungmonai.evaluation.scan_answers import ScanAnalyst

    asked = []

    def ask(self: ScanAnalyst, item: dict) -> None:
        asked.append(item["seriesuid"])
        raise RuntimeError("not again")

    monkeypatch.setattr(ScanAnalyst, "__call__", ask)
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    code, text = run("--datalist", datalist, "-o", tmp_path, *THRESHOLDS, "--seed", "1", "--no-page")
    assert (code, asked) == (8, ["2.25.1"])
    assert "2 scans analysed" in text
    assert not (tmp_path / "evaluation.html").exists()  # it would show what the seed before gave


def test_a_killed_run_goes_on_to_the_same_bytes(
    evaluation: dict, datalist: Path, folder: Path, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "lungmonai.cli", "evaluate", "analysis", "--datalist", str(datalist),
        "-o", str(tmp_path), *THRESHOLDS]  # fmt: skip
    killed = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("parts/*.npz")) and killed.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "evaluation.json").exists()
    code, text = run("--datalist", datalist, "-o", tmp_path, *THRESHOLDS, "--no-page", "--quiet")
    assert (code, text) == (8, "")
    again = [path for path in sorted(tmp_path.iterdir()) if not path.name.startswith(".partial-")]
    assert [path.name for path in again] == [name for name in FILES if name != "evaluation.html"]
    for path in again:
        if path.is_file():
            assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_the_json_comes_after_the_page(
    evaluation: dict, datalist: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object, **named: object) -> None:
        raise OutputError("the page could not be written", wanted="room", do="Free some space.")

    monkeypatch.setattr("lungmonai.evaluation.page.write_page", full)
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert run("--datalist", datalist, "-o", tmp_path, *THRESHOLDS)[0] == 5
    assert not (tmp_path / "evaluation.json").exists()  # so the folder does not look whole


def test_two_runs_in_one_folder_are_refused(
    evaluation: dict, datalist: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "evaluation.json").read_bytes()
    hold = (
        "import sys; from pathlib import Path; from lungmonai.evaluation.result_folder import PARTS, _LOCK;"
        "from filelock import FileLock; lock = FileLock(Path(sys.argv[1]) / PARTS / _LOCK); lock.acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", hold, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.read(4) == b"held"
        assert run("--datalist", datalist, "-o", folder, *THRESHOLDS)[0] == 2
        other.stdin.close()
    assert "another process writes into" in capsys.readouterr().err
    assert (folder / "evaluation.json").read_bytes() == before


def test_what_is_stored_for_other_settings_is_said(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lungmonai.analysis.stored import Stored

    monkeypatch.setattr(
        "lungmonai.analysis.stored.stored_beside", lambda models: Stored(notes=("Not used.",))
    )
    run("--datalist", datalist, "--split", "test", "-o", tmp_path)
    assert "Note: Not used." in capsys.readouterr().err
    run("--datalist", datalist, "--split", "test", "-o", tmp_path, "--quiet")
    assert "Not used." not in capsys.readouterr().err


def test_where_no_scan_can_be_analysed_it_says_so(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--datalist", datalist, "--split", "test", "-o", tmp_path)[0] == 7
    assert "none of 1 scans could be analysed; 2.25.1: " in capsys.readouterr().err
    assert not (tmp_path / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--crops", "-1"], "--crops is -1; wanted 0 or more"),
        (["--bootstrap", "-1"], "-1 draws with seed 0; wanted numbers from 0"),
        (["--seed", "-1"], "1000 draws with seed -1; wanted numbers from 0"),
        (["--mark-threshold", "2"], "mark_threshold is 2.0; wanted 0 to 1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_first(
    words: list[str], why: str, datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--datalist", datalist, "-o", tmp_path / "none", *words)[0] == 2
    assert why in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_list_without_scans_is_refused(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--datalist", datalist, "--split", "training", "-o", tmp_path)[0] == 7
    assert "has no scan in its list 'training'; wanted at least one" in capsys.readouterr().err
