import gzip
import os

import nibabel
import numpy as np
import pytest
import SimpleITK

from lungmonai.errors import GeometryError, OutputError, SettingsError
from lungmonai.export import restore, write_mask, write_probability
from lungmonai.io.scan import CTScan

from .conftest import AXIS_ORDERS, make_scan, reordered

SUFFIXES = (".nii.gz", ".mhd")
SPOT = (3, 1, 5)  # slice, row, column
TURNS = {"straight": (0, 0, 0), "oblique": (8, -12, 20), "upside down": (180, 0, 0), "tilted": (15, 0, 0)}


def marked(scan, dtype=np.uint8, value=1):
    mask = np.zeros(scan.shape, dtype)
    mask[SPOT] = value
    return mask


def spot_by_nibabel(path):
    """LPS mm of the largest voxel, by nibabel."""
    image = nibabel.load(path)
    data = np.asanyarray(image.dataobj)
    ras = nibabel.affines.apply_affine(image.affine, np.unravel_index(data.argmax(), data.shape))
    return ras * (-1, -1, 1)


def spot_by_itk(path):
    """LPS mm of the largest voxel, by SimpleITK."""
    image = SimpleITK.ReadImage(str(path))
    array = SimpleITK.GetArrayViewFromImage(image)
    index = [int(i) for i in np.unravel_index(array.argmax(), array.shape)]
    return np.array(image.TransformIndexToPhysicalPoint(index[::-1]))


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_others_find_the_voxel_where_the_scan_has_it(tmp_path, turn, suffix):
    scan = make_scan(turn=turn)
    path = tmp_path / f"1.2.3{suffix}"
    write_mask(scan, marked(scan), path)
    wanted = scan.lps_from_vox(SPOT)
    np.testing.assert_allclose(spot_by_itk(path), wanted, atol=1e-3)
    if suffix == ".nii.gz":
        np.testing.assert_allclose(spot_by_nibabel(path), wanted, atol=1e-3)


@pytest.mark.parametrize(("order", "flips"), AXIS_ORDERS[::5])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_flipped_and_swapped_geometry(tmp_path, order, flips, suffix):
    scan = reordered(make_scan(turn=(3, 4, 5), shape=(6, 7, 8)), order, flips)
    write_mask(scan, marked(scan), tmp_path / f"m{suffix}")
    np.testing.assert_allclose(spot_by_itk(tmp_path / f"m{suffix}"), scan.lps_from_vox(SPOT), atol=1e-3)


def test_nifti_header_says_scanner_and_millimetres(tmp_path):
    scan = make_scan(turn=TURNS["oblique"])
    write_mask(scan, marked(scan), tmp_path / "m.nii.gz")
    image = nibabel.load(tmp_path / "m.nii.gz")
    assert image.header.get_xyzt_units()[0] == "mm"
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-3)
    np.testing.assert_allclose(image.header.get_zooms(), scan.spacing_mm, rtol=1e-6)


def test_sheared_scan_has_no_quaternion_that_contradicts(tmp_path):
    affine = make_scan().affine_lps.copy()
    affine[1, 2] = 0.8  # gantry tilt: slices slide to the back
    scan = CTScan(make_scan().hu, affine, "tilted")
    write_mask(scan, marked(scan), tmp_path / "m.nii.gz")
    header = nibabel.load(tmp_path / "m.nii.gz").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 0)
    np.testing.assert_allclose(spot_by_nibabel(tmp_path / "m.nii.gz"), scan.lps_from_vox(SPOT), atol=1e-3)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("given", "value", "stored"),
    [
        (bool, True, "uint8"),
        (np.uint16, 255, "uint8"),
        (np.int64, 256, "uint16"),
        (np.uint16, 65535, "uint16"),
    ],
)
def test_labels_keep_their_numbers(tmp_path, given, value, stored, suffix):
    scan = make_scan()
    mask = marked(scan, given, value)
    write_mask(scan, mask, tmp_path / f"m{suffix}")
    read = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / f"m{suffix}")))
    assert read.dtype == stored
    np.testing.assert_array_equal(read, mask)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_readers_see_probabilities(tmp_path, suffix):
    scan = make_scan(shape=(4, 8, 8))
    levels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    write_probability(scan, levels, tmp_path / f"p{suffix}")
    read = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / f"p{suffix}")))
    np.testing.assert_allclose(read, levels / 255, atol=1e-6)
    assert (read.min(), read.max() <= 1) == (0, True)


def test_nifti_probability_is_bytes_with_a_scale(tmp_path):
    scan = make_scan(shape=(4, 8, 8))
    levels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    write_probability(scan, levels, tmp_path / "p.nii.gz")
    image = nibabel.load(tmp_path / "p.nii.gz")
    assert image.get_data_dtype() == np.uint8
    assert image.dataobj.slope == pytest.approx(1 / 255, rel=1e-6)
    np.testing.assert_array_equal(np.asarray(image.dataobj.get_unscaled()).T, levels)
    assert image.get_fdata().max() <= 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_same_input_same_bytes(tmp_path, suffix):
    scan = make_scan()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_mask(scan, marked(scan), tmp_path / folder / f"m{suffix}")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_gzip_names_no_time(tmp_path):
    write_mask(make_scan(), marked(make_scan()), tmp_path / "m.nii.gz")
    with gzip.open(tmp_path / "m.nii.gz") as file:
        file.read(1)
        assert file.mtime == 0


def test_metaimage_is_a_header_and_its_data(tmp_path):
    write_mask(make_scan(), marked(make_scan()), tmp_path / "1.2.3.mhd")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.2.3.mhd", "1.2.3.zraw"]
    assert "ElementDataFile = 1.2.3.zraw" in (tmp_path / "1.2.3.mhd").read_text()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_left_where_nothing_can_be_written(nowhere, tmp_path, suffix):
    with pytest.raises(OutputError):
        write_mask(make_scan(), marked(make_scan()), nowhere / f"m{suffix}")
    assert not list(tmp_path.iterdir())


def test_metaimage_data_go_when_their_header_fails(tmp_path, monkeypatch):
    replace = os.replace

    def full_at_header(source, target):
        if str(target).endswith(".mhd"):
            raise OSError(28, os.strerror(28))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full_at_header)
    with pytest.raises(OutputError, match="room for the results"):
        write_mask(make_scan(), marked(make_scan()), tmp_path / "m.mhd")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        (np.zeros((5, 6, 8), np.uint8), "shape"),
        (np.full((5, 6, 7), -1, np.int16), "from -1 to -1"),
        (np.full((5, 6, 7), 65536, np.int32), "65536"),
        (np.zeros((5, 6, 7), np.float32), "float32"),
    ],
)
def test_what_is_no_mask_is_refused(tmp_path, mask, text):
    with pytest.raises(SettingsError, match=text):
        write_mask(make_scan(), mask, tmp_path / "m.nii.gz")


def test_other_suffixes_and_types_are_refused(tmp_path):
    scan = make_scan()
    with pytest.raises(SettingsError, match=r"wanted \.nii\.gz or \.mhd"):
        write_mask(scan, marked(scan), tmp_path / "m.nrrd")
    with pytest.raises(SettingsError, match="wanted uint8"):
        write_probability(scan, marked(scan).astype(np.float32), tmp_path / "p.nii.gz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("order", "flips"), AXIS_ORDERS)
@pytest.mark.parametrize("turn", [(0, 0, 0), (7, -9, 11)], ids=["straight", "oblique"])
def test_restore_brings_every_voxel_home(order, flips, turn):
    numbered = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    original = reordered(make_scan(turn=turn, hu=numbered), order, flips)
    canonical = original.canonical()
    restored = restore(original, canonical, canonical.hu)
    np.testing.assert_array_equal(restored, original.hu)
    assert restored.flags.c_contiguous
    # Values and positions belong together, not only the shapes.
    spot = np.argwhere(restored == 77)[0]
    there = np.argwhere(canonical.hu == 77)[0]
    np.testing.assert_allclose(original.lps_from_vox(spot), canonical.lps_from_vox(there), atol=1e-9)
    np.testing.assert_array_equal(restore(canonical, original, restored), canonical.hu)


def test_restore_refuses_another_scan():
    scan = make_scan()
    shifted = make_scan(origin=(0, 0, 0))
    coarser = make_scan(spacing=(1.4, 0.8, 2.5))
    turned = make_scan(turn=(0, 0, 30))
    larger = make_scan(shape=(5, 6, 9))
    for other in (shifted, coarser, turned, larger):
        with pytest.raises(GeometryError, match="do not hold the same voxels"):
            restore(scan, other, np.zeros(other.shape))
    with pytest.raises(SettingsError, match="the array has the shape"):
        restore(scan, scan, np.zeros((1, 2, 3)))
