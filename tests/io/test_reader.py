"""`CTReader` inside MONAI."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, PersistentDataset
from monai.transforms import Compose, LoadImage, LoadImaged, SaveImage
from scan_writers import KINDS, MARK, SERIES, Geometry, volume, write_any, write_dicom, write_itk

import lungmonai.io
from lungmonai.errors import DamagedError, ScanError, SettingsError
from lungmonai.io import CTReader, ras_from_lps, read_ct

OBLIQUE = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1.0]])
READER = "lungmonai.io.CTReader"


def load(reader=READER, **options):
    return LoadImaged(keys="image", reader=reader, dtype=np.int16, ensure_channel_first=True, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", [READER, CTReader], ids=["name", "class"])
def test_load_imaged(tmp_path, kind, reader):
    geometry = Geometry(direction=OBLIQUE)
    path = write_any(tmp_path, kind, geometry=geometry)

    image = load(reader)({"image": path})["image"]

    assert isinstance(image, MetaTensor)
    assert (image.dtype, tuple(image.shape)) == (torch.int16, (1, 10, 8, 6))
    assert image[0, MARK[2], MARK[1], MARK[0]] == volume()[MARK]
    ras = image.affine.numpy() @ [*MARK[::-1], 1]
    np.testing.assert_allclose(ras[:3], geometry.lps(MARK) * [-1, -1, 1], atol=0.01)
    assert image.meta["space"] == "RAS"
    assert list(image.meta["spatial_shape"]) == [10, 8, 6]
    assert image.meta["spacing"] == pytest.approx([0.7, 0.8, 2.5], abs=1e-5)
    assert image.meta["notes"] == ""


def test_same_as_to_metatensor(tmp_path):
    path = write_itk(tmp_path / "scan.mhd", geometry=Geometry(direction=OBLIQUE))
    image, other = load()({"image": path})["image"], read_ct(path).to_metatensor()
    assert torch.equal(image.as_tensor(), other.as_tensor())
    torch.testing.assert_close(image.affine, other.affine)
    assert image.meta["series_uid"] == other.meta["series_uid"] == "scan"


def test_series_argument(tmp_path):
    write_dicom(tmp_path / "a", series="1.2.3", hu=volume((9, 8, 10)))
    write_dicom(tmp_path / "b")
    image = load(series=SERIES)({"image": tmp_path})["image"]
    assert image.meta["series_uid"] == SERIES
    assert LoadImage(reader=CTReader(series="1.2.3"))(tmp_path).meta["series_uid"] == "1.2.3"
    assert "Of 2 series 1.2.3 was read" in load()({"image": tmp_path})["image"].meta["notes"]


def test_a_bad_scan_keeps_its_own_message(tmp_path):
    path = write_itk(tmp_path / "scan.mhd")
    (tmp_path / "scan.raw").write_bytes(b"short")
    with pytest.raises(DamagedError, match="is truncated: it holds 5 bytes of voxels; wanted 960 bytes"):
        load()({"image": path})
    with pytest.raises(RuntimeError) as caught:
        Compose([load()])({"image": path})
    assert isinstance(caught.value.__cause__, DamagedError)


def test_a_missing_scan_keeps_its_own_message(tmp_path):
    with pytest.raises(ScanError, match="does not exist"):
        LoadImage(reader=CTReader)(tmp_path / "none.mhd")


def test_slices_instead_of_their_folder(tmp_path):
    paths = sorted(write_dicom(tmp_path).iterdir())
    with pytest.raises(SettingsError, match=r"6 paths were given for one image; .* Give the folder"):
        LoadImage(reader=CTReader)(paths)


def test_read_and_get_data_by_hand(tmp_path):
    reader = CTReader()
    array, meta = reader.get_data(reader.read(str(write_itk(tmp_path / "scan.mha"))))
    assert (array.shape, array.dtype) == ((10, 8, 6), np.int16)
    np.testing.assert_allclose(meta["affine"], ras_from_lps(read_ct(tmp_path / "scan.mha").affine_lps))


def test_verify_suffix(tmp_path):
    reader = CTReader()
    names = ["1.2.mhd", "a.MHA", "a.nii", "a.nii.gz", "a.nrrd", "a.nhdr", "a.dcm", "a.zip", tmp_path]
    assert all(reader.verify_suffix(name) for name in names)
    assert reader.verify_suffix(["a.mhd", "b.mhd"])
    assert not any(reader.verify_suffix(name) for name in ["a.png", "a.npy", "a.gz", "a", ["a.mhd", "a.png"]])


def test_chosen_by_suffix_when_registered(tmp_path):
    loader = LoadImage()
    loader.register(CTReader())
    assert loader(write_itk(tmp_path / "scan.mhd")).meta["series_uid"] == "scan"


def test_batches_with_and_without_notes(tmp_path):
    padded = volume()
    padded[0] = -2000
    items = [{"image": write_itk(tmp_path / "a.mha")}, {"image": write_itk(tmp_path / "b.mha", padded)}]
    batch = next(iter(DataLoader(Dataset(items, load()), batch_size=2, num_workers=0)))
    assert batch["image"].shape == (2, 1, 10, 8, 6)


def test_a_cached_item_is_found_again(tmp_path):
    items = [{"image": str(write_itk(tmp_path / "scan.mha"))}]
    cache = tmp_path / "cache"
    first = PersistentDataset(items, load(), cache_dir=cache, track_meta=True)[0]["image"]
    (tmp_path / "scan.mha").unlink()
    second = PersistentDataset(items, load(), cache_dir=cache, track_meta=True)[0]["image"]
    assert torch.equal(first, second)
    assert torch.equal(first.affine, second.affine)


def test_saved_again_it_is_the_same_scan(tmp_path):
    path = write_itk(tmp_path / "scan.mhd", geometry=Geometry(direction=OBLIQUE))
    image = load()({"image": path})["image"]
    SaveImage(output_dir=tmp_path / "out", output_dtype=np.int16, separate_folder=False, print_log=False)(
        image
    )
    scan = read_ct(tmp_path / "out" / "scan_trans.nii.gz")
    np.testing.assert_array_equal(scan.hu, volume())
    np.testing.assert_allclose(scan.affine_lps, read_ct(path).affine_lps, atol=1e-4)


def test_public_names():
    assert lungmonai.io.__all__ == ["CTReader", "CTScan", "list_series", "ras_from_lps", "read_ct"]
    assert all(getattr(lungmonai.io, name) for name in lungmonai.io.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lungmonai.io.nothing


def test_import_is_light(tmp_path):
    path = write_itk(tmp_path / "scan.mha")
    code = f"""
import sys, lungmonai.io
lungmonai.io.read_ct({str(path)!r})
print([name for name in ("torch", "monai", "SimpleITK") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
