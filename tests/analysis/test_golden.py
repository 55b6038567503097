"""The published weights give what the reference project's own code gives on a real CT.

Origin of the numbers: `golden/` beside the real scans, made with the reference project's code.
"""

import csv
import importlib.util
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.cli import main
from lungmonai.io import read_ct

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]
SERIES = "1.3.6.1.4.1.14519.5.2.1.7085.2626.242193282649561899185427104083"
ENGINES = ["torch"] + (["openvino"] if importlib.util.find_spec("openvino") else [])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def columns(table: list[dict[str, str]], *names: str) -> np.ndarray:
    return np.array([[float(row[name]) for name in names] for row in table])


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> Path:
    return shared_data / "golden"


@pytest.fixture(scope="module", params=ENGINES)
def out(request, shared_data: Path, published_weights, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp(f"golden-{request.param}")
    seg, nodule = map(str, published_weights)
    scan = str(shared_data / "ct" / "c3n-00247")
    words = ["analyze", scan, "-o", str(folder), "--seg", seg, "--nodule", nodule]
    words += ["--no-merge", "--no-masses", "--keep-thin-mm", "0", "--device", "cpu", "--quiet"]
    assert main([*words, "--engine", request.param]) == 0
    return folder


def test_the_candidates_are_the_references(out: Path, golden: Path) -> None:
    ours, theirs = rows(out / "candidates.csv"), rows(golden / "c3n-00247_candidates.csv")
    assert len(ours) == len(theirs) == 1532
    away = columns(ours, "coordX", "coordY", "coordZ") - columns(theirs, "x", "y", "z")
    assert np.abs(away).max() < 0.01
    assert [row["voxels"] for row in ours] == [row["voxels"] for row in theirs]
    assert {row["seriesuid"] for row in ours} == {SERIES}


def test_the_probabilities_are_the_references(out: Path, golden: Path) -> None:
    ours, theirs = rows(out / "candidates.csv"), rows(golden / "c3n-00247_classified.csv")
    ours_at = columns(ours, "cropSlice", "cropRow", "cropColumn", "probability")
    theirs_at = columns(theirs, "index", "row", "col", "probability")
    ours_at, theirs_at = (a[np.lexsort(a.T[::-1])] for a in (ours_at, theirs_at))
    assert np.array_equal(ours_at[:, :3], theirs_at[:, :3])
    assert np.abs(ours_at[:, 3] - theirs_at[:, 3]).max() < 1e-4


def test_the_nodules_are_the_references(out: Path, golden: Path) -> None:
    counts = json.loads((golden / "c3n-00247_counts.json").read_text())
    nodules = rows(out / "nodules.csv")
    assert len(nodules) == counts["nodules_over_half"] == 32
    candidates = columns(rows(out / "candidates.csv"), "coordX", "coordY", "coordZ", "probability")
    over = candidates[candidates[:, 3] > 0.5]
    found = columns(nodules, "coordX", "coordY", "coordZ", "probability")
    assert sorted(map(tuple, found)) == sorted(map(tuple, over))


def test_the_marked_voxels_are_the_references(out: Path, golden: Path) -> None:
    counts = json.loads((golden / "c3n-00247_counts.json").read_text())
    image = nibabel.load(out / "probability.nii.gz")
    stored = np.asarray(image.dataobj.get_unscaled()).transpose(2, 1, 0)
    # The file keeps steps of 1/255, so that only voxels within half a step of 0.5 are in doubt.
    assert (stored > 128).sum() <= counts["voxels_over_half"] <= (stored >= 127).sum()
    slices = np.load(golden / "c3n-00247_segmentation_slices.npz")
    away = stored[slices["slice_index"]] / 255 - slices["probability"].astype(float)
    assert np.abs(away).max() < 0.5 / 255 + 2e-3


def test_the_record_names_what_ran(out: Path) -> None:
    record = json.loads((out / "result.json").read_text())
    assert record["counts"] == {"candidates": 1532, "nodules": 32}
    assert record["record"]["stand_in"] is False
    assert record["record"]["weights"]["seg"]["architecture"] == "seg_reference_unet"
    assert set(record["record"]["timings_s"]) >= {"load", "segment", "group", "classify", "write"}


@pytest.fixture(scope="module")
def part(shared_data: Path):
    """Slices 20 to 59: both of the scan's clearest nodules, at a quarter of the time."""
    from dataclasses import replace

    scan = read_ct(shared_data / "ct" / "c3n-00247")
    affine = scan.affine_lps.copy()
    affine[:3, 3] = scan.lps_from_vox((20, 0, 0))
    return replace(scan, hu=np.ascontiguousarray(scan.hu[20:60]), affine_lps=affine)


def run(scan, published_weights, **settings):
    settings = {"device": "cpu", "masses": False, "keep_thin_mm": 0.0, **settings}
    return analyze_scan(scan, Models.load(*published_weights), AnalysisSettings(**settings))


def test_the_lungs_alone_give_the_same_inside(part, published_weights) -> None:
    whole, lungs = (run(part, published_weights, region=region, merge=False) for region in ("scan", "lungs"))
    places = {candidate.center_lps_mm: candidate for candidate in whole.candidates}
    assert 0 < len(lungs.candidates) < len(whole.candidates)
    same = [places.get(candidate.center_lps_mm) for candidate in lungs.candidates]
    cut = [c for c, twin in zip(lungs.candidates, same, strict=True) if twin is None]
    assert len(cut) <= 3  # groups that the edge of the lungs' box cuts
    for candidate, twin in zip(lungs.candidates, same, strict=True):
        if twin is not None:
            assert candidate.nodule_prob == pytest.approx(twin.nodule_prob, abs=1e-5)
            assert candidate.voxels == twin.voxels
    in_lungs = [n for n in whole.nodules if n.location != "outside the lungs"]
    found = {n.center_lps_mm for n in lungs.nodules}
    assert {n.center_lps_mm for n in in_lungs} <= found


@pytest.mark.parametrize("precision", ["mixed", "bfloat16"])
def test_bfloat16_finds_the_clear_nodules(part, published_weights, precision: str) -> None:
    exact = run(part, published_weights, merge=False)
    found = run(part, published_weights, merge=False, precision=precision)
    if precision == "mixed":
        assert [c.center_lps_mm for c in found.candidates] == [c.center_lps_mm for c in exact.candidates]
        away = [
            abs(a.nodule_prob - b.nodule_prob)
            for a, b in zip(found.candidates, exact.candidates, strict=True)
        ]
        assert max(away) < 0.04
    clear = np.array([n.center_lps_mm for n in exact.nodules if n.nodule_prob > 0.99])
    ours = np.array([n.center_lps_mm for n in found.nodules])
    nearest = np.linalg.norm(clear[:, None] - ours[None], axis=2).min(axis=1)
    assert len(clear) >= 3
    assert (nearest < 1.0).all()


@pytest.mark.gpu
def test_a_gpu_finds_the_clear_nodules_in_seconds(part, published_weights) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    exact = run(part, published_weights, merge=False)
    found = run(part, published_weights, device="cuda", merge=False)
    assert found.record["engine"]["classify_precision"] == "bfloat16"
    clear = np.array([n.center_lps_mm for n in exact.nodules if n.nodule_prob > 0.99])
    ours = np.array([n.center_lps_mm for n in found.nodules])
    assert (np.linalg.norm(clear[:, None] - ours[None], axis=2).min(axis=1) < 1.0).all()


def test_merging_joins_detections_that_are_near(part, published_weights) -> None:
    apart, merged = (run(part, published_weights, merge=merge) for merge in (False, True))
    taken = sorted(place for nodule in merged.nodules for place in nodule.candidates)
    assert taken == sorted(n.candidates[0] for n in apart.nodules)
    centers = np.array([n.center_lps_mm for n in merged.nodules])
    between = np.linalg.norm(centers[:, None] - centers[None], axis=2) + np.eye(len(centers)) * 1e9
    assert between.min() > 10.0
