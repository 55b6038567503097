"""The script behind the model cards measures what it says."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lungmonai.bundles import default_weights
from lungmonai.data.datalist import FORMAT
from lungmonai.io import CTScan, read_ct
from lungmonai.io.write_metaimage import write_metaimage

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import measure_weights  # noqa: E402
from measuring import scores  # noqa: E402
from measuring.answers import Answers, counted  # noqa: E402

DRAWN = scores.Drawn(seed=0, draws=50)


def answers(**given) -> Answers:
    """Of a scan in which nothing is, but for what is given."""
    nothing = {
        "voxels": np.zeros((2, 256), np.int64),
        "table_label": np.zeros(0, np.int64),
        "table_prob": np.zeros(0),
        "malignancy": np.zeros(0),
        "candidate_lps_mm": np.zeros((0, 3)),
        "candidate_prob": np.zeros(0),
        "seconds": np.array(1.0),
        "marked_everything": np.array(False),
    }
    return Answers(**{**nothing, **given})


def item(series: str, *nodules: tuple[float, float, bool | None]) -> dict:
    """A scan with nodules at x with a diameter and a malignancy."""
    told = [{"lps_mm": (x, 0.0, 0.0), "diameter_mm": mm, "malignant": bad} for x, mm, bad in nodules]
    return {"seriesuid": series, "patient": f"patient of {series}", "nodules": told, "candidates": []}


def test_voxels_are_counted_on_slices_with_a_nodule() -> None:
    rng = np.random.default_rng(0)
    probability = rng.integers(0, 256, (6, 20, 20)).astype(np.uint8)
    label = rng.random(probability.shape) < 0.2
    label[[0, 4]] = False
    measured = scores.segmentation([answers(voxels=counted(probability, label))], DRAWN)
    some = [1, 2, 3, 5]
    marked, true = probability[some] / 255 > 0.5, label[some]
    assert measured["dice"].value == pytest.approx(2 * (marked & true).sum() / (marked.sum() + true.sum()))
    assert measured["recall"].value == pytest.approx(marked[true].mean())
    assert measured["precision"].value == pytest.approx(true[marked].mean())


def test_nodule_or_not_by_hand() -> None:
    first = answers(table_label=np.array([1, 0, 0]), table_prob=np.array([0.9, 0.6, 0.1]))
    second = answers(table_label=np.array([1, 0]), table_prob=np.array([0.4, 0.2]))
    measured = scores.nodule_or_not([first, second], DRAWN)
    found = {name: interval.value for name, interval in measured.items()}
    assert found == pytest.approx(
        {"accuracy": 3 / 5, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "auc": 5 / 6}
    )


def test_malignancy_draws_the_patients_that_nodules_were_taken_from(tmp_path: Path) -> None:
    table = tmp_path / "phantom_nodules.csv"
    rows = ["a,1.0,0.0,0.0,LIDC-1", "a,2.0,0.0,0.0,LIDC-2", "b,1.0,0.0,0.0,LIDC-1"]
    table.write_text("\n".join(["seriesuid,coordX,coordY,coordZ,source_patient_id", *rows]) + "\n")
    items = [item("a", (1, 20, True), (2, 9, False), (3, 5, None)), item("b", (1, 8, True), (4, 4, False))]
    said = [answers(malignancy=np.array([0.9, 0.2, 0.5])), answers(malignancy=np.array([0.3, 0.4]))]
    nodules = scores.judged_nodules(items, said, table)
    assert nodules.patient == ["LIDC-1", "LIDC-2", "LIDC-1", "patient of b"]
    assert nodules.malignant.tolist() == [True, False, True, False]
    measured = scores.malignancy(nodules, DRAWN)
    # Diameter: 20 and 8 over 9 and 4; network: 0.9 and 0.3 over 0.2 and 0.4.
    assert [interval.value for interval in measured.values()] == pytest.approx([3 / 4, 3 / 4, 0])
    nothing = [answers(malignancy=np.full(3, np.nan)), answers(malignancy=np.full(2, np.nan))]
    (alone,) = scores.malignancy(scores.judged_nodules(items, nothing, table), DRAWN).values()
    assert alone == measured["auc of the diameter"]
    assert scores.malignancy(scores.judged_nodules([item("c")], [answers()], table), DRAWN) == {}


def test_found_and_missed_by_size() -> None:
    items = [item("a", (0, 5, None), (50, 8, None), (100, 12, None)), item("b", (0, 25, None))]
    # One over the threshold, one under it, none; and two detections of one nodule, 8 mm apart.
    first = answers(
        candidate_lps_mm=np.array([[1.0, 0, 0], [51, 0, 0], [300, 0, 0]]),
        candidate_prob=np.array([0.9, 0.4, 0.8]),
    )
    second = answers(candidate_lps_mm=np.array([[0.0, 0, 0], [8, 0, 0]]), candidate_prob=np.array([0.6, 0.7]))
    alone, merged = (scores.judged_marks(items, [first, second], radius) for radius in (0.0, 10.0))
    rows = scores.by_diameter(items, alone, merged)
    assert [(row["nodules"], row["marked"], row["reported"]) for row in rows] == [
        (1, 1, 1),
        (1, 1, 0),
        (1, 0, 0),
        (1, 1, 1),
        (4, 3, 2),
    ]
    assert scores.false_reports(merged) == 0.5
    same = scores.end_to_end(merged, DRAWN, merged)
    assert {(interval.low, interval.value, interval.high) for interval in same.values()} == {(0, 0, 0)}
    at_1 = scores.end_to_end(merged, DRAWN)["sensitivity at 1 a scan"]
    assert at_1.value == pytest.approx(3 / 4)


@pytest.fixture
def data(coarse_scan: Path, phantom, tmp_path: Path) -> Path:
    """A data set of one scan, with a label volume of boxes around its nodules."""
    scan = read_ct(coarse_scan)
    label = np.zeros(scan.shape, np.int16)
    nodules = []
    for one in phantom.nodules:
        nodules.append(
            {"lps_mm": list(one.lps_mm), "diameter_mm": one.diameter_mm, "malignant": one.malignant}
        )
        z, y, x = np.round(scan.vox_from_lps(one.lps_mm)).astype(int)
        label[z - 1 : z + 2, y - 2 : y + 3, x - 2 : x + 3] = 1
    write_metaimage(CTScan(label, scan.affine_lps, "label"), tmp_path / "label.mhd")
    told = {
        "image": str(coarse_scan),
        "label": "label.mhd",
        "seriesuid": "1",
        "patient": "1",
        "fold": 0,
        "nodules": nodules,
        "candidates": [[*scan.lps_from_vox(vox).tolist(), 0] for vox in ([20, 60, 60], [9, 9, 9])],
    }
    (tmp_path / "datalist.json").write_text(json.dumps({"format": FORMAT, "test": [told]}))
    return tmp_path


def test_everything_is_told_and_a_second_run_asks_nothing(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = data / "reference"
    reference.mkdir()
    for name in ("seg", "nodule"):
        shutil.copy(default_weights(name), reference / f"{name}.pt")
    words = ["--data", str(data), "-o", str(data / "out.json"), "--draws", "20"]
    words += ["--malignancy", str(default_weights("nodule")), "--pictures", str(data / "pictures")]
    assert measure_weights.main([*words, "--reference", str(reference)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1 scans of the list `test`, ")
    assert "| diameter (published reference) | nodules | a candidate hits | reported |" in out
    told = json.loads((data / "out.json").read_text())
    ours, same = told["these weights"], told["published reference"]
    for part in ("segmentation on slices with nodules", "nodule or not", "end to end", "by diameter"):
        assert ours[part] == same[part]
    assert 0 < ours["segmentation on slices with nodules"]["recall"]["value"] <= 1
    assert told["non-nodules"] == 2
    made = {path.name: path.stat().st_size for path in (data / "pictures").iterdir()}
    assert {"froc.png", "nodule_roc.png", "segmentation_pr.png"} <= set(made)
    assert max(made.values()) < 150_000

    def never(*_):
        raise AssertionError("asked again")

    monkeypatch.setattr("measuring.answers.analyze_scan", never)
    assert measure_weights.main(words) == 0
    assert json.loads((data / "out.json").read_text())["these weights"] == ours


def test_an_empty_list_is_said(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(data), "-o", str(data / "out.json"), "--split", "training"]
    assert measure_weights.main(words) == 1
    assert "has no scan in its list 'training'" in capsys.readouterr().err


def test_a_scan_that_is_gone_is_said(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    datalist = data / "datalist.json"
    told = json.loads(datalist.read_text())
    told["test"][0]["image"] = "gone.mhd"
    datalist.write_text(json.dumps(told))
    assert measure_weights.main(["--data", str(data), "-o", str(data / "out.json")]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "gone.mhd" in line]
    assert line.startswith(str(data / "gone.mhd"))


def test_a_curve_that_needs_both_classes_is_left_out(tmp_path: Path) -> None:
    items = [item("a", (0, 5, True))]
    nodule = answers(table_label=np.array([1]), table_prob=np.array([0.9]), malignancy=np.array([0.9]))
    one = SimpleNamespace(answers=[nodule], merged=scores.judged_marks(items, [nodule], 10.0))
    nodules = scores.judged_nodules(items, [nodule], None)
    measure_weights.draw(tmp_path, {measure_weights.OURS: one}, nodules)
    assert [path.name for path in tmp_path.iterdir()] == ["froc.png"]
