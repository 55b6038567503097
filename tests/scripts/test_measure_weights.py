"""The script behind the model cards measures what it says."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.bundles import default_weights
from lungmonai.data.datalist import FORMAT
from lungmonai.io import CTScan, read_ct
from lungmonai.io.write_metaimage import write_metaimage
from lungmonai.metrics.intervals import bootstrap

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import measure_weights  # noqa: E402
from measuring import pictures, scores  # noqa: E402
from measuring.answers import Answers, Asker  # noqa: E402

DRAWN = scores.Drawn(seed=0, draws=50)
SEGMENTATION = "segmentation on slices with nodules"


def answers(**given) -> Answers:
    """Of a scan in which nothing is, but for what is given."""
    nothing = {"voxels": np.zeros((2, 256), np.int64), "label": np.zeros(0, np.int64), "prob": np.zeros(0)}
    return Answers(**{**nothing, **given})


def counted(*voxels: tuple[int, int, int]) -> Answers:
    """Of a scan with voxels of a label and a probability in steps of 1/255."""
    total = np.zeros((2, 256), np.int64)
    for label, step, count in voxels:
        total[label, step] += count
    return answers(voxels=total)


def values(measured) -> dict[str, float]:
    return {name: interval.value for name, interval in measured.items()}


def test_segmentation_by_hand_over_all_voxels_together() -> None:
    # 127 of 255 is under one half, 128 over it: 9 + 1 hits, 2 + 8 misses, 6 + 4 false.
    first = counted((1, 255, 9), (1, 127, 2), (0, 128, 6), (0, 0, 1000))
    second = counted((1, 128, 1), (1, 0, 8), (0, 200, 4), (0, 127, 500))
    measured = scores.segmentation([first, second, answers()], DRAWN)
    assert values(measured) == pytest.approx({"dice": 20 / 40, "recall": 10 / 20, "precision": 10 / 20})
    # Draws of the first scan alone and of the second alone are the farthest that there are.
    assert 1 / 9 <= measured["recall"].low < 0.5 < measured["recall"].high <= 9 / 11
    nothing = scores.segmentation([answers(), answers()], DRAWN)
    assert [one.as_dict()["value"] for one in nothing.values()] == [None, None, None]


def test_nodule_or_not_by_hand() -> None:
    first = answers(label=np.array([1, 0, 0]), prob=np.array([0.9, 0.6, 0.1]))
    second = answers(label=np.array([1, 0]), prob=np.array([0.4, 0.5]))
    measured = scores.nodule_or_not([first, answers(), second], DRAWN)
    assert values(measured) == pytest.approx(
        {"accuracy": 3 / 5, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "auc": 4 / 6}
    )
    assert scores.nodule_or_not([answers()], DRAWN) == {}


def test_scans_are_drawn_as_a_plain_bootstrap_draws_them() -> None:
    rng = np.random.default_rng(5)
    scans = [answers(label=rng.integers(0, 2, 6), prob=rng.random(6)) for _ in range(5)]
    label, prob, scan = scores.table_of(scans)
    (wanted,) = bootstrap(
        lambda rows: ((label[rows] == 1) == (prob[rows] > 0.5)).mean(), scan, seed=0, draws=50
    )
    found = scores.nodule_or_not(scans, DRAWN)["accuracy"]
    assert (found.value, found.low, found.high) == pytest.approx((wanted.value, wanted.low, wanted.high))


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
    others = [[*scan.lps_from_vox(vox).tolist(), 0] for vox in ([20, 60, 60], [9, 9, 9])]
    told = {
        "image": str(coarse_scan),
        "label": "label.mhd",
        "seriesuid": "1",
        "patient": "1",
        "fold": 0,
        "nodules": nodules,
        # A candidate of class 1 is a nodule's, and that is listed already.
        "candidates": [*others, [*nodules[0]["lps_mm"], 1]],
    }
    (tmp_path / "datalist.json").write_text(json.dumps({"format": FORMAT, "test": [told]}))
    return tmp_path


def test_what_is_told_is_what_the_whole_analysis_says_of_those_slices(
    data: Path, coarse_scan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = data / "reference"
    reference.mkdir()
    for name in ("seg", "nodule"):
        shutil.copy(default_weights(name), reference / f"{name}.pt")
    words = ["--data", str(data), "-o", str(data / "out.json"), "--draws", "20"]
    words += ["--pictures", str(data / "pictures"), "--reference", str(reference)]
    assert measure_weights.main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith("1 scan of the list `test`, ")
    assert "|  | these weights | published reference |" in out
    told = json.loads((data / "out.json").read_text())
    ours = told["these weights"]
    assert told["published reference"] == ours
    assert (told["scans"], told["non-nodules"]) == (1, 2)
    assert list(ours["weights"]) == ["seg", "nodule"]

    probability = analyze_scan(read_ct(coarse_scan), Models.load(), AnalysisSettings()).probability
    upright = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(data / "label.mhd")), "LPS")
    label = SimpleITK.GetArrayFromImage(upright) > 0
    some = label.any(axis=(1, 2))
    assert 0 < some.sum() < len(some)
    marked, true = probability[some] / 255 > 0.5, label[some]
    hits, recall = (marked & true).sum(), f"{marked[true].mean():.3f}"
    assert ours[SEGMENTATION]["dice"]["value"] == pytest.approx(2 * hits / (marked.sum() + true.sum()))
    assert ours[SEGMENTATION]["recall"]["value"] == pytest.approx(marked[true].mean())
    assert ours[SEGMENTATION]["precision"]["value"] == pytest.approx(true[marked].mean())
    # One scan gives no interval.
    assert f"| {SEGMENTATION}: recall | {recall} | {recall} |" in out
    assert 0 < ours["nodule or not"]["accuracy"]["value"] <= 1

    made = {path.name: path.stat().st_size for path in (data / "pictures").iterdir()}
    assert set(made) == {"nodule_roc.png", "segmentation_pr.png"}
    assert max(made.values()) < 150_000

    def never(*_):
        raise AssertionError("asked again")

    monkeypatch.setattr(Asker, "__call__", never)
    assert measure_weights.main(words) == 0
    assert json.loads((data / "out.json").read_text()) == told


def test_a_scan_that_is_stored_turned_is_answered_alike(data: Path) -> None:
    item = json.loads((data / "datalist.json").read_text())["test"][0]
    item["label"] = str(data / "label.mhd")
    turned = {**item}
    for key in ("image", "label"):
        turned[key] = str(data / f"turned_{key}.mhd")
        SimpleITK.WriteImage(SimpleITK.DICOMOrient(SimpleITK.ReadImage(item[key]), "RPI"), turned[key])
    asker = Asker(Models.load())
    one, other = asker(item), asker(turned)
    assert one.voxels[1].sum() > 0
    np.testing.assert_array_equal(one.voxels, other.voxels)
    np.testing.assert_allclose(one.prob, other.prob, atol=1e-5)


def test_without_a_label_volume_there_is_no_dice_and_no_curve_of_it(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    datalist = data / "datalist.json"
    told = json.loads(datalist.read_text())
    del told["test"][0]["label"]
    datalist.write_text(json.dumps(told))
    words = ["--data", str(data), "-o", str(data / "out.json"), "--pictures", str(data / "pictures")]
    assert measure_weights.main([*words, "--draws", "5"]) == 0
    assert json.loads((data / "out.json").read_text())["these weights"][SEGMENTATION]["dice"]["value"] is None
    assert f"| {SEGMENTATION}: dice | nan |" in capsys.readouterr().out
    assert [path.name for path in (data / "pictures").iterdir()] == ["nodule_roc.png"]


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
    nodule = answers(label=np.array([1]), prob=np.array([0.9]))
    pictures.draw(tmp_path, {measure_weights.OURS: [nodule]})
    assert list(tmp_path.iterdir()) == []


def test_the_curve_of_the_voxels_passes_through_the_numbers_told() -> None:
    scan = counted((1, 255, 9), (1, 127, 3), (0, 128, 6), (0, 0, 100))
    told = values(scores.segmentation([scan], DRAWN))
    panel = pictures.voxel_pr({"some weights": [scan]}).axes[0]
    curve, point = panel.get_lines()
    assert tuple(point.get_xydata()[0]) == pytest.approx((told["recall"], told["precision"]))
    # The most probable first: all hits; over one half; everything but probability 0.
    for place in ((9 / 12, 1), (9 / 12, 9 / 15), (1, 12 / 18)):
        assert np.abs(curve.get_xydata() - place).max(axis=1).min() < 1e-9
