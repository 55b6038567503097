"""Masks to cut from: the datalist's, LIDC's outlines, grown boxes."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from lungmonai.data import LidcDatabase, lidc_nodules, open_volume
from lungmonai.data.datalist import ScanItem
from lungmonai.io import CTScan
from lungmonai.io.write_metaimage import write_metaimage
from lungmonai.training.items import training_items
from lungmonai.training.masks import cut_mask
from lungmonai.transforms import nodule_mask


@pytest.fixture(scope="module")
def item(phantom_data: Path) -> ScanItem:
    return training_items(phantom_data, "validation")[0]


def test_boxes_of_a_label_are_the_label(item: ScanItem) -> None:
    whole = np.asarray(nibabel.load(item["label"]).dataobj).transpose(2, 1, 0) > 0
    assert whole.any()
    assert np.array_equal(cut_mask(item, (0, 0, 0), whole.shape, None), whole)
    part = cut_mask(item, (30, 60, 70), (25, 90, 80), None)
    assert np.array_equal(part, whole[30:55, 60:150, 70:150])
    assert not cut_mask(item, (whole.shape[0], 0, 0), (2, 9, 9), None).any()


@pytest.mark.parametrize("said", [{}, {"label": None}], ids=["no label", "null"])
def test_without_a_label_boxes_are_grown(item: ScanItem, said: dict[str, None]) -> None:
    bare = {key: value for key, value in item.items() if key != "label"} | said
    volume = open_volume(item["image"])
    centers = [volume.vox_from_lps(nodule["lps_mm"]) for nodule in item["nodules"]]
    hu = np.where(volume.array < -1024, -1000, volume.array)
    assert np.array_equal(cut_mask(bare, (0, 0, 0), volume.shape, None), nodule_mask(hu, centers) > 0)


def test_a_scan_of_lidc_gets_what_half_of_its_readers_outlined(tmp_path: Path) -> None:
    """A block on the grid of a real series: only the outlines can mark what is a nodule."""
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192"
    lidc = LidcDatabase().scan(uid)
    spacing_z, spacing, _ = lidc.spacing_mm
    slices = len(lidc.slice_z_mm)
    affine = np.diag([spacing, spacing, spacing_z, 1.0])
    affine[2, 3] = min(lidc.slice_z_mm)
    path = tmp_path / f"{uid}.mhd"
    hu = np.full((slices, 512, 512), -900, np.int16)
    hu[:, 100:400, 100:400] = 40
    write_metaimage(CTScan(hu, affine, uid), path)
    item: ScanItem = {
        "image": str(path), "seriesuid": uid, "patient": "", "nodules": [], "candidates": [], "fold": 0,
    }  # fmt: skip
    wanted = np.zeros((slices, 512, 512), bool)
    for nodule in lidc_nodules(lidc):
        if nodule.readers >= 3:
            first, box = nodule.consensus(0.5)
            wanted[tuple(slice(a, a + n) for a, n in zip(first, box.shape, strict=True))] |= box
    assert wanted.any()
    assert np.array_equal(cut_mask(item, (0, 0, 0), wanted.shape, None) > 0, wanted)
