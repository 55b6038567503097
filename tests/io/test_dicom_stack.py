"""Slices that make an even stack, and those that do not."""

import shutil

import numpy as np
import pytest
from scan_writers import Geometry, edit_slice, slice_at, volume, write_dicom

from lungmonai.errors import GeometryError, SeriesError
from lungmonai.io import read_ct


def move(path, *, x=0.0, z=0.0):
    def change(dataset):
        old = [float(value) for value in dataset.ImagePositionPatient]
        dataset.ImagePositionPatient = [old[0] + x, old[1], old[2] + z]

    edit_slice(path, change)


@pytest.fixture
def ten(tmp_path):
    return write_dicom(tmp_path, volume((10, 8, 10)))


def test_one_slice_missing(ten):
    slice_at(ten, 4).unlink()
    with pytest.raises(
        GeometryError, match=r"lacks 1 slices, at -200\.00 mm along the normal; wanted a slice every 2\.5 mm"
    ):
        read_ct(ten)


def test_several_slices_missing(ten):
    for index in (2, 6, 7):
        slice_at(ten, index).unlink()
    with pytest.raises(GeometryError, match=r"lacks 3 slices, at -205\.00, -195\.00, -192\.50 mm"):
        read_ct(ten)


def test_uneven_spacing(ten):
    move(slice_at(ten, 5), z=0.8)
    with pytest.raises(GeometryError, match=r"is unevenly spaced: (3\.3|1\.7) mm from .* 2\.5 mm elsewhere"):
        read_ct(ten)


def test_spacing_that_changes_half_way(tmp_path):
    def edit(dataset, index):
        if index > 5:
            dataset.ImagePositionPatient = [-101.5, 33.25, -210 + 12.5 + (index - 5) * 3.5]

    write_dicom(tmp_path, volume((10, 8, 10)), edit=edit)
    with pytest.raises(GeometryError, match="is unevenly spaced"):
        read_ct(tmp_path)


def test_rounded_positions_are_even(tmp_path):
    def edit(dataset, index):
        dataset.ImagePositionPatient = [0, 0, round(-210 + 0.625 * index, 1)]

    write_dicom(tmp_path, volume((40, 8, 10)), edit=edit)
    assert read_ct(tmp_path).spacing_mm[2] == pytest.approx(0.625, abs=0.003)


def test_identical_duplicates_are_dropped(ten):
    for index in (1, 3):
        path = slice_at(ten, index)
        shutil.copy(path, ten / f"copy-{path.name}")
    scan = read_ct(ten)
    np.testing.assert_array_equal(scan.hu, volume((10, 8, 10)))
    assert scan.notes == ("2 identical duplicates of slices were dropped.",)


def test_differing_duplicates(ten):
    path = slice_at(ten, 3)
    shutil.copy(path, ten / "other.dcm")
    edit_slice(ten / "other.dcm", lambda dataset: setattr(dataset, "RescaleIntercept", -1000))
    with pytest.raises(
        SeriesError, match=r"has differing slices at -202\.50 mm along the normal: .*\.dcm and .*\.dcm"
    ):
        read_ct(ten)


@pytest.mark.parametrize("degrees", [0.5, 5, 20, -20])
def test_gantry_tilt(tmp_path, degrees):
    angle = np.radians(degrees)
    tilted = np.array([[1, 0, 0], [0, np.cos(angle), 0], [0, np.sin(angle), 1.0]])
    write_dicom(tmp_path, geometry=Geometry(direction=tilted))
    with pytest.raises(
        GeometryError, match=rf"has a tilted gantry: positions drift .* {abs(degrees):.1f}° off the normal"
    ):
        read_ct(tmp_path)


def test_tilt_tag_alone_means_nothing(tmp_path):
    write_dicom(tmp_path, edit=lambda dataset, index: setattr(dataset, "GantryDetectorTilt", 12))
    assert read_ct(tmp_path).shape == (6, 8, 10)


def test_one_slice_beside_the_others(ten):
    move(slice_at(ten, 5), x=3)
    with pytest.raises(GeometryError, match="has a slice 3 mm beside the others"):
        read_ct(ten)


@pytest.mark.parametrize(
    ("tag", "value", "message"),
    [
        ("ImageOrientationPatient", [1, 0, 0, 0, 0, -1], "mixes orientations"),
        ("PixelSpacing", [0.9, 0.7], r"mixes pixel spacings: \(0\.7, 0\.[89]\)"),
        ("Columns", 16, r"mixes sizes: \(8, 1[06]\) in"),
    ],
)
def test_mixed_grids(ten, tag, value, message):
    edit_slice(slice_at(ten, 5), lambda dataset: setattr(dataset, tag, value))
    with pytest.raises(GeometryError, match=message):
        read_ct(ten)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_slices(tmp_path, count):
    write_dicom(tmp_path, edit=lambda dataset, index: None)
    for index in range(count, 6):
        slice_at(tmp_path, index).unlink()
    with pytest.raises(SeriesError, match=f"has {count} slices; wanted at least 3"):
        read_ct(tmp_path)
