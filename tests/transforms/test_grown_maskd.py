"""The mask of a datalist's nodules lies where they are, in every orientation."""

import itertools

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged, Orientationd

from lungmonai.errors import DataError, SettingsError
from lungmonai.io import CTReader, CTScan, ras_from_lps
from lungmonai.transforms import NoduleMaskd


def ball(shape, center, radius: float) -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return np.linalg.norm(grid - center, axis=-1) <= radius


def scan_with_nodules(direction=(1, 1, 1)):
    """A scan, its two nodules as a datalist has them, and the truth as (slice, row, column)."""
    shape = (14, 24, 30)
    truth = ball(shape, (6, 10, 9), 4.2) | ball(shape, (8, 15, 22), 3.2)
    affine = np.diag([0.7 * direction[0], 0.7 * direction[1], 1.5 * direction[2], 1.0])
    affine[:3, 3] = (-20, 35, -210)
    scan = CTScan(np.where(truth, 20, -880).astype(np.int16), affine, series_uid="1.2.3")
    centers = scan.lps_from_vox([(6, 10, 9), (8, 15, 22)])
    return scan, [{"lps_mm": tuple(lps), "diameter_mm": 6.0, "malignant": None} for lps in centers], truth


@pytest.mark.parametrize("direction", list(itertools.product((1, -1), repeat=3)))
@pytest.mark.parametrize("axcodes", [None, "RAS", "LPI", "SRA", "ALS"])
def test_in_any_orientation(direction, axcodes) -> None:
    scan, nodules, truth = scan_with_nodules(direction)
    item = {"image": scan.to_metatensor(), "nodules": nodules}
    # A mask of the truth goes the same way as the image.
    expected = MetaTensor(
        torch.from_numpy(truth.transpose(2, 1, 0).copy())[None], affine=item["image"].affine
    )
    if axcodes:
        turned = Orientationd(["image", "truth"], axcodes=axcodes, labels=None)({**item, "truth": expected})
        item, expected = {**item, "image": turned["image"]}, turned["truth"]
    label = NoduleMaskd()(item)["label"]
    assert isinstance(label, MetaTensor)
    assert label.dtype == torch.uint8
    assert torch.equal(label.as_tensor(), expected.as_tensor().byte())
    assert torch.equal(label.affine, item["image"].affine)


def test_in_an_oblique_scan() -> None:
    scan, _, truth = scan_with_nodules()
    angle = 0.3
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    oblique = CTScan(scan.hu, turn @ scan.affine_lps, series_uid="1")
    nodules = [{"lps_mm": lps} for lps in oblique.lps_from_vox([(6, 10, 9), (8, 15, 22)])]
    label = NoduleMaskd()({"image": oblique.to_metatensor(), "nodules": nodules})["label"]
    assert np.array_equal(label.numpy()[0].transpose(2, 1, 0), truth)


def test_after_the_reader_in_a_pipeline(tmp_path) -> None:
    import SimpleITK as sitk  # noqa: N813

    scan, nodules, truth = scan_with_nodules((-1, -1, 1))
    image = sitk.GetImageFromArray(scan.hu)
    image.SetSpacing(scan.spacing_mm)
    image.SetOrigin(scan.affine_lps[:3, 3].tolist())
    image.SetDirection((scan.affine_lps[:3, :3] / scan.spacing_mm).ravel().tolist())
    sitk.WriteImage(image, str(tmp_path / "scan.mhd"))
    load = LoadImaged("image", reader=CTReader(), dtype=np.int16, ensure_channel_first=True)
    item = {"image": str(tmp_path / "scan.mhd"), "nodules": nodules}
    made = Compose([load, NoduleMaskd(mask_key="mask", instances=True)])(item)
    numbers = made["mask"].numpy()[0].transpose(2, 1, 0)
    assert np.array_equal(numbers > 0, truth)
    assert (numbers[6, 10, 9], numbers[8, 15, 22]) == (1, 2)
    assert np.allclose(ras_from_lps(made["mask"].affine), scan.affine_lps)


def test_the_item_and_the_images_metadata_stay() -> None:
    scan, nodules, _ = scan_with_nodules()
    item = {"image": scan.to_metatensor(), "nodules": nodules, "seriesuid": "1.2.3"}
    before = item["image"].clone()
    made = NoduleMaskd()(item)
    assert "label" not in item
    assert made["seriesuid"] == "1.2.3"
    made["label"].meta["changed"] = True
    assert "changed" not in item["image"].meta
    assert torch.equal(item["image"], before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda item: item | {"image": item["image"].as_tensor()}, "is a Tensor of shape"),
        (lambda item: item | {"image": item["image"][0]}, r"is a MetaTensor of shape \(30, 24, 14\)"),
        (lambda item: item | {"image": torch.cat([item["image"]] * 2)}, r"shape \(2, 30, 24, 14\)"),
        (lambda item: item | {"image": item["image"] / 1000.0}, "lie in -0.88 to 0.02; wanted Hounsfield"),
        (lambda item: item | {"nodules": [{"xyz": (1, 2, 3)}]}, "nodules cannot be read: KeyError"),
        (lambda item: item | {"nodules": [{"lps_mm": (1, 2)}]}, "nodules cannot be read: ValueError"),
        (lambda item: item | {"nodules": [{"lps_mm": (500, 0, 0)}]}, "nodule 1 has its centre at voxel"),
    ],
)
def test_refuses_what_it_cannot_make_a_mask_of(change, said: str) -> None:
    scan, nodules, _ = scan_with_nodules()
    with pytest.raises(DataError, match=said):
        NoduleMaskd()(change({"image": scan.to_metatensor(), "nodules": nodules}))


def test_refuses_several_images() -> None:
    with pytest.raises(SettingsError, match="a mask was asked for of 2 images"):
        NoduleMaskd(keys=["image", "other"])
