"""Equal voxels are found whatever the file's format and storage order; unequal ones are not."""

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scan_writers import KINDS, Geometry, itk_image, volume, write_any, write_itk

from lungmonai.data.audit.content import Contents, compare_contents

# Ways to store one scan, named by where columns, rows and slices begin.
ORIENTATIONS = ("RAI", "LPI", "RAS", "LPS", "ARI", "IRA")


def compared(first: Path, second: Path) -> Contents:
    return compare_contents([[first], [second]])


def equal(contents: Contents) -> bool:
    assert not contents.unread
    return len(contents.wholes) == 2 and len(set(contents.wholes.values())) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_any_format(kind: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    assert equal(compared(write_any(tmp_path, ".mhd"), write_any(other, kind)))


@pytest.mark.parametrize("slices", [6, 7])
@pytest.mark.parametrize("code", ORIENTATIONS)
@pytest.mark.parametrize("name", ["b.mhd", "b.nii.gz"])
def test_any_storage_order(slices: int, code: str, name: str, tmp_path: Path) -> None:
    image = itk_image(volume((slices, 8, 10)), Geometry())
    sitk.WriteImage(image, str(tmp_path / "a.mhd"))
    sitk.WriteImage(sitk.DICOMOrient(image, code), str(tmp_path / name))
    assert equal(compared(tmp_path / "a.mhd", tmp_path / name))


def test_luna16s_turned_geometry(tmp_path: Path) -> None:
    hu, geometry = volume(), Geometry()
    corner = geometry.lps((0, hu.shape[1] - 1, hu.shape[2] - 1))
    x, y, z = corner.tolist()
    turned = Geometry(geometry.spacing, (x, y, z), np.diag([-1.0, -1.0, 1.0]))
    first = write_itk(tmp_path / "a.mhd", hu, geometry)
    assert equal(compared(first, write_itk(tmp_path / "b.mhd", hu[:, ::-1, ::-1].copy(), turned)))


def test_padding_is_air_mapped_or_read(tmp_path: Path) -> None:
    hu = volume((6, 40, 40))
    hu[:, 0, :] = -2000
    plain, packed = write_itk(tmp_path / "a.mhd", hu), write_itk(tmp_path / "b.mhd", hu, compress=True)
    hu[:, 0, :] = -1000
    assert equal(compared(plain, packed))
    assert equal(compared(plain, write_itk(tmp_path / "c.nii.gz", hu)))


@pytest.mark.parametrize("place", [(0, 0, 0), (5, 7, 9), (3, 1, 1)])
def test_one_voxel_makes_another_scan(place: tuple[int, int, int], tmp_path: Path) -> None:
    hu = volume()
    first = write_itk(tmp_path / "a.mhd", hu)
    hu[place] += 1
    contents = compared(first, write_itk(tmp_path / "b.mhd", hu))
    assert not equal(contents)
    assert (len(set(contents.middles.values())) == 1) == (place[0] != 3)


def test_the_same_numbers_in_another_shape_are_another_scan(tmp_path: Path) -> None:
    hu = volume()
    first = write_itk(tmp_path / "a.mhd", hu)
    contents = compared(first, write_itk(tmp_path / "b.mhd", hu.reshape(6, 10, 8)))
    assert not equal(contents)
    assert len(set(contents.middles.values())) == 2


def test_a_middle_of_one_value_proves_nothing(tmp_path: Path) -> None:
    hu = volume()
    hu[3] = -1000
    first = write_itk(tmp_path / "a.mhd", hu)
    hu[0, 0, 0] += 1
    contents = compared(first, write_itk(tmp_path / "b.mhd", hu))
    assert not contents.middles
    assert len(set(contents.wholes.values())) == 2


def test_only_doubtful_scans_are_hashed_whole(tmp_path: Path) -> None:
    paths = [write_itk(tmp_path / f"{n}.mhd", np.roll(volume(), n, axis=2)) for n in range(4)]
    copy = write_itk(tmp_path / "copy.mhd", volume())
    contents = compare_contents([paths[:2], [*paths[2:], copy]])
    assert contents.wholes.keys() == {paths[0], copy}
    assert contents.middles.keys() == {*paths, copy}


def test_copies_within_one_list_are_nobodys_business(tmp_path: Path) -> None:
    paths = [write_itk(tmp_path / f"{n}.mhd", volume()) for n in range(2)]
    other = write_itk(tmp_path / "other.mhd", np.roll(volume(), 1, axis=2))
    assert not compare_contents([paths, [other]]).wholes


def test_what_cannot_be_read_is_named_and_the_rest_compared(tmp_path: Path) -> None:
    good, copy = (write_itk(tmp_path / f"{name}.mhd", volume()) for name in ("good", "copy"))
    broken = write_itk(tmp_path / "broken.mhd", volume(), compress=True)
    data = tmp_path / "broken.zraw"
    data.write_bytes(data.read_bytes()[:-20])
    text = tmp_path / "scan.txt"
    text.write_text("no scan")
    contents = compare_contents([[good, broken], [copy, text, tmp_path / "absent.mhd"]])
    assert contents.unread.keys() == {broken, text, tmp_path / "absent.mhd"}
    assert "suffix '.txt'" in contents.unread[text]
    assert contents.wholes.keys() == {good, copy}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mhd")
    contents = compared(write_itk(tmp_path / "a.mhd", volume()), tmp_path / "pipe.mhd")
    assert "device or pipe" in contents.unread[tmp_path / "pipe.mhd"]


def test_nothing_is_read_where_nothing_can_be_compared(tmp_path: Path) -> None:
    path = write_itk(tmp_path / "a.mhd", volume())
    assert compare_contents([[path], []]) == Contents()
    assert compare_contents([[path], [tmp_path / "absent.mhd"]]).middles == {}


@pytest.mark.shared_data
def test_a_real_ct_in_dicom_and_its_copy_upside_down(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "ct" / "lung-dx-a0001"
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(next(folder.rglob("*.dcm")).parent))
    image = sitk.Flip(sitk.Cast(sitk.ReadImage(names), sitk.sitkInt16), (False, False, True))
    sitk.WriteImage(image, str(tmp_path / "copy.mhd"), useCompression=True)
    assert equal(compared(folder, tmp_path / "copy.mhd"))
