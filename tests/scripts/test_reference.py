"""The re-stated reference answers what the reference project's own code answered."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from reference import analysis as reference  # noqa: E402

NAME = "c3n-00247"


def packed(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.unpackbits(mask, count=int(np.prod(shape))).reshape(shape).astype(bool)


def table(path: Path) -> np.ndarray:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(value) for value in row.values()] for row in rows])


def weights(shared_data: Path, prefix: str, net: reference.nn.Module) -> reference.nn.Module:
    return reference.load_weights(net, next((shared_data / "dlwpt_weights").glob(f"{prefix}_*.state")))


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> Path:
    return shared_data / "golden"


@pytest.fixture(scope="module")
def scan(shared_data: Path) -> reference.Scan:
    return reference.load(shared_data / "ct" / NAME)


def test_crops_are_shifted_inward_at_the_border() -> None:
    hu = np.arange(40 * 50 * 60, dtype=np.float32).reshape(40, 50, 60)
    scan = reference.Scan(hu, np.zeros(3), np.ones(3), np.eye(3))
    np.testing.assert_array_equal(reference.crop(scan, np.array([0, 0, 0])), hu[:32, :48, :48])
    np.testing.assert_array_equal(reference.crop(scan, np.array([39, 49, 59])), hu[8:, 2:, 12:])
    np.testing.assert_array_equal(reference.crop(scan, np.array([20, 25, 30])), hu[4:36, 1:49, 6:54])


def test_windows_repeat_the_end_slices() -> None:
    hu = np.arange(5, dtype=np.float32)[:, None, None] * np.ones((1, 4, 4), dtype=np.float32)
    scan = reference.Scan(hu, np.zeros(3), np.ones(3), np.eye(3))
    assert reference.window(scan, 0)[:, 0, 0].tolist() == [0, 0, 0, 0, 1, 2, 3]
    assert reference.window(scan, 4)[:, 0, 0].tolist() == [1, 2, 3, 4, 4, 4, 4]


def test_millimetres_and_voxels_are_inverse() -> None:
    turned = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    scan = reference.Scan(
        np.zeros((4, 4, 4), np.float32), np.array([1.0, 2, 3]), np.array([0.5, 0.7, 3]), turned
    )
    vox = np.array([3.0, 2, 1])
    np.testing.assert_array_equal(scan.vox_from_lps(scan.lps_from_vox(vox)), vox)


@pytest.mark.shared_data
def test_grouping_of_the_golden_mask(golden: Path, scan: reference.Scan) -> None:
    with np.load(golden / f"{NAME}_masks.npz") as masks:
        shape = tuple(masks["shape"])
        raw, eroded = (packed(masks[name], shape) for name in ("mask_raw", "mask_eroded"))
        centers = masks["cand_com_irc"]
    np.testing.assert_array_equal(reference.erode(raw.astype(np.float32)), eroded)
    np.testing.assert_allclose(reference.group(scan, eroded), centers, rtol=0, atol=1e-9)


@pytest.mark.shared_data
def test_six_slices_are_marked_alike(golden: Path, shared_data: Path, scan: reference.Scan) -> None:
    net = weights(shared_data, "seg", reference.SegmentationNet())
    with np.load(golden / f"{NAME}_segmentation_slices.npz") as slices:
        indices, probability = slices["slice_index"], slices["probability"]
    with reference.torch.no_grad():
        for index, wanted in zip(indices, probability, strict=True):
            found = net(reference.window(scan, int(index))[None])[0, 0].numpy()
            np.testing.assert_allclose(found, wanted.astype(np.float32), rtol=0, atol=1e-3)


@pytest.mark.shared_data
@pytest.mark.slow
def test_the_whole_analysis(golden: Path, shared_data: Path) -> None:
    segmentation = weights(shared_data, "seg", reference.SegmentationNet())
    nodule = weights(shared_data, "cls", reference.NoduleNet())
    result = reference.analyze(shared_data / "ct" / NAME, segmentation, nodule)
    counts = {
        "voxels_over_half": result.voxels_over_half,
        "voxels_after_erosion": result.voxels_after_erosion,
        "candidates": len(result.com_vox),
        "nodules_over_half": int((result.probability > 0.5).sum()),
    }
    assert counts == json.loads((golden / f"{NAME}_counts.json").read_text())
    candidates = table(golden / f"{NAME}_candidates.csv")
    np.testing.assert_allclose(result.centers_lps_mm, candidates[:, :3], rtol=0, atol=0.01)
    # The golden classification is sorted by position: pair by the crop's centre voxel.
    classified = {tuple(row[3:6].astype(int)): row[6] for row in table(golden / f"{NAME}_classified.csv")}
    wanted = [classified[tuple(center)] for center in result.centers_vox]
    np.testing.assert_allclose(result.probability, wanted, rtol=0, atol=1e-4)
