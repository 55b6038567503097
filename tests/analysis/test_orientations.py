"""One scan, every format and orientation: the same nodule at the same place in the patient."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scan_writers import Geometry, write_any

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.io import CTScan, read_ct

pytestmark = pytest.mark.shared_data
UNTURNED = np.eye(4)
ENGINE = "openvino" if importlib.util.find_spec("openvino") else "torch"


@pytest.fixture(scope="module")
def whole(shared_data: Path) -> CTScan:
    return read_ct(shared_data / "ct" / "c3n-00247")


@pytest.fixture(scope="module")
def part(whole: CTScan) -> CTScan:
    """The block around the scan's most probable nodule, so that a run takes a second."""
    low, high = (18, 208, 368), (52, 352, 512)
    affine = whole.affine_lps.copy()
    affine[:3, 3] = whole.lps_from_vox(low)
    cut = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return replace(whole, hu=np.ascontiguousarray(whole.hu[cut]), affine_lps=affine)


@pytest.fixture(scope="module")
def analyze(published_weights):
    models = Models.load(*published_weights)
    return lambda scan: analyze_scan(scan, models, AnalysisSettings(engine=ENGINE, device="cpu", merge=False))


@pytest.fixture(scope="module")
def expected(part: CTScan, analyze):
    return analyze(part)


def geometry(scan: CTScan) -> Geometry:
    direction = scan.affine_lps[:3, :3] / np.array(scan.spacing_mm)
    return Geometry(scan.spacing_mm, tuple(scan.affine_lps[:3, 3]), direction)


def stored_as(scan: CTScan, order: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> CTScan:
    """The same voxels at the same places, stored along other axes; order and flips are of x, y, z."""
    hu, affine = scan.hu.transpose(2, 1, 0).transpose(order), scan.affine_lps.copy()
    affine[:, :3] = scan.affine_lps[:, :3][:, list(order)]
    for axis, flip in enumerate(flips):
        if flip:
            affine[:3, 3] += affine[:3, axis] * (hu.shape[axis] - 1)
            affine[:3, axis] *= -1
            hu = np.flip(hu, axis)
    return replace(scan, hu=np.ascontiguousarray(hu.transpose(2, 1, 0)), affine_lps=affine)


def check_same(found, expected, *, turn: np.ndarray = UNTURNED) -> None:
    assert len(found.candidates) == len(expected.candidates) > 10
    assert len(found.nodules) == len(expected.nodules) >= 1
    for ours, theirs in zip(found.candidates, expected.candidates, strict=True):
        moved = turn[:3, :3] @ theirs.center_lps_mm + turn[:3, 3]
        assert np.abs(np.array(ours.center_lps_mm) - moved).max() < 0.01
        assert ours.nodule_prob == pytest.approx(theirs.nodule_prob, abs=1e-6)


FORMATS = ["dicom", ".zip", ".mhd", ".mhd+z", ".mha", ".nii", ".nii.gz", ".nrrd"]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_nodules(kind: str, part, expected, analyze, tmp_path: Path) -> None:
    path = write_any(tmp_path, kind, part.hu, geometry(part))
    check_same(analyze(read_ct(path)), expected)


@pytest.mark.parametrize("kind", [".mhd", ".mhd+z", ".nii.gz", ".nrrd"])
def test_every_format_gives_the_whole_scan(kind: str, whole: CTScan, tmp_path: Path) -> None:
    found = read_ct(write_any(tmp_path, kind, whole.hu, geometry(whole))).canonical()
    assert np.array_equal(found.hu, whole.hu)
    assert np.abs(found.affine_lps - whole.affine_lps).max() < 1e-4


ORIENTATIONS = {
    "LUNA16's turned headers": ((0, 1, 2), (True, True, False)),
    "feet last": ((0, 1, 2), (False, False, True)),
    "sagittal": ((1, 2, 0), (False, True, False)),
    "coronal": ((0, 2, 1), (True, True, False)),
}


@pytest.mark.parametrize("kind", [".mhd", ".nii.gz"])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_orientation_gives_the_same_nodules(
    name: str, kind: str, part, expected, analyze, tmp_path: Path
) -> None:
    turned = stored_as(part, *ORIENTATIONS[name])
    assert turned.hu.shape != part.hu.shape or not np.array_equal(turned.hu, part.hu)
    path = write_any(tmp_path, kind, turned.hu, geometry(turned))
    check_same(analyze(read_ct(path)), expected)


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_orientation_gives_the_whole_scan(name: str, whole: CTScan, tmp_path: Path) -> None:
    turned = stored_as(whole, *ORIENTATIONS[name])
    found = read_ct(write_any(tmp_path, ".nii.gz", turned.hu, geometry(turned))).canonical()
    assert np.array_equal(found.hu, whole.hu)
    assert np.abs(found.affine_lps - whole.affine_lps).max() < 1e-3


@pytest.mark.parametrize("degrees", [(0, 0, 20), (12, -9, 30)])
@pytest.mark.parametrize("kind", ["dicom", ".mhd", ".nii.gz", ".nrrd"])
def test_an_oblique_scan_puts_nodules_where_its_frame_says(
    kind: str, degrees, part, expected, analyze, tmp_path: Path
) -> None:
    """The patient turned on the table: every position turns with the frame."""
    from scipy.spatial.transform import Rotation

    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    turned = replace(part, affine_lps=turn @ part.affine_lps)
    path = write_any(tmp_path, kind, turned.hu, geometry(turned))
    check_same(analyze(read_ct(path)), expected, turn=turn)
