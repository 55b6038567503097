"""What is stored beside weights is used by an analysis, said, recorded, and never for other weights."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lungmonai.analysis import AnalysisSettings, Models, analyze_to_folder
from lungmonai.analysis.operating import StoredThreshold, operating_path, write_operating
from lungmonai.analysis.stored import Stored, stored_beside
from lungmonai.bundles import default_weights
from lungmonai.cli import main
from lungmonai.metrics.calibrators import Isotonic, Temperature
from lungmonai.metrics.conformal import ConformalSets
from lungmonai.nodule import Nodule, ScanResult

THRESHOLD = StoredThreshold(
    value=0.05, low=0.01, high=0.2, level=0.95, at="1 fp/scan", scans=12, nodules=70,
    false_per_scan=1.0, false_per_scan_interval=(0.5, 1.5), sensitivity=0.8, sensitivity_interval=(0.7, 0.9),
    data="the validation list", made_with={},
)  # fmt: skip
SETS = ConformalSets(0.9, 0.6, 0.3, 40, 30)
NODULE, MALIGNANCY = Isotonic((0.0, 0.5, 1.0), (0.0, 0.1, 0.9)), Temperature(2.0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The bundles' weights in a folder of their own."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("seg", "nodule", "malignancy"):
        shutil.copy(default_weights(name), folder / f"{name}.pt")
    return Models.load(*(folder / f"{name}.pt" for name in ("seg", "nodule", "malignancy")))


@pytest.fixture(autouse=True)
def nothing_stored(models: Models) -> None:
    for model in models.by_name().values():
        operating_path(model.path).unlink(missing_ok=True)


def store(model: Any, **parts: Any) -> None:
    write_operating(model.path, model.sha256, {name: part.as_dict() for name, part in parts.items()})


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def words(models: Models, scan: Path, out: Path, *more: str) -> list[str]:
    weights = [f"--{name}={model.path}" for name, model in models.by_name().items()]
    return ["analyze", str(scan), "-o", str(out), "--device", "cpu", *weights, *more]


def test_nothing_stored_is_the_default(models: Models) -> None:
    stored = stored_beside(models)
    assert stored == Stored()
    assert stored.nodule_threshold() == AnalysisSettings().nodule_threshold == 0.5
    assert stored.nodule_threshold(0.3) == 0.3
    assert stored.why() == "Nodule threshold 0.5: the default, since none is stored for these weights."
    assert stored.record(AnalysisSettings()) == {}


def test_a_file_for_other_weights_is_not_used(models: Models) -> None:
    write_operating(models.nodule.path, "22" * 32, {"threshold": THRESHOLD.as_dict()})
    stored = stored_beside(models)
    assert stored.threshold is None
    assert stored.nodule_threshold() == 0.5
    (note,) = stored.notes
    assert note == (
        f"{operating_path(models.nodule.path)} is not used: it is for the weights 222222222222…, "
        f"and these are {models.nodule.sha256[:12]}…."
    )


def test_a_threshold_of_another_segmentation_is_not_used(models: Models) -> None:
    store(
        models.nodule, threshold=replace(THRESHOLD, made_with={"seg_sha256": "33" * 32}), calibration=NODULE
    )
    stored = stored_beside(models)
    assert (stored.threshold, stored.nodule) == (None, NODULE)
    assert "was set with another segmentation and is not used" in stored.notes[0]
    store(models.nodule, threshold=replace(THRESHOLD, made_with={"seg_sha256": models.seg.sha256}))
    assert stored_beside(models).nodule_threshold() == 0.05


def test_a_threshold_set_with_other_settings_is_used_and_said(models: Models) -> None:
    made = {"region": "lungs", "merge": True, "merge_radius_mm": 10.0, "mark_threshold": 0.5, "masses": True}
    store(models.nodule, threshold=replace(THRESHOLD, made_with=made))
    stored = stored_beside(models)
    scan = AnalysisSettings(nodule_threshold=0.05)
    assert stored.notes_for(scan) == ("The stored nodule threshold was set with region lungs (now scan).",)
    assert stored.notes_for(replace(scan, region="lungs")) == ()
    (note,) = stored.notes_for(replace(scan, region="lungs", masses=False))
    assert note == "The stored nodule threshold was set with masses True (now False)."
    assert stored.notes_for(replace(scan, nodule_threshold=0.5)) == ()
    assert "nodule_threshold" not in stored.record(replace(scan, nodule_threshold=0.5))


def test_the_command_uses_prints_and_records_what_is_stored(
    models: Models, coarse_scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, used = tmp_path / "plain", tmp_path / "used"
    # What is given goes before what is stored; and a file for other weights is not used.
    store(models.nodule, threshold=replace(THRESHOLD, value=1.0))
    write_operating(models.malignancy.path, "22" * 32, {"calibration": MALIGNANCY.as_dict()})
    assert main(words(models, coarse_scan, plain, "--nodule-threshold", "0.05")) == 0
    said = capsys.readouterr().err
    assert "Nodule threshold" not in said
    assert f"Note: {operating_path(models.malignancy.path)} is not used: it is for the weights 2222" in said
    operating_path(models.malignancy.path).unlink()
    store(models.nodule, threshold=THRESHOLD, calibration=NODULE)
    store(models.malignancy, calibration=MALIGNANCY, conformal=SETS)
    assert main(words(models, coarse_scan, used)) == 0
    assert f"Nodule threshold {THRESHOLD} (stored beside the weights)." in capsys.readouterr().err

    # The same nodules as with the option, and further columns.
    more = {"nodules.csv": ("nodule_probability_calibrated", "malignancy_probability_calibrated",
            "malignancy_set"), "candidates.csv": ("nodule_probability_calibrated",)}  # fmt: skip
    for table, columns in more.items():
        before, after = rows(plain / table), rows(used / table)
        assert len(before) > 1
        assert tuple(after[0])[-len(columns) :] == columns
        assert [{k: v for k, v in row.items() if k not in columns} for row in after] == before
    assert (used / "nodules.nii.gz").read_bytes() == (plain / "nodules.nii.gz").read_bytes()
    names = {(True, False): "benign", (False, True): "malignant", (True, True): "benign or malignant"}
    listed = json.loads((used / "result.json").read_text())
    for row, nodule in zip(rows(used / "nodules.csv"), listed["nodules"], strict=True):
        prob = float(row["probability"])
        assert prob > 0.05
        assert float(row["nodule_probability_calibrated"]) == NODULE([prob])[0]
        if float(row["equivalent_diameter_mm"]) > 30:
            assert row["malignancy_probability"] == row["malignancy_set"] == ""
            continue
        malignancy = float(row["malignancy_probability"])
        assert float(row["malignancy_probability_calibrated"]) == MALIGNANCY([malignancy])[0]
        assert row["malignancy_set"] == names[malignancy <= 0.6, malignancy >= 0.3]
        assert nodule["malignancy_set"] == row["malignancy_set"]
        assert nodule["nodule_probability_calibrated"] == float(row["nodule_probability_calibrated"])
    record = listed["record"]
    assert record["settings"]["nodule_threshold"] == 0.05
    assert record["operating"]["nodule_threshold"]["at"] == "1 fp/scan"
    assert record["operating"]["malignancy_sets"] == SETS.as_dict()
    assert json.loads((plain / "result.json").read_text())["record"]["operating"] == {}


def test_the_library_uses_it_too(models: Models, coarse_scan: Path, tmp_path: Path) -> None:
    store(models.nodule, threshold=replace(THRESHOLD, value=1.0))
    without = Models(models.seg, models.nodule)
    stored = analyze_to_folder(coarse_scan, tmp_path / "a", models=without)
    assert stored.nodules == ()
    head = (tmp_path / "a" / "nodules.csv").read_text()
    assert head.endswith(",weights\n")


def test_a_damaged_file_stops_the_command(
    models: Models, coarse_scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operating_path(models.nodule.path).write_text("{")
    assert main(words(models, coarse_scan, tmp_path)) == 7
    assert "nodule.operating.json cannot be used" in capsys.readouterr().err
    assert not (tmp_path / "result.json").exists()


def one_nodule(malignancy_prob: float | None, **record: object) -> ScanResult:
    place = (0.0, 0.0, 0.0)
    nodule = Nodule(place, place, 0.9, malignancy_prob, 500.0, 10.0, 10.0, "left lung", (0,))
    return ScanResult("1", (), (nodule,), record)


def test_a_set_may_hold_neither_class_and_needs_a_probability() -> None:
    sets = ConformalSets(0.9, 0.2, 0.8, 9, 9)
    assert Stored(sets=sets).nodule_columns(one_nodule(0.5)) == {"malignancy_set": ["neither"]}
    assert Stored(sets=sets, malignancy=MALIGNANCY).nodule_columns(one_nodule(None)) == {}


def test_a_scan_of_nothing_but_masses_has_the_columns_of_others() -> None:
    stored = Stored(malignancy=MALIGNANCY, sets=ConformalSets(0.9, 0.2, 0.8, 9, 9))
    names = stored.nodule_columns(one_nodule(0.5)).keys()
    alone = stored.nodule_columns(one_nodule(None, weights={"malignancy": {}}, masses={"nodules": [1]}))
    assert alone == {name: [None] for name in names}
