"""The check of a scan on disk: what is good passes without being read whole, what is bad says why."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from luna16_folder import FLIPPED
from scan_writers import Geometry, replace_text, volume, write_itk

from lungmonai.data.luna16.scan_check import ScanCheck, check_scan
from lungmonai.io import read_ct


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("direction", [np.eye(3), FLIPPED], ids=["plain", "flipped"])
def test_a_good_scan_has_the_geometry_that_itk_reads(tmp_path: Path, compress: bool, direction) -> None:
    path = write_itk(tmp_path / "scan.mhd", geometry=Geometry(direction=direction), compress=compress)
    check = check_scan(path)
    assert check.reason == ""
    image = sitk.ReadImage(str(path))
    for vox in ((0, 0, 0), (4, 2, 7), (5, 7, 9)):
        wanted = image.TransformIndexToPhysicalPoint(vox[::-1])
        assert check.geometry().lps_from_vox(vox).tolist() == pytest.approx(wanted)
    assert check.geometry().shape == image.GetSize()[::-1]
    names = {path.name, "scan.zraw" if compress else "scan.raw"}
    assert {name for name, _, _ in check.files} == names


def test_a_scan_and_its_check_survive_json(tmp_path: Path) -> None:
    turned = np.array([[0.96, 0.28, 0], [-0.28, 0.96, 0], [0, 0, 1]])
    check = check_scan(
        write_itk(tmp_path / "scan.mhd", geometry=Geometry((0.1, 0.7, 1 / 3), direction=turned))
    )
    again = ScanCheck.from_json(json.loads(json.dumps(check.as_json())))
    assert vars(again) == vars(check)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0\0")


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def positive(path: Path) -> None:
    path.write_bytes((volume() + 1024).astype("<i2").tobytes())


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("raw", truncate, "scan.mhd is truncated: it holds 860 bytes of voxels; wanted 960 bytes. Copy"),
        ("raw", lengthen, "scan.mhd is oversized: it holds 962 bytes of voxels"),
        ("raw", Path.unlink, "scan.mhd names the data file 'scan.raw', which is not beside it"),
        ("raw", positive, "scan.mhd is not in HU: values from "),
        ("zraw", flip_a_byte, "scan.mhd holds a corrupt compressed stream"),
        ("zraw", truncate, "scan.mhd has "),
        ("zraw", Path.unlink, "scan.mhd names the data file 'scan.zraw'"),
    ],
    ids=["truncated", "oversized", "missing", "no HU", "flipped byte", "short stream", "no stream"],
)
def test_a_bad_scan_gives_one_line_without_its_folder(tmp_path: Path, name: str, spoil, reason: str) -> None:
    path = write_itk(tmp_path / "scan.mhd", compress=name == "zraw")
    spoil(path.with_suffix(f".{name}"))
    check = check_scan(path)
    assert check.reason.startswith(reason)
    assert "\n" not in check.reason
    assert str(tmp_path) not in check.reason
    assert check.shape == ()


def test_a_compressed_scan_is_decompressed_to_its_end(tmp_path: Path) -> None:
    path = write_itk(tmp_path / "scan.mhd", compress=True)
    short = zlib.compress(volume().tobytes()[:-2])
    path.with_suffix(".zraw").write_bytes(short)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("CompressedDataSize")))
    assert "truncated: it holds 958 bytes of voxels in its compressed stream" in check_scan(path).reason


def test_a_bad_header_is_a_reason(tmp_path: Path) -> None:
    path = write_itk(tmp_path / "scan.mhd")
    replace_text(path, "ElementSpacing = ", "ElementSpacing = -")
    assert check_scan(path).reason.startswith("scan.mhd has the voxel spacing [-0.7, 0.8, 2.5] mm")
    path.write_bytes(b"\0" * 50)
    assert "header" in check_scan(path).reason
    path.unlink()
    assert check_scan(path).reason.startswith("scan.mhd does not exist")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scan.mhd")
    assert check_scan(tmp_path / "scan.mhd").reason.startswith("scan.mhd is a device or pipe")


@pytest.mark.parametrize(
    "change", [{"shape": ["a", 2, 3]}, {"shape": [2, 3]}, {"affine_lps": [[1, 2]]}, {"affine_lps": "abcd"}]
)
def test_a_check_that_is_none_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    said = check_scan(write_itk(tmp_path / "scan.mhd")).as_json()
    with pytest.raises((ValueError, TypeError)):
        ScanCheck.from_json({**said, **change})


def test_the_check_and_the_reader_agree(tmp_path: Path) -> None:
    path = write_itk(tmp_path / "scan.mhd")
    assert check_scan(path).shape == read_ct(path).shape
    np.testing.assert_array_equal(check_scan(path).affine_lps, read_ct(path).affine_lps)


def test_only_the_middle_of_a_plain_scan_is_looked_at(tmp_path: Path) -> None:
    path = write_itk(tmp_path / "scan.mhd")
    raw = path.with_suffix(".raw")
    content = volume()
    content[0] = 30_000  # nonsense in the first slice: `read_ct` would find it
    raw.write_bytes(content.astype("<i2").tobytes())
    assert check_scan(path).reason == ""
    content[3] = 30_000
    raw.write_bytes(content.astype("<i2").tobytes())
    assert check_scan(path).reason != ""
