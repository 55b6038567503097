"""What the numbers say: HU, padding, or no CT at all. Through `.mha`, and `.nii.gz` for the rescale."""

import numpy as np
import pytest
from scan_writers import MARK_HU, volume, write_itk

from lungmonai.errors import DamagedError, NotCTError
from lungmonai.io import read_ct


def read(tmp_path, values):
    return read_ct(write_itk(tmp_path / "scan.mha", values))


@pytest.mark.parametrize("dtype", ["i2", "i4", "i8", "f4", "f8"])
def test_number_types_that_hold_hu(tmp_path, dtype):
    np.testing.assert_array_equal(read(tmp_path, volume().astype(dtype)).hu, volume())


def test_floats_are_rounded(tmp_path):
    np.testing.assert_array_equal(read(tmp_path, volume() + 0.4).hu, volume())
    np.testing.assert_array_equal(read(tmp_path, volume() - 0.4).hu, volume())


@pytest.mark.parametrize("padding", [-1025, -1500, -2000, -2048, -3024, -32768])
def test_padding_becomes_air_with_a_note(tmp_path, padding):
    hu = volume()
    hu[:, :3, :3] = padding

    scan = read(tmp_path, hu)

    assert (scan.hu[:, :3, :3] == -1000).all()
    assert scan.notes == (
        f"54 voxels below -1024 HU (lowest {padding}), padding or noise, are now -1000 HU.",
    )
    np.testing.assert_array_equal(scan.hu[:, 3:], hu[:, 3:])


def test_most_of_a_scan_may_be_padding(tmp_path):
    hu = np.full((6, 20, 20), -2000, np.int16)
    hu[:, 6:14, 6:14] = np.arange(-990, -990 + 6 * 64 * 3, 3).reshape(6, 8, 8)
    assert (read(tmp_path, hu).hu[:, 0] == -1000).all()


def test_minus_1024_is_no_padding(tmp_path):
    hu = volume()
    hu[0] = -1024
    scan = read(tmp_path, hu)
    assert (scan.hu[0] == -1024).all()
    assert scan.notes == ()


def test_metal_on_the_extended_scale(tmp_path):
    hu = volume()
    hu[2:4, 2:4, 2:4] = 30_000
    assert read(tmp_path, hu).hu.max() == 30_000


@pytest.mark.parametrize("value", [0, -1000, 40])
def test_constant(tmp_path, value):
    with pytest.raises(NotCTError, match=rf"has no contrast: all values lie from {value} to {value}"):
        read(tmp_path, np.full((5, 6, 7), value, np.int16))


def test_normalised_intensities(tmp_path):
    with pytest.raises(NotCTError, match="has no contrast: all values lie from -1 to 1"):
        read(tmp_path, np.clip(volume() / 1000, -1, 1).astype(np.float32))


def test_windowed_display_image(tmp_path):
    display = np.interp(volume(), [-1000, 400], [0, 255]).astype(np.uint8)
    with pytest.raises(NotCTError, match=r"is not in HU: values from .* look like a display image or a mask"):
        read(tmp_path, display)


def test_mask(tmp_path):
    with pytest.raises(NotCTError, match="from 0 to 1 look like a display image or a mask"):
        read(tmp_path, (volume() > 0).astype(np.uint8))


def test_rescale_not_applied(tmp_path):
    with pytest.raises(NotCTError, match=f"to {MARK_HU + 1024}, none below 0; .*rescale intercept"):
        read(tmp_path, (volume() + 1024).astype(np.uint16))


def test_wrong_byte_order(tmp_path):
    with pytest.raises(DamagedError, match=r"of its voxels outside -1100 to 3100 HU .*Check byte order"):
        read(tmp_path, volume().byteswap())


def test_wrapped_unsigned(tmp_path):
    with pytest.raises(DamagedError, match=r"has values from .* to .*, not Hounsfield units in 16 bits"):
        read(tmp_path, volume().astype(np.uint16))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e9])
def test_not_finite_or_too_large(tmp_path, value):
    values = volume().astype(np.float32)
    values[1, 1, 1] = value
    with pytest.raises(
        DamagedError, match="not Hounsfield units in 16 bits; wanted -32768 to 32767, all finite"
    ):
        read(tmp_path, values)
