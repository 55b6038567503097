"""Crops from mapped volumes are those of the scan that `read_ct` reads, whatever the format."""

import logging
import pickle
from multiprocessing import get_context
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scan_writers import KINDS, Geometry, volume, write_any, write_itk

from lungmonai.analysis.classify import crop_starts
from lungmonai.data import mapped
from lungmonai.data.cache.upkeep import cache_entries
from lungmonai.data.mapped import open_volume
from lungmonai.errors import DamagedError, DataError, ScanError, SettingsError
from lungmonai.inferers import SliceContextInferer
from lungmonai.io import read_ct
from lungmonai.networks.shapes import CROP_SHAPE

OBLIQUE = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1.0]])
PLAIN = {".mhd", ".nii", ".nhdr"}
RNG = np.random.default_rng(0)
# Larger than a crop along every axis, so that starts matter.
LARGE = RNG.integers(-1000, 400, (40, 60, 70)).astype(np.int16)


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process keeps must not go from one test to the next."""
    for name in ("_OPEN", "_STORES", "_UNCHECKED"):
        monkeypatch.setattr(mapped, name, {})


def entries(folder: Path) -> list[Path]:
    return sorted(entry.path for entry in cache_entries(folder / "data"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_is_what_read_ct_reads(tmp_path: Path, kind: str) -> None:
    path = write_any(tmp_path, kind, geometry=Geometry(direction=OBLIQUE))
    scan = read_ct(path)
    opened = open_volume(path, tmp_path / "cache")
    assert opened.shape == scan.shape
    assert opened.array.dtype == np.int16
    np.testing.assert_array_equal(opened.array, scan.hu)
    np.testing.assert_array_equal(opened.affine_lps, scan.affine_lps)
    with pytest.raises(ValueError, match="read-only"):
        opened.array[0, 0, 0] = 1
    # Files whose voxels begin at an odd byte are not mapped as they are.
    in_place = opened.entry is None
    assert in_place or kind not in PLAIN
    assert len(entries(tmp_path / "cache")) == (0 if in_place else 1)
    assert not opened.in_memory


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<u2", "<i4", "<f4"])
def test_every_number_type_is_hu(tmp_path: Path, dtype: str) -> None:
    header = write_itk(tmp_path / "scan.mhd", (volume() + (1024 if dtype == "<u2" else 0)).astype(dtype[1:]))
    if dtype == "<u2":
        with pytest.raises(ScanError, match="none below 0"):
            open_volume(header, tmp_path / "cache")
        return
    if dtype == ">i2":
        header.write_text(header.read_text().replace("OrderMSB = False", "OrderMSB = True"))
        np.fromfile(tmp_path / "scan.raw", "<i2").astype(">i2").tofile(tmp_path / "scan.raw")
    np.testing.assert_array_equal(open_volume(header, tmp_path / "cache").array, volume())
    assert len(entries(tmp_path / "cache")) == (dtype != "<i2")


@pytest.fixture(scope="module", params=[".mhd", ".mhd+z"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_any(tmp_path_factory.mktemp("large"), request.param, LARGE)


@given(st.tuples(*(st.floats(-20, 90) for _ in range(3))), st.tuples(*(st.integers(1, 40) for _ in range(3))))
def test_a_crop_by_its_rule(large: Path, center: Any, shape: Any) -> None:
    box, start = open_volume(large).crop(center, shape)
    wanted = [
        min(max(round(c - w / 2), 0), size - w) for c, w, size in zip(center, shape, LARGE.shape, strict=True)
    ]
    assert list(start) == wanted
    cut = tuple(slice(at, at + width) for at, width in zip(wanted, shape, strict=True))
    np.testing.assert_array_equal(box, LARGE[cut])
    box[...] = 0  # a copy
    np.testing.assert_array_equal(open_volume(large).crop(center, shape)[0], LARGE[cut])


def test_the_same_crops_as_the_analysis(large: Path) -> None:
    centers = RNG.integers(0, LARGE.shape, (50, 3))
    starts = [open_volume(large).crop(tuple(center), CROP_SHAPE)[1] for center in centers]
    np.testing.assert_array_equal(starts, crop_starts(centers, LARGE.shape))


def test_a_volume_smaller_than_the_crop_is_filled_up_with_air(tmp_path: Path) -> None:
    scan = open_volume(write_itk(tmp_path / "scan.mhd"))
    box, start = scan.crop((3, 4, 5), (8, 8, 12))
    assert (box.shape, start) == ((8, 8, 12), (0, 0, 0))
    np.testing.assert_array_equal(box[:6, :, :10], volume())
    assert (box[6:] == -1000).all()
    assert (box[:, :, 10:] == -1000).all()


@pytest.mark.parametrize(
    ("center", "shape"), [((np.nan, 0, 0), (2, 2, 2)), ((0, 0, np.inf), (2, 2, 2)), ((0, 0, 0), (2, 0, 2))]
)
def test_a_crop_that_makes_no_sense(large: Path, center: Any, shape: Any) -> None:
    with pytest.raises(SettingsError, match=r"a crop of .* around .*; wanted finite numbers"):
        open_volume(large).crop(center, shape)


@pytest.mark.parametrize("slice_vox", [0, 1, 2, 3, 20, 36, 37, 38, 39])
def test_context_is_what_the_network_sees_in_inference(large: Path, slice_vox: int) -> None:
    seen: list[NDArray[Any]] = []

    def network(windows: torch.Tensor) -> torch.Tensor:
        seen.extend(windows.numpy())
        return windows[:, :1]

    SliceContextInferer()(torch.from_numpy(LARGE.transpose(2, 1, 0)[None, None].copy()), network)
    found = open_volume(large).context(slice_vox, slice(10, 42), slice(5, 37))
    np.testing.assert_array_equal(found, seen[slice_vox][:, 10:42, 5:37])
    alone = open_volume(large).context(slice_vox, neighbours=0)
    np.testing.assert_array_equal(alone, LARGE[slice_vox][None])


@pytest.mark.parametrize("slice_vox", [-1, 40])
def test_context_of_no_slice(large: Path, slice_vox: int) -> None:
    with pytest.raises(SettingsError, match=rf"slice {slice_vox} of .*; wanted 0 to 39"):
        open_volume(large).context(slice_vox)


@pytest.mark.parametrize("kind", [".mhd", ".mhd+z"])
def test_padding_is_air_in_every_crop(tmp_path: Path, kind: str) -> None:
    hu = volume()
    hu[0], hu[:, 0], hu[1, 1, 1] = -2000, -2000, -1030
    path = write_any(tmp_path, kind, hu)
    scan = open_volume(path, tmp_path / "cache")
    right = read_ct(path).hu
    assert right.min() == -1000
    np.testing.assert_array_equal(scan.crop((3, 4, 5), scan.shape)[0], right)
    np.testing.assert_array_equal(scan.context(0, neighbours=0)[0], right[0])


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4"])
@pytest.mark.parametrize("kind", [".mhd", ".mhd+z", ".nii.gz", ".nrrd+z"])
def test_masks_keep_their_integers(tmp_path: Path, kind: str, dtype: str) -> None:
    mask = RNG.integers(0, 100, (6, 8, 10)).astype(dtype)
    path = write_any(tmp_path, kind, mask, Geometry(direction=OBLIQUE))
    label = open_volume(path, tmp_path / "cache", kind="label")
    np.testing.assert_array_equal(label.array, mask)
    assert label.array.dtype == (np.uint8 if dtype == "f4" else mask.dtype)
    np.testing.assert_allclose(label.affine_lps[:3, :3], OBLIQUE * [0.7, 0.8, 2.5], atol=1e-6)
    box, _ = label.crop((0, 0, 0), (8, 4, 4))
    assert not box[6:].any()


def test_masks_of_broken_numbers(tmp_path: Path) -> None:
    path = write_itk(tmp_path / "mask.nii.gz", np.full((6, 8, 10), 0.5, np.float32))
    with pytest.raises(DataError, match="has numbers that are not whole; wanted one whole number"):
        open_volume(path, tmp_path, kind="label")


def test_masks_of_dicom(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wanted a MetaImage, NIfTI or NRRD file"):
        open_volume(write_any(tmp_path, "dicom"), tmp_path, kind="label")


def test_another_kind(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the kind is 'mask'; wanted ct or label"):
        open_volume(write_itk(tmp_path / "scan.mhd"), kind="mask")


def test_a_scan_that_is_refused(tmp_path: Path) -> None:
    path = write_itk(tmp_path / "scan.mhd")
    (tmp_path / "scan.raw").write_bytes(b"short")
    with pytest.raises(DamagedError, match="is truncated: it holds 5 bytes"):
        open_volume(path, tmp_path)
    with pytest.raises(ScanError, match="does not exist"):
        open_volume(tmp_path / "none.mhd", tmp_path)


def test_a_file_that_changes_is_opened_again(tmp_path: Path) -> None:
    for kind in (".mhd", ".nii.gz", "dicom"):
        path = write_any(tmp_path, kind)
        first = open_volume(path, tmp_path / "cache")
        assert open_volume(path, tmp_path / "cache") is first
        write_any(tmp_path, kind, volume() + np.int16(1))
        np.testing.assert_array_equal(open_volume(path, tmp_path / "cache").array, volume() + 1)


def test_a_flipped_byte_is_found_by_the_first_crop_that_touches_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_any(tmp_path, ".mhd+z", LARGE)
    cache = tmp_path / "cache"
    open_volume(path, cache)
    (entry,) = entries(cache)
    with entry.open("r+b") as file:
        file.seek(-5 * 60 * 70 * 2 + 7, 2)  # in slice 35
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    scan = open_volume(path, cache)
    np.testing.assert_array_equal(scan.crop((5, 30, 30), (8, 8, 8))[0], LARGE[1:9, 26:34, 26:34])
    assert not caplog.records  # that slice was not touched
    np.testing.assert_array_equal(scan.context(35, neighbours=0)[0], LARGE[35])
    np.testing.assert_array_equal(scan.array, LARGE)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("lungmonai", logging.WARNING)
    assert "numbers that do not fit their hash" in record.message
    np.testing.assert_array_equal(open_volume(path, cache).array, LARGE)
    assert entries(cache) == [entry]


def test_the_whole_array_is_checked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_any(tmp_path, ".mhd+z", LARGE)
    open_volume(path, tmp_path / "cache")
    (entry,) = entries(tmp_path / "cache")
    content = bytearray(entry.read_bytes())
    content[-1] ^= 128
    entry.write_bytes(content)
    np.testing.assert_array_equal(open_volume(path, tmp_path / "cache").array, LARGE)
    assert len(caplog.records) == 1


def test_without_a_cache_that_can_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("a file")
    first, second = (write_itk(tmp_path / f"{name}.nii.gz") for name in "ab")
    for path in (first, second, first):
        scan = open_volume(path, tmp_path / "cache")
        assert scan.in_memory
        np.testing.assert_array_equal(scan.crop((3, 4, 5), (2, 2, 2))[0], volume()[2:4, 3:5, 4:6])
    assert len(mapped._OPEN) == 1  # volumes in memory do not pile up
    assert len(caplog.records) == 1


def test_few_maps_are_open_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "MOST_OPEN", 3)
    paths = [write_itk(tmp_path / f"{number}.mhd") for number in range(6)]
    first = open_volume(paths[0])
    for path in paths[1:3]:
        open_volume(path)
    assert open_volume(paths[0]) is first  # used again, so it stays
    second = open_volume(paths[3])
    assert open_volume(paths[0]) is first
    assert open_volume(paths[3]) is second
    assert len(mapped._OPEN) == 3


def test_it_goes_to_other_processes(large: Path) -> None:
    scan = open_volume(large)
    assert pickle.loads(pickle.dumps(scan)) is open_volume(large)
    with get_context("spawn").Pool(1) as pool:
        ((box, _),) = pool.map(methodcaller("crop", (20, 30, 30), (4, 4, 4)), [scan])
    np.testing.assert_array_equal(box, LARGE[18:22, 28:32, 28:32])
    assert len(pickle.dumps(scan)) < 1000


def test_it_shows_what_it_is(large: Path) -> None:
    assert repr(open_volume(large)) == f"MappedVolume(70×60×40 int16 ct, {large})"


@pytest.mark.shared_data
def test_a_real_dicom_series(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "ct" / "lung-dx-a0001"
    scan, opened = read_ct(path), open_volume(path, tmp_path)
    box, start = opened.crop((30.4, 250, 260), CROP_SHAPE)
    cut = tuple(slice(at, at + width) for at, width in zip(start, CROP_SHAPE, strict=True))
    np.testing.assert_array_equal(box, scan.hu[cut])
    np.testing.assert_array_equal(opened.affine_lps, scan.affine_lps)


def test_a_relative_name_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        write_itk(tmp_path / name / "scan.mhd", np.full((4, 5, 6), value, np.int16))
    found = []
    for name in "ab":
        monkeypatch.chdir(tmp_path / name)
        found.append(int(open_volume("scan.mhd").context(0)[0, 0, 0]))
    assert found == [1, 2]


def test_fewer_than_no_neighbours(tmp_path: Path) -> None:
    volume = open_volume(write_itk(tmp_path / "scan.mhd"))
    with pytest.raises(SettingsError, match="-1 neighbours; wanted 0 or more"):
        volume.context(0, neighbours=-1)
