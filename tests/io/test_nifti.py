"""NIfTI headers."""

import gzip

import nibabel as nib
import numpy as np
import pytest
from scan_writers import MARK, Geometry, volume, write_itk

from lungmonai.errors import DamagedError, GeometryError, NotCTError
from lungmonai.io import read_ct

RAS = np.diag([-0.7, -0.8, 2.5, 1.0])


def write(path, hu=None, *, header=nib.Nifti1Header, affine=RAS, sform=1, qform=1, **fields):
    """Write with nibabel, then set raw header fields in the file."""
    values = (volume() if hu is None else hu).transpose(2, 1, 0)
    kind = nib.Nifti2Image if header is nib.Nifti2Header else nib.Nifti1Image
    image = kind(values, affine, header=header(), dtype=values.dtype)
    image.set_sform(affine, sform)
    image.set_qform(affine, qform)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    patch(path, header, **fields)
    return path


def patch(path, header=nib.Nifti1Header, **fields):
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "rb") as file:
        content = file.read()
    size = header.sizeof_hdr
    parsed = header(content[:size], check=False)
    for key, value in fields.items():
        parsed[key] = value
    with opener(path, "wb") as file:
        file.write(parsed.binaryblock + content[size:])


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("header", [nib.Nifti1Header, nib.Nifti2Header])
def test_version_1_and_2(tmp_path, suffix, header):
    scan = read_ct(write(tmp_path / f"scan{suffix}", header=header))
    np.testing.assert_array_equal(scan.hu, volume())
    np.testing.assert_allclose(scan.affine_lps, np.diag([0.7, 0.8, 2.5, 1.0]), atol=1e-6)


def test_big_endian(tmp_path):
    image = nib.Nifti1Image(volume().transpose(2, 1, 0), RAS, header=nib.Nifti1Header(endianness=">"))
    image.set_sform(RAS, 1)
    image.header.set_xyzt_units("mm")
    nib.save(image, tmp_path / "scan.nii")
    assert nib.load(tmp_path / "scan.nii").header.endianness == ">"
    np.testing.assert_array_equal(read_ct(tmp_path / "scan.nii").hu, volume())


def test_time_axis_of_length_one(tmp_path):
    image = nib.Nifti1Image(volume().transpose(2, 1, 0)[..., None], RAS)
    nib.save(image, tmp_path / "scan.nii")
    np.testing.assert_array_equal(read_ct(tmp_path / "scan.nii").hu, volume())


@pytest.mark.parametrize(("sform", "qform"), [(1, 0), (0, 1), (2, 4)])
def test_either_transform_will_do(tmp_path, sform, qform):
    scan = read_ct(write(tmp_path / "scan.nii", sform=sform, qform=qform))
    np.testing.assert_allclose(scan.affine_lps, np.diag([0.7, 0.8, 2.5, 1.0]), atol=1e-6)
    assert scan.notes == ()


def test_rescale(tmp_path):
    path = write(
        tmp_path / "scan.nii", ((volume() + 1024) * 2).astype(np.int16), scl_slope=0.5, scl_inter=-1024
    )
    np.testing.assert_array_equal(read_ct(path).hu, volume())


@pytest.mark.parametrize("slope", [0, np.nan])
def test_no_rescale(tmp_path, slope):
    path = write(tmp_path / "scan.nii", scl_slope=slope, scl_inter=-5)
    np.testing.assert_array_equal(read_ct(path).hu, volume())


def test_rescale_not_finite(tmp_path):
    with pytest.raises(DamagedError, match="has scl_slope inf"):
        read_ct(write(tmp_path / "scan.nii", scl_slope=np.inf))


@pytest.mark.parametrize(("unit", "scale"), [("meter", 1000.0), ("micron", 0.001)])
def test_other_units_are_converted(tmp_path, unit, scale):
    affine = RAS.copy()
    affine[:3] /= scale
    path = write(tmp_path / "scan.nii", affine=affine, xyzt_units={"meter": 1, "micron": 3}[unit])
    scan = read_ct(path)
    assert scan.spacing_mm == pytest.approx((0.7, 0.8, 2.5), rel=1e-5)
    assert scan.notes == (f"Lengths were scaled by {scale:g} to millimetres.",)


def test_unknown_unit_code(tmp_path):
    with pytest.raises(GeometryError, match="has the length unit code 5"):
        read_ct(write(tmp_path / "scan.nii", xyzt_units=5))


def test_no_orientation(tmp_path):
    with pytest.raises(
        GeometryError, match="has sform_code 0 and qform_code 0, so its orientation is unknown"
    ):
        read_ct(write(tmp_path / "scan.nii", sform_code=0, qform_code=0))


def test_transforms_that_differ_are_noted(tmp_path):
    path = write(tmp_path / "scan.nii", qoffset_x=20)
    scan = read_ct(path)
    assert scan.notes == ("sform and qform differ by up to 20 mm; the sform was taken.",)
    np.testing.assert_allclose(scan.affine_lps[:3, 3], 0)


@pytest.mark.parametrize("pixdim", [0, -0.8, np.nan])
def test_pixdim_not_positive(tmp_path, pixdim):
    with pytest.raises(GeometryError, match=r"has pixdim .*; wanted three positive spacings"):
        read_ct(write(tmp_path / "scan.nii", pixdim=[1, 0.7, pixdim, 2.5, 1, 1, 1, 1]))


def test_sheared_sform(tmp_path):
    affine = RAS.copy()
    affine[0, 2] = 0.5
    path = write(tmp_path / "scan.nii")
    patch(path, srow_x=affine[0])
    with pytest.raises(GeometryError, match="sheared axes"):
        read_ct(path)


def test_quaternion_that_is_no_rotation(tmp_path):
    path = write(tmp_path / "scan.nii", sform_code=0, quatern_b=2.0)
    with pytest.raises(GeometryError, match="has a qform that is no rotation"):
        read_ct(path)


def test_series_in_time(tmp_path):
    image = nib.Nifti1Image(np.stack([volume().transpose(2, 1, 0)] * 2, -1), RAS)
    nib.save(image, tmp_path / "scan.nii")
    with pytest.raises(NotCTError, match=r"has the dimensions \[10, 8, 6, 2\]"):
        read_ct(tmp_path / "scan.nii")


def test_colour(tmp_path):
    rgb = np.zeros((10, 8, 6), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(rgb, RAS), tmp_path / "scan.nii")
    with pytest.raises(NotCTError, match="has the data type code 128"):
        read_ct(tmp_path / "scan.nii")


def test_unknown_type_code(tmp_path):
    with pytest.raises(NotCTError, match="has the data type code 99"):
        read_ct(write(tmp_path / "scan.nii", datatype=99))


@pytest.mark.parametrize("cut", [1, 300])
def test_truncated(tmp_path, cut):
    path = write(tmp_path / "scan.nii")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(
        DamagedError, match=f"is truncated: it holds {960 - cut} bytes of voxels; wanted 960 bytes"
    ):
        read_ct(path)


def test_oversized(tmp_path):
    path = write(tmp_path / "scan.nii")
    path.write_bytes(path.read_bytes() + b"\0\0")
    with pytest.raises(DamagedError, match="is oversized"):
        read_ct(path)


def test_gzip_truncated(tmp_path):
    path = write(tmp_path / "scan.nii.gz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DamagedError, match=r"is truncated: .* in its compressed stream"):
        read_ct(path)


def test_gzip_corrupt(tmp_path):
    path = write(tmp_path / "scan.nii.gz")
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="corrupt compressed stream"):
        read_ct(path)


def test_gzip_of_several_members(tmp_path):
    content = gzip.decompress(write(tmp_path / "one.nii.gz").read_bytes())
    path = tmp_path / "two.nii.gz"
    path.write_bytes(gzip.compress(content[:700]) + gzip.compress(content[700:]))
    np.testing.assert_array_equal(read_ct(path).hu, volume())


def test_size_that_would_fill_the_memory(tmp_path):
    with pytest.raises(NotCTError, match="wanted at most 1,073,741,824"):
        read_ct(write(tmp_path / "scan.nii", dim=[3, 32000, 32000, 6, 1, 1, 1, 1]))


@pytest.mark.parametrize("offset", [0, -352, 352.5, np.nan, 1e30])
def test_offset_of_voxels(tmp_path, offset):
    with pytest.raises(DamagedError, match="has vox_offset"):
        read_ct(write(tmp_path / "scan.nii", vox_offset=offset))


def test_not_nifti(tmp_path):
    (tmp_path / "scan.nii").write_bytes(b"hello" * 200)
    with pytest.raises(DamagedError, match="does not begin with a NIfTI header"):
        read_ct(tmp_path / "scan.nii")
    (tmp_path / "empty.nii").write_bytes(b"")
    with pytest.raises(DamagedError, match=r"does not begin with a NIfTI header \(0 bytes"):
        read_ct(tmp_path / "empty.nii")


def test_header_of_a_pair(tmp_path):
    with pytest.raises(DamagedError, match=r"wanted n.1 or n.2, header and voxels in one file"):
        read_ct(write(tmp_path / "scan.nii", magic=b"ni1"))


def test_same_as_simpleitk(tmp_path):
    scan = read_ct(write_itk(tmp_path / "scan.nii.gz"))
    np.testing.assert_allclose(scan.lps_from_vox(MARK), Geometry().lps(MARK), atol=1e-4)
