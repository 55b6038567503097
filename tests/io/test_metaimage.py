"""MetaImage headers: what is trusted, and what is refused before a voxel is read."""

import os
import zlib

import numpy as np
import pytest
from scan_writers import replace_text, volume, write_itk

from lungmonai.errors import DamagedError, GeometryError, NotCTError
from lungmonai.io import read_ct

BYTES = 6 * 8 * 10 * 2


@pytest.fixture
def mhd(tmp_path):
    return write_itk(tmp_path / "scan.mhd")


@pytest.fixture
def packed(tmp_path):
    return write_itk(tmp_path / "scan.mhd", compress=True)


def drop_line(path, key):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not line.startswith(key.encode())))
    return path


def test_big_endian(mhd):
    replace_text(mhd, "BinaryDataByteOrderMSB = False", "BinaryDataByteOrderMSB = True")
    raw = mhd.with_suffix(".raw")
    raw.write_bytes(volume().byteswap().tobytes())
    np.testing.assert_array_equal(read_ct(mhd).hu, volume())


def test_element_size_serves_as_spacing(mhd):
    replace_text(mhd, "ElementSpacing", "ElementSize")
    assert read_ct(mhd).spacing_mm == pytest.approx((0.7, 0.8, 2.5))


@pytest.mark.parametrize(
    "name",
    [
        "../scan.raw",
        "/etc/passwd",
        "/dev/zero",
        "..",
        "sub/scan.raw",
        "..\\scan.raw",
        "slice%03d.raw 1 6 1",
        "LIST",
        "",
    ],
)
def test_data_file_elsewhere(mhd, name):
    replace_text(mhd, "ElementDataFile = scan.raw", f"ElementDataFile = {name}")
    with pytest.raises(
        DamagedError, match=r"names the data file .*; wanted a plain file name in the header's own folder"
    ):
        read_ct(mhd)


def test_data_file_missing(mhd):
    mhd.with_suffix(".raw").unlink()
    with pytest.raises(DamagedError, match=r"names the data file 'scan\.raw', which is not beside it"):
        read_ct(mhd)


@pytest.mark.parametrize("target", ["/dev/zero", "elsewhere/real.raw"])
def test_data_file_is_a_link_out_of_the_folder(mhd, tmp_path, target):
    (tmp_path / "elsewhere").mkdir()
    raw = mhd.with_suffix(".raw")
    (tmp_path / "elsewhere" / "real.raw").write_bytes(raw.read_bytes())
    raw.unlink()
    raw.symlink_to(tmp_path / target)
    with pytest.raises(DamagedError, match="a link or device that leads to"):
        read_ct(mhd)


def test_data_file_is_a_pipe(mhd):
    mhd.with_suffix(".raw").unlink()
    os.mkfifo(mhd.with_suffix(".raw"))
    with pytest.raises(DamagedError, match="a link or device that leads to"):
        read_ct(mhd)


@pytest.mark.parametrize("change", [-1, -480, +1, +2])
def test_raw_of_another_length(mhd, change):
    raw = mhd.with_suffix(".raw")
    content = raw.read_bytes()
    raw.write_bytes(content[:change] if change < 0 else content + bytes(change))
    what = "truncated" if change < 0 else "oversized"
    with pytest.raises(
        DamagedError, match=f"is {what}: it holds {BYTES + change:,} bytes of voxels; wanted {BYTES} bytes"
    ):
        read_ct(mhd)


def test_local_data_truncated(tmp_path):
    path = write_itk(tmp_path / "scan.mha")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(
        DamagedError, match=f"is truncated: it holds {BYTES - 10} bytes of voxels; wanted {BYTES} bytes"
    ):
        read_ct(path)


def test_compressed_size_differs(packed):
    zraw = packed.with_suffix(".zraw")
    zraw.write_bytes(zraw.read_bytes()[:-5])
    with pytest.raises(DamagedError, match="compressed bytes, truncated; wanted CompressedDataSize"):
        read_ct(packed)


def test_compressed_stream_truncated(packed):
    drop_line(packed, "CompressedDataSize")
    zraw = packed.with_suffix(".zraw")
    zraw.write_bytes(zraw.read_bytes()[:-50])
    with pytest.raises(
        DamagedError, match=f"is truncated: .* in its compressed stream; wanted {BYTES} bytes"
    ):
        read_ct(packed)


def test_compressed_stream_without_its_checksum(packed):
    drop_line(packed, "CompressedDataSize")
    zraw = packed.with_suffix(".zraw")
    zraw.write_bytes(zraw.read_bytes()[:-2])
    with pytest.raises(DamagedError, match="is truncated"):
        read_ct(packed)


def test_compressed_stream_corrupt(packed):
    zraw = packed.with_suffix(".zraw")
    content = bytearray(zraw.read_bytes())
    content[len(content) // 2] ^= 0xFF
    zraw.write_bytes(content)
    with pytest.raises(DamagedError, match="holds a corrupt compressed stream after"):
        read_ct(packed)


def test_bomb_is_not_inflated(packed):
    drop_line(packed, "CompressedDataSize")
    packed.with_suffix(".zraw").write_bytes(zlib.compress(bytes(50_000_000)))
    with pytest.raises(
        DamagedError, match=f"is oversized: it holds more bytes of voxels; wanted {BYTES} bytes"
    ):
        read_ct(packed)


def test_size_that_would_fill_the_memory(mhd):
    replace_text(mhd, "DimSize = 10 8 6", "DimSize = 100000 100000 100000")
    with pytest.raises(NotCTError, match="1,000,000,000,000,000 voxels; wanted at most 1,073,741,824"):
        read_ct(mhd)


@pytest.mark.parametrize("sizes", ["10 8", "10 8 6 1", "10 8 x", "10 8 6.0", ""])
def test_sizes_that_are_not_three_integers(mhd, sizes):
    replace_text(mhd, "DimSize = 10 8 6", f"DimSize = {sizes}")
    with pytest.raises(DamagedError, match=r"has DimSize = .*; wanted 3 numbers"):
        read_ct(mhd)


def test_negative_size(mhd):
    replace_text(mhd, "DimSize = 10 8 6", "DimSize = -10 -8 6")
    with pytest.raises(NotCTError, match="has the size -10×-8×6"):
        read_ct(mhd)


@pytest.mark.parametrize(
    ("old", "new"), [("NDims = 3", "NDims = 4"), ("NDims = 3", "NDims = 3\nElementNumberOfChannels = 3")]
)
def test_not_three_dimensions_of_one_channel(mhd, old, new):
    replace_text(mhd, old, new)
    with pytest.raises(NotCTError, match="wanted NDims = 3 and 1 channel"):
        read_ct(mhd)


def test_no_spacing(mhd):
    with pytest.raises(GeometryError, match="has no ElementSpacing"):
        read_ct(drop_line(mhd, "ElementSpacing"))


@pytest.mark.parametrize(
    "spacing", ["0 0.8 2.5", "-0.7 0.8 2.5", "nan 0.8 2.5", "inf 0.8 2.5", "0.0007 0.0008 0.0025"]
)
def test_spacing_that_is_none(mhd, spacing):
    replace_text(mhd, "ElementSpacing = ", f"ElementSpacing = {spacing}\nWas = ")
    with pytest.raises(
        GeometryError, match=r"has the voxel spacing .*; wanted three spacings from 0.05 to 25.0 mm"
    ):
        read_ct(mhd)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "matrix", ["1 0.1 0 0 1 0 0 0 1", "2 0 0 0 1 0 0 0 1", "0 0 0 0 0 0 0 0 0", "1e308 0 0 0 1e308 0 0 0 1"]
)
def test_sheared_direction(mhd, matrix):
    replace_text(mhd, "TransformMatrix = 1 0 0 0 1 0 0 0 1", f"TransformMatrix = {matrix}")
    with pytest.raises(GeometryError, match="sheared axes or a direction that is not orthonormal"):
        read_ct(mhd)


def test_direction_that_is_not_finite(mhd):
    replace_text(mhd, "TransformMatrix = 1", "TransformMatrix = nan")
    with pytest.raises(GeometryError, match="direction that is not finite"):
        read_ct(mhd)


def test_origin_that_is_not_finite(mhd):
    replace_text(mhd, "Offset = -101.5", "Offset = nan")
    with pytest.raises(GeometryError, match="geometry that is not finite"):
        read_ct(mhd)


def test_element_type(mhd):
    replace_text(mhd, "MET_SHORT", "MET_STRING")
    with pytest.raises(NotCTError, match="has ElementType = MET_STRING; wanted MET_SHORT"):
        read_ct(mhd)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("BinaryData = True", "BinaryData = False", "voxels written as text"),
        ("NDims = 3", "NDims = 3\nHeaderSize = -1", "HeaderSize = -1"),
        ("NDims = 3", "NDims = 3\nNDims = 3", "NDims twice in its header"),
        ("NDims = 3", "NDims = 3\nhello", "the header line 'hello'"),
        ("CompressedData = False", "CompressedData = maybe", "CompressedData = maybe; wanted True or False"),
        ("ElementDataFile", "Data", "no ElementDataFile in its header"),
    ],
)
def test_other_header_faults(mhd, old, new, message):
    replace_text(mhd, old, new)
    with pytest.raises(DamagedError, match=message):
        read_ct(mhd)
