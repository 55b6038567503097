"""What is kept of a scan, against the analysis itself."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, center_of_mass, label

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.bundles import default_weights
from lungmonai.data.listed import listed_items
from lungmonai.evaluation.scan_answers import ScanAnalyst
from lungmonai.io import read_ct
from lungmonai.nodule import LOCATIONS, ScanResult

# The shipped weights mark little of a small phantom at 0.5.
SETTINGS = AnalysisSettings(mark_threshold=0.05, nodule_threshold=0.3)


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.load(malignancy=default_weights("malignancy"))


@pytest.fixture(scope="module")
def answered(phantom_data: Path, models: Models):
    """A scan of whose nodules one lies where the analysis reports the first, and one outside the scan."""
    item = listed_items(phantom_data / "datalist.json", "validation")[0]
    scan = read_ct(item["image"]).canonical()
    result = analyze_scan(scan, models, SETTINGS)
    there = {"lps_mm": result.nodules[0].center_lps_mm, "diameter_mm": 4.0, "malignant": None}
    outside = {"lps_mm": (9e3, 9e3, 9e3), "diameter_mm": 4.0, "malignant": None}
    item["nodules"] = [there, outside, *item["nodules"]]
    with pytest.MonkeyPatch.context() as patch:  # once is enough: it answers the same again
        patch.setattr("lungmonai.analysis.analyze.analyze_scan", lambda *given, **named: result)
        return item, scan, result, ScanAnalyst(models, SETTINGS)(item)


def test_candidates_and_reports_are_those_of_the_analysis(answered) -> None:
    _, scan, result, answers = answered
    assert answers.candidate_prob.tolist() == [one.nodule_prob for one in result.candidates]
    assert answers.candidate_lps_mm.tolist() == [list(one.center_lps_mm) for one in result.candidates]
    volume = 4 / 3 * np.pi * (answers.candidate_diameter_mm / 2) ** 3
    voxels = [one.voxels * np.prod(scan.spacing_mm) for one in result.candidates]
    np.testing.assert_allclose(volume, voxels)
    assert answers.report_prob.tolist() == [one.nodule_prob for one in result.nodules]
    assert answers.report_diameter_mm.tolist() == [one.equivalent_diameter_mm for one in result.nodules]
    assert [LOCATIONS[at] for at in answers.report_location] == [one.location for one in result.nodules]


def test_malignancy_at_a_reports_place_is_that_of_the_report(answered) -> None:
    _, _, result, answers = answered
    assert result.nodules
    assert answers.report_malignancy.tolist() == [one.malignancy_prob for one in result.nodules]
    assert answers.nodule_malignancy[0] == pytest.approx(result.nodules[0].malignancy_prob, abs=1e-6)


def test_balls_are_looked_at_in_the_scans_own_frame(answered) -> None:
    item, scan, result, answers = answered
    marked = result.probability / 255 > SETTINGS.mark_threshold
    left = binary_erosion(marked)
    groups, _ = label(marked)
    # What erosion would remove whole stays if it has the volume of a sphere of `keep_thin_mm`.
    least = np.pi / 6 * SETTINGS.keep_thin_mm**3 / np.prod(scan.spacing_mm)
    sizes, survives = np.bincount(groups.ravel()), np.bincount(groups.ravel(), weights=left.ravel()) > 0
    left |= marked & ((sizes >= least) & ~survives)[groups]
    grid = scan.lps_from_vox(np.stack(np.meshgrid(*map(np.arange, scan.shape), indexing="ij"), axis=-1))
    for place, nodule in list(enumerate(item["nodules"]))[2:5]:
        ball = ((grid - nodule["lps_mm"]) ** 2).sum(axis=-1) <= (nodule["diameter_mm"] / 2) ** 2
        assert answers.nodule_seg_prob[place] == pytest.approx(result.probability[ball].max() / 255)
        assert answers.nodule_marked[place] == (marked & ball).sum()
        assert answers.nodule_eroded[place] == (left & ball).sum()
    assert np.isnan(answers.nodule_seg_prob[1])  # outside the scan
    assert np.isnan(answers.nodule_malignancy).tolist() == [
        place == 1 for place in range(len(item["nodules"]))
    ]
    assert answers.nodule_in_lungs[2:].all()


@pytest.mark.parametrize("region", ["scan", "lungs"])
def test_groups_that_lie_outside_the_lungs_are_kept_apart(region: str, answered, models: Models) -> None:
    item, scan, _, _ = answered
    probability = np.zeros(scan.shape, np.uint8)
    in_lung = scan.vox_from_lps(np.array([item["nodules"][2]["lps_mm"]]))[0].round().astype(int)
    beside = np.array([in_lung[0], 8, 8])
    for z, y, x in (in_lung, beside):
        probability[z - 2 : z + 3, y - 3 : y + 4, x - 2 : x + 4] = 200
    result = ScanResult("made", (), (), probability=probability)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungmonai.analysis.analyze.analyze_scan", lambda *given, **named: result)
        settings = AnalysisSettings(region=region)
        answers = ScanAnalyst(models, settings)({**item, "nodules": []})
    groups, count = label(binary_erosion(probability > 127))
    assert count == 2  # neither is thin
    weights = scan.hu.clip(-1000, 1000) + 1001.0
    outside = center_of_mass(weights, groups, groups[tuple(beside)])
    expected = scan.lps_from_vox(np.array([outside] if region == "lungs" else np.zeros((0, 3))))
    np.testing.assert_allclose(answers.dropped_lps_mm, expected)


def test_what_decides_the_answers_is_told(models: Models) -> None:
    told = ScanAnalyst(models, SETTINGS).told()
    assert told["weights"]["nodule"] == models.nodule.sha256
    assert told["settings"]["mark_threshold"] == 0.05
    other = ScanAnalyst(Models(models.seg, models.nodule), AnalysisSettings(precision="bfloat16")).told()
    assert all(told[key] != other[key] for key in ("weights", "settings", "engine"))


def test_another_nodule_threshold_asks_no_network_for_what_it_told(
    answered, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, _, _, fresh = answered
    higher = dataclasses.replace(SETTINGS, nodule_threshold=0.9, merge_radius_mm=3.0)
    first = ScanAnalyst(models, higher, tmp_path / "memory")(item)
    monkeypatch.setattr("lungmonai.analysis.segmenter.segment_volume", lambda *given, **named: 1 / 0)
    again = ScanAnalyst(models, SETTINGS, tmp_path / "memory")(item)
    assert len(first.report_prob) < len(again.report_prob)
    for name, value in vars(fresh).items():
        np.testing.assert_array_equal(getattr(again, name), value, err_msg=name)


@pytest.mark.parametrize("change", ["mark threshold", "region", "precision", "file", "weights"])
def test_what_decides_a_networks_answer_is_not_taken_from_another(
    change: str, answered, models: Models, tmp_path: Path
) -> None:
    item = {**answered[0]}
    before = ScanAnalyst(models, SETTINGS, tmp_path).memory_path(item)
    settings = {
        "mark threshold": dataclasses.replace(SETTINGS, mark_threshold=0.06),
        "region": dataclasses.replace(SETTINGS, region="lungs"),
        "precision": dataclasses.replace(SETTINGS, precision="bfloat16"),
    }.get(change, SETTINGS)
    if change == "file":
        item["image"] = str(tmp_path / "other.mhd")
        Path(item["image"]).touch()
    if change == "weights":
        models = Models(models.seg, models.nodule)
    assert ScanAnalyst(models, settings, tmp_path).memory_path(item) != before
