"""Every format gives the same scan, whichever way round it is stored."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scan_writers import KINDS, MARK, SERIES, Geometry, itk_image, volume, write_any, write_dicom, write_itk

from lungmonai.errors import NotCTError, ScanError, SettingsError
from lungmonai.io import read_ct


def rotation(x: float, y: float, z: float) -> np.ndarray:
    return np.array(sitk.Euler3DTransform((0, 0, 0), x, y, z).GetMatrix()).reshape(3, 3)


DIRECTIONS = {
    "axial": np.eye(3),
    "luna16 turned": np.diag([-1.0, -1.0, 1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "mirrored columns": np.diag([-1.0, 1.0, 1.0]),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "sagittal": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    "oblique": rotation(0.1, -0.2, 0.3),
    "oblique, mirrored": rotation(-0.3, 0.15, 2.9) @ np.diag([1.0, 1.0, -1.0]),
}


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_a_marked_voxel_is_found_at_its_place(tmp_path, kind, direction):
    geometry = Geometry(direction=direction)
    scan = read_ct(write_any(tmp_path, kind, geometry=geometry))

    for one in (scan, scan.canonical()):
        found = np.unravel_index(one.hu.argmax(), one.hu.shape)
        np.testing.assert_allclose(one.lps_from_vox(found), geometry.lps(MARK), atol=0.01)
    assert sorted(scan.hu.ravel()) == sorted(volume().ravel())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("dicom", ".zip")])
def test_stored_orientation_is_kept(tmp_path, kind):
    scan = read_ct(write_any(tmp_path, kind, geometry=Geometry(direction=DIRECTIONS["left-handed"])))

    np.testing.assert_array_equal(scan.hu, volume())
    assert scan.hu.dtype == np.int16
    assert scan.hu.flags.c_contiguous
    np.testing.assert_allclose(scan.affine_lps[:3, :3], np.diag([0.7, 0.8, -2.5]), atol=1e-6)


@pytest.mark.parametrize(
    "code", ["".join(c) for p in itertools.permutations(("LR", "PA", "SI")) for c in itertools.product(*p)]
)
def test_one_patient_in_all_48_orders_is_the_same_scan(tmp_path, code):
    oblique = Geometry(direction=rotation(0.05, 0.1, -0.1))
    sitk.WriteImage(sitk.DICOMOrient(itk_image(volume(), oblique), code), str(tmp_path / "scan.mha"))

    scan = read_ct(tmp_path / "scan.mha").canonical()

    np.testing.assert_array_equal(scan.hu, volume())
    np.testing.assert_allclose(scan.lps_from_vox(MARK), oblique.lps(MARK), atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_same_spacing_and_nothing_noted(tmp_path, kind):
    scan = read_ct(write_any(tmp_path, kind))

    assert scan.spacing_mm == pytest.approx((0.7, 0.8, 2.5), abs=1e-6)
    assert scan.notes == ()
    assert scan.source.startswith(str(tmp_path))


def test_the_uid_is_the_name_without_its_suffix_only(tmp_path):
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001"
    assert read_ct(write_itk(tmp_path / f"{uid}.mhd")).series_uid == uid
    assert read_ct(write_itk(tmp_path / f"{uid}.nii.gz")).series_uid == uid
    assert read_ct(write_dicom(tmp_path / "dicom")).series_uid == SERIES


def test_a_plain_raw_file_is_mapped_and_never_written_to(tmp_path):
    path = write_itk(tmp_path / "scan.mhd")
    before = (tmp_path / "scan.raw").read_bytes()

    scan = read_ct(path)
    assert isinstance(scan.hu.base, np.memmap)
    scan.hu[0] = 7

    assert (tmp_path / "scan.raw").read_bytes() == before


def test_path_may_be_text(tmp_path):
    assert read_ct(str(write_itk(tmp_path / "scan.mha"))).series_uid == "scan"


def test_missing_path(tmp_path):
    with pytest.raises(ScanError, match=r"nothing\.mhd does not exist; wanted a CT file or DICOM folder"):
        read_ct(tmp_path / "nothing.mhd")


def test_unknown_suffix(tmp_path):
    (tmp_path / "scan.png").write_bytes(b"\x89PNG" + bytes(200))
    with pytest.raises(NotCTError, match=r"has the suffix '\.png'; wanted \.nii\.gz, \.mhd"):
        read_ct(tmp_path / "scan.png")


def test_voxels_without_their_header(tmp_path):
    write_itk(tmp_path / "scan.mhd")
    with pytest.raises(NotCTError, match=r"voxels without a header; .* Give .*scan\.mhd instead"):
        read_ct(tmp_path / "scan.raw")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "scan.mhd")
    with pytest.raises(ScanError, match="is a device or pipe"):
        read_ct(tmp_path / "scan.mhd")


def test_series_of_a_single_volume(tmp_path):
    path = write_itk(tmp_path / "scan.mhd")
    assert read_ct(path, series="scan").series_uid == "scan"
    with pytest.raises(
        SettingsError, match=r"series '1\.2\.3' was asked of .*scan\.mhd, which holds one volume"
    ):
        read_ct(path, series="1.2.3")


@pytest.mark.parametrize("kind", [".mhd", ".mha", ".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize("shape", [(2, 8, 10), (6, 2, 10), (6, 8, 2)])
def test_fewer_than_three_voxels_along_an_axis(tmp_path, kind, shape):
    hu = np.linspace(-1000, 500, np.prod(shape)).astype(np.int16).reshape(shape)
    with pytest.raises(
        NotCTError,
        match=f"has the size {shape[2]}×{shape[1]}×{shape[0]}; wanted three dimensions of at least 3",
    ):
        read_ct(write_any(tmp_path, kind, hu))


@pytest.mark.parametrize("kind", [".mhd", ".mhd+z", ".nhdr"])
def test_names_in_any_script(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "患者 ünï"
    folder.mkdir()
    suffix, _, packed = kind.partition("+")
    path = write_itk(folder / f"扫描 scän{suffix}", compress=bool(packed))
    assert read_ct(path).series_uid == "扫描 scän"
