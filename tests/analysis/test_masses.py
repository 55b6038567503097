"""The second look, on a body whose lungs and lesions are known, with networks that see only what is small."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.analysis.engine import Engine, choose_engine
from lungmonai.analysis.lungs import LungMask, find_lungs
from lungmonai.analysis.masses import MASS_MM, look_for_masses
from lungmonai.analysis.models import ModelFile
from lungmonai.io import CTScan, read_ct
from lungmonai.nodule import Nodule, ScanResult

SPACING = np.array([5.0, 0.9, 0.9])  # slices, rows, columns
SHAPE = (60, 300, 384)
LEFT, RIGHT, BETWEEN = (30, 150, 264), (30, 150, 120), (30, 150, 192)
# Of lesions; the body has 40.
LESION_HU, BRIGHT_HU = 100, 900


def body(*balls: tuple[tuple[float, float, float], float, int]) -> CTScan:
    """Two lungs in soft tissue, and balls of a centre, a diameter in mm and a density."""
    z, y, x = np.ogrid[tuple(map(slice, SHAPE))]
    hu = np.full(SHAPE, -1000, np.int16)
    hu[np.broadcast_to(((x - 192) / 170) ** 2 + ((y - 150) / 120) ** 2 <= 1, SHAPE)] = 40
    for _, row, column in (RIGHT, LEFT):
        hu[((x - column) / 55) ** 2 + ((y - row) / 84) ** 2 + ((z - 30) / 26) ** 2 <= 1] = -850
    for center, diameter_mm, density in balls:
        hu[ball(center, diameter_mm)] = density
    return CTScan(hu, np.diag([0.9, 0.9, 5.0, 1.0]), "body")


def ball(center: tuple[float, float, float], diameter_mm: float) -> np.ndarray:
    away = np.ogrid[tuple(map(slice, SHAPE))]
    squares = [((at - c) * mm) ** 2 for at, c, mm in zip(away, center, SPACING, strict=True)]
    return sum(squares) <= (diameter_mm / 2) ** 2


@dataclass(frozen=True)
class NearSighted(Engine):
    """Marks lesions up to 24 pixels wide, and all that is bright; every crop gets one probability."""

    nodule_prob: float = 0.8

    def prepare(self, model: ModelFile, shape: tuple[int, ...]):
        return self.segment if model.architecture.task == "segmentation" else self.classify

    def segment(self, blocks):
        for block in blocks:
            middle = block[3]
            lesion = (middle > 70) & (middle < 300)
            marked = lesion & ~ndimage.binary_opening(lesion, np.ones((1, 25))) | (middle > 300)
            yield marked[None].astype(np.float32)

    def classify(self, blocks):
        for block in blocks:
            yield np.full(len(block), self.nodule_prob, np.float32)


def models() -> Models:
    seg = ModelFile(Path("seg.pt"), "0" * 64, {"architecture": "seg_basic_unet", "stand_in": True})
    cnn = {"architecture": "nodule_cnn", "stand_in": True}
    return Models(seg, ModelFile(Path("n.pt"), "1" * 64, cnn), ModelFile(Path("m.pt"), "2" * 64, cnn))


def analysed(scan: CTScan, prob: float = 0.8, **settings) -> ScanResult:
    engine = NearSighted("torch", "cpu", "float32", "float32", nodule_prob=prob)
    return analyze_scan(scan, models(), AnalysisSettings(**settings), engine=engine)


def masses(result: ScanResult) -> list[Nodule]:
    return [nodule for nodule in result.nodules if nodule.equivalent_diameter_mm > MASS_MM]


@pytest.fixture(scope="module")
def scan() -> CTScan:
    """A mass in the left lung with something bright in it, and a nodule in the right."""
    return body((LEFT, 44, LESION_HU), (LEFT, 12, BRIGHT_HU), (RIGHT, 14, LESION_HU))


@pytest.fixture(scope="module")
def found(scan: CTScan) -> ScanResult:
    return analysed(scan)


def test_a_mass_is_one_finding_of_its_size_at_its_place(scan: CTScan, found: ScanResult) -> None:
    (mass,) = masses(found)
    away = np.subtract(mass.center_lps_mm, scan.lps_from_vox(LEFT))
    assert np.linalg.norm(away) < 2.5
    np.testing.assert_allclose(scan.lps_from_vox(mass.center_vox), mass.center_lps_mm, atol=1e-6)
    assert mass.equivalent_diameter_mm == pytest.approx(44, abs=3)
    assert mass.location == "left lung"
    number = found.nodules.index(mass) + 1
    truth, ours = ball(LEFT, 44), found.labels == number
    assert 2 * (truth & ours).sum() / (truth.sum() + ours.sum()) > 0.9
    assert len(found.nodules) == 2


def test_its_candidate_comes_after_the_others_and_has_its_voxels(scan: CTScan, found: ScanResult) -> None:
    (mass,) = masses(found)
    assert mass.candidates[0] == len(found.candidates) - 1
    candidate = found.candidates[-1]
    assert candidate.center_lps_mm == mass.center_lps_mm
    assert candidate.crop_vox == tuple(round(at) for at in mass.center_vox)
    # What the tables take a candidate's diameter from.
    volume_mm3 = candidate.voxels * np.prod(scan.spacing_mm)
    assert np.cbrt(6 / np.pi * volume_mm3) == pytest.approx(mass.equivalent_diameter_mm, rel=0.03)


def test_it_takes_over_what_the_first_look_found_of_it(scan: CTScan, found: ScanResult) -> None:
    without = analysed(scan, masses=False)
    # Of the mass itself what is bright, and at its rim what is narrow.
    fragments = [one for one in without.nodules if one.location != "right lung"]
    (nodule,) = [one for one in without.nodules if one.location == "right lung"]
    assert len(fragments) > 1
    assert max(one.equivalent_diameter_mm for one in fragments) < 25
    (mass,) = masses(found)
    assert mass.candidates[0] == len(found.candidates) - 1
    assert set(mass.candidates[1:]) == {place for one in fragments for place in one.candidates}
    # All else is as without the second look.
    assert found.candidates[:-1] == without.candidates
    assert [one for one in found.nodules if one != mass] == [nodule]


def test_malignancy_is_judged_of_nodules_alone_and_that_is_said(found: ScanResult) -> None:
    (mass,) = masses(found)
    (nodule,) = [one for one in found.nodules if one != mass]
    assert mass.malignancy_prob is None
    assert nodule.malignancy_prob == pytest.approx(0.8)
    (note,) = [note for note in found.notes if "P(malignant)" in note]
    assert "left out for 1 finding over 30 mm" in note
    plain = replace(models(), malignancy=None)
    engine = NearSighted("torch", "cpu", "float32", "float32")
    unjudged = analyze_scan(body((LEFT, 44, LESION_HU)), plain, AnalysisSettings(), engine=engine)
    assert len(masses(unjudged)) == 1
    assert not any("P(malignant)" in note for note in unjudged.notes)


def test_malignancy_is_not_judged_of_what_the_first_look_finds_over_30_mm() -> None:
    found = analysed(body((LEFT, 36, BRIGHT_HU)), masses=False)
    assert [one.malignancy_prob for one in masses(found)] == [None]


def test_the_record_says_what_was_done(scan: CTScan, found: ScanResult) -> None:
    record = found.record["masses"]
    assert record["looked"] is True
    assert record["spacing_mm"] == pytest.approx([2.7, 2.7, 5.0])
    assert (record["over_30_mm"], record["in_a_lung"], record["kept"]) == (1, 1, 1)
    assert [found.nodules[number - 1] for number in record["nodules"]] == masses(found)
    assert found.record["timings_s"]["masses"] > 0
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize("turned", [(0, 2, 1), (2, 0, 1), (1, 0, 2)])
def test_it_is_found_however_the_scan_is_stored(scan: CTScan, found: ScanResult, turned) -> None:
    # Array axes are (slice, row, column), the affine's columns the reverse.
    columns = [2 - turned[2 - column] for column in range(3)]
    affine = scan.affine_lps.copy()
    affine[:, :3] = affine[:, columns]
    other = analysed(CTScan(np.ascontiguousarray(scan.hu.transpose(turned)), affine, "turned"))
    assert [one.center_lps_mm for one in masses(other)] == [one.center_lps_mm for one in masses(found)]


def test_a_nodule_is_no_mass() -> None:
    found = analysed(body((LEFT, 27, LESION_HU)))
    assert masses(found) == []
    assert found.record["masses"]["over_30_mm"] == 0


def test_what_lies_between_the_lungs_is_no_mass() -> None:
    found = analysed(body((BETWEEN, 44, LESION_HU)))
    assert masses(found) == []
    assert (found.record["masses"]["over_30_mm"], found.record["masses"]["in_a_lung"]) == (1, 0)


@pytest.mark.parametrize(("prob", "threshold"), [(0.4, 0.1), (0.8, 0.9)])
def test_an_improbable_one_is_left_out(prob: float, threshold: float) -> None:
    found = analysed(body((LEFT, 44, LESION_HU)), prob, nodule_threshold=threshold)
    assert masses(found) == []
    assert (found.record["masses"]["in_a_lung"], found.record["masses"]["kept"]) == (1, 0)


def test_two_masses_are_two_findings() -> None:
    found = analysed(body((LEFT, 40, LESION_HU), (RIGHT, 48, LESION_HU)))
    assert {one.location for one in masses(found)} == {"left lung", "right lung"}


def looked(scan: CTScan, lungs: LungMask | None = None, **settings) -> dict[str, object]:
    engine = NearSighted("torch", "cpu", "float32", "float32")
    return look_for_masses(
        scan, lungs or find_lungs(scan), models(), engine, AnalysisSettings(**settings)
    ).record


def test_why_there_is_no_second_look(scan: CTScan) -> None:
    assert looked(scan, masses=False) == {"looked": False, "why": "not asked for"}
    large = replace(scan, affine_lps=np.diag([2.0, 2.0, 5.0, 1.0]))
    assert looked(large) == {"looked": False, "why": "its pixels are as large already"}
    air = replace(scan, hu=np.full(SHAPE, -1000, np.int16))
    assert looked(air) == {"looked": False, "why": "no lungs were found"}
    # Five slices of 1 mm make fewer than three of 2.5 mm.
    thin = CTScan(scan.hu[28:33], np.diag([0.9, 0.9, 1.0, 1.0]), "thin")
    found = replace(find_lungs(scan), step=(1, 4, 4))
    assert looked(thin, found) == {"looked": False, "why": "it is too small"}


def test_the_second_look_shows_its_progress(scan: CTScan) -> None:
    steps: list[tuple[str, int, int]] = []
    how = models(), NearSighted("torch", "cpu", "float32", "float32"), AnalysisSettings()
    look_for_masses(scan, find_lungs(scan), *how, progress=lambda *step: steps.append(step))
    assert {stage for stage, _, _ in steps} == {"masses"}
    assert steps[-1][1:] == (60, 60)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "tumour_lps_mm"),
    # The middle of the boxes that lie beside the DICOM; the other scan has one nodule, of 14 mm.
    [("lung-dx-a0001/dicom", (40.5, 198.0, -209.0)), ("lung1_image.nrrd", None)],
)
def test_a_real_tumour_is_found_and_no_vessel(shared_data: Path, name: str, tumour_lps_mm) -> None:
    settings = AnalysisSettings(device="cpu")
    scan = read_ct(shared_data / "ct" / name).canonical()
    look = look_for_masses(scan, find_lungs(scan), Models.load(), choose_engine(settings), settings)
    assert len(look.masses) == (tumour_lps_mm is not None)
    assert look.record["over_30_mm"] >= 1
    for mass in look.masses:
        assert np.linalg.norm(np.subtract(mass.candidate.center_lps_mm, tumour_lps_mm)) < 15
        volume_mm3 = len(mass.voxels) * np.prod(scan.spacing_mm)
        assert np.cbrt(6 / np.pi * volume_mm3) == pytest.approx(60, abs=10)


def test_tables_leave_open_what_was_not_judged(scan: CTScan, found: ScanResult, tmp_path: Path) -> None:
    from lungmonai.analysis.stored import Stored
    from lungmonai.export import nodule_table, write_candidates, write_nodules, write_record
    from lungmonai.metrics.calibrators import Temperature
    from lungmonai.metrics.conformal import ConformalSets

    two = Temperature(2.0)
    stored = Stored(nodule=two, malignancy=two, sets=ConformalSets(0.9, 0.2, 0.5, 9, 9))
    write_nodules(found, tmp_path / "n.csv", stored.nodule_columns(found))
    write_candidates(found, tmp_path / "c.csv", stored.candidate_columns(found))
    write_record(found, tmp_path / "r.json", stored.nodule_columns(found))
    (mass,) = found.record["masses"]["nodules"]
    names = ("malignancy_probability_calibrated", "malignancy_set", "nodule_probability_calibrated")
    with (tmp_path / "n.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    listed = json.loads((tmp_path / "r.json").read_text())["nodules"]
    for number, (row, entry) in enumerate(zip(rows, listed, strict=True), start=1):
        for name in names:
            assert (row[name] == "") == (number == mass)
            assert (entry[name] is None) == (number == mass)
        assert (row["malignancy_probability"] == "") == (number == mass)
    with (tmp_path / "c.csv").open(newline="") as file:
        calibrated = [row["nodule_probability_calibrated"] for row in csv.DictReader(file)]
    assert [cell == "" for cell in calibrated] == [False] * (len(calibrated) - 1) + [True]
    lines = nodule_table(found, stand_in=False).splitlines()
    assert any(" - " in line and "left lung" in line for line in lines)


@pytest.mark.parametrize(("diameter_mm", "over_30_mm"), [(34.0, 0), (40.0, 1)])
def test_air_in_what_is_marked_does_not_make_a_mass(diameter_mm: float, over_30_mm: int) -> None:
    """Of each block of 3 × 3 pixels five are dense and four are air: 5/9 of the ball's volume count."""
    scan = body()
    dense = np.add.outer(3 * (np.arange(SHAPE[1]) % 3), np.arange(SHAPE[2]) % 3) < 5
    hu = np.where(ball(LEFT, diameter_mm), np.where(dense, 1000, -850), scan.hu).astype(np.int16)
    assert (5 / 9 * diameter_mm**3 > MASS_MM**3) == bool(over_30_mm)
    scan = replace(scan, hu=hu)
    engine = NearSighted("torch", "cpu", "float32", "float32")
    look = look_for_masses(scan, find_lungs(scan), models(), engine, AnalysisSettings())
    assert look.record["over_30_mm"] == over_30_mm
