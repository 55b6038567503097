"""A zip of a DICOM folder."""

import stat
import struct
import tempfile
import zipfile

import numpy as np
import pytest
from scan_writers import SERIES, slice_at, volume, write_dicom, write_itk, write_zip

from lungmonai.errors import DamagedError, NotCTError, ScanError
from lungmonai.io import dicom_zip, list_series, read_ct


@pytest.fixture
def packed(tmp_path):
    return write_zip(tmp_path / "scan.zip", write_dicom(tmp_path / "dicom"))


def add(path, name, content=b"x", *, link=False):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = ((stat.S_IFLNK if link else stat.S_IFREG) | 0o644) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, content)


def test_read_and_leave_nothing_behind(packed, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    scan = read_ct(packed)
    np.testing.assert_array_equal(scan.hu, volume())
    assert (scan.series_uid, scan.source) == (SERIES, str(packed))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_list_series(packed):
    assert [(one.uid, one.slices) for one in list_series(packed)] == [(SERIES, 6)]


@pytest.mark.parametrize(
    "name", ["../evil.dcm", "a/../../evil.dcm", "/tmp/evil.dcm", "a\\..\\..\\evil.dcm", "C:evil.dcm"]
)
def test_entry_that_would_leave_the_folder(packed, name):
    add(packed, name)
    with pytest.raises(
        ScanError, match="a link or outside of the folder; wanted plain files below one folder"
    ):
        read_ct(packed)


def test_entry_that_is_a_link(packed):
    add(packed, "link.dcm", b"/etc/passwd", link=True)
    with pytest.raises(ScanError, match=r"has the entry 'link\.dcm', a link or outside"):
        read_ct(packed)


def test_encrypted(packed):
    content = bytearray(packed.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    content[at + 8] |= 1
    packed.write_bytes(content)
    with pytest.raises(ScanError, match="is encrypted"):
        read_ct(packed)


def test_too_large_is_stopped_while_unpacking(packed, monkeypatch):
    monkeypatch.setattr(dicom_zip, "MAX_UNZIPPED_BYTES", 2_000)
    with pytest.raises(ScanError, match="unpacks to more than 2,000 bytes"):
        read_ct(packed)


def test_too_many_entries(packed, monkeypatch):
    monkeypatch.setattr(dicom_zip, "MAX_ENTRIES", 5)
    with pytest.raises(ScanError, match="holds 6 entries; wanted at most 5"):
        read_ct(packed)


def test_truncated(packed):
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(DamagedError, match="cannot be unpacked"):
        read_ct(packed)


def test_flipped_byte(packed):
    content = bytearray(packed.read_bytes())
    name, extra = struct.unpack_from("<HH", content, 26)
    content[30 + name + extra + 200] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(DamagedError, match="cannot be unpacked"):
        read_ct(packed)


def test_no_dicom_inside(tmp_path):
    (tmp_path / "scan").mkdir()
    write_itk(tmp_path / "scan" / "scan.mha")
    with pytest.raises(NotCTError, match=r"scan\.zip holds no DICOM file"):
        read_ct(write_zip(tmp_path / "scan.zip", tmp_path / "scan"))


def test_messages_name_the_zip_and_the_slice(tmp_path):
    path = slice_at(write_dicom(tmp_path / "dicom"), 3)
    path.write_bytes(path.read_bytes()[:-30])
    packed = write_zip(tmp_path / "scan.zip", tmp_path / "dicom")
    with pytest.raises(DamagedError, match=rf"scan\.zip: patient/scan/{path.name} holds 130 bytes"):
        read_ct(packed)
