"""DICOM folders: which series, which slices, and their numbers."""

import shutil

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, JPEG2000Lossless, RLELossless
from scan_writers import MARK, SERIES, Geometry, slice_at, volume, write_dicom

from lungmonai.errors import DamagedError, GeometryError, NotCTError, ScanError, SeriesError
from lungmonai.io import list_series, read_ct

OTHER = "1.2.826.0.1.3680043.2.1125.2"


def setting(**tags):
    """An edit that sets tags, or deletes those given as None."""

    def edit(dataset, index):
        for tag, value in tags.items():
            if value is None:
                delattr(dataset, tag)
            else:
                setattr(dataset, tag, value)

    return edit


def only(index, **tags):
    edit = setting(**tags)
    return lambda dataset, at: edit(dataset, at) if at == index else None


def storing(numbers, **tags):
    """An edit that stores other pixels, given for the whole volume."""

    def edit(dataset, index):
        setting(**tags)(dataset, index)
        dataset.PixelData = numbers[index].tobytes()

    return edit


# --- numbers ---------------------------------------------------------------------------------------------


def test_slices_are_sorted_by_position(tmp_path):
    write_dicom(tmp_path, edit=lambda dataset, index: setattr(dataset, "InstanceNumber", 1))
    np.testing.assert_array_equal(read_ct(tmp_path).hu, volume())


def test_one_slice_stands_for_its_folder(tmp_path):
    write_dicom(tmp_path)
    np.testing.assert_array_equal(read_ct(slice_at(tmp_path, 3)).hu, volume())


def test_one_slice_without_a_suffix(tmp_path):
    path = slice_at(write_dicom(tmp_path), 3)
    path.rename(tmp_path / "IM0001")
    np.testing.assert_array_equal(read_ct(tmp_path / "IM0001").hu, volume())


def test_one_slice_chooses_its_series(tmp_path):
    write_dicom(tmp_path, series=OTHER, prefix="b", hu=volume((12, 8, 10)))
    write_dicom(tmp_path)
    assert read_ct(next(tmp_path.glob("0*.dcm"))).series_uid == SERIES


@pytest.mark.parametrize(
    ("slope", "intercept"), [(1, -1024), (1, 0), (2, -1000), (0.5, -1024.25), (1, -1024.4)]
)
def test_rescale_is_rounded_to_the_nearest(tmp_path, slope, intercept):
    stored = np.rint((volume() - intercept) / slope).astype(np.int16)
    write_dicom(tmp_path, edit=storing(stored, RescaleSlope=slope, RescaleIntercept=intercept))
    np.testing.assert_array_equal(read_ct(tmp_path).hu, np.rint(stored * slope + intercept))


def test_rescale_of_each_slice(tmp_path):
    def edit(dataset, index):
        dataset.RescaleIntercept = -1024 - index
        dataset.PixelData = (volume()[index] + 1024 + index).tobytes()

    np.testing.assert_array_equal(read_ct(write_dicom(tmp_path, edit=edit)).hu, volume())


def test_unsigned_12_bits(tmp_path):
    stored = (volume() + 1024).astype(np.uint16)
    write_dicom(tmp_path, edit=storing(stored, BitsStored=12, HighBit=11, PixelRepresentation=0))
    np.testing.assert_array_equal(read_ct(tmp_path).hu, volume())


def test_signed_hu_without_offset(tmp_path):
    write_dicom(tmp_path, edit=storing(volume(), RescaleIntercept=0))
    np.testing.assert_array_equal(read_ct(tmp_path).hu, volume())


def test_32_bits(tmp_path):
    stored = (volume() + 1024).astype(np.int32)
    write_dicom(tmp_path, edit=storing(stored, BitsAllocated=32, BitsStored=32, HighBit=31))
    np.testing.assert_array_equal(read_ct(tmp_path).hu, volume())


def test_big_endian(tmp_path):
    folder = write_dicom(tmp_path / "little")
    (tmp_path / "big").mkdir()
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        pydicom.dcmwrite(tmp_path / "big" / path.name, dataset, implicit_vr=False, little_endian=False)
    np.testing.assert_array_equal(read_ct(tmp_path / "big").hu, volume())


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, DeflatedExplicitVRLittleEndian])
def test_compressed(tmp_path, syntax):
    def edit(dataset, index):
        if syntax is DeflatedExplicitVRLittleEndian:
            dataset.file_meta.TransferSyntaxUID = syntax
        else:
            dataset.compress(syntax, encoding_plugin="pydicom" if syntax is RLELossless else "pylibjpeg")

    # JPEG 2000 wants more than a handful of rows.
    hu = volume((6, 64, 64))
    np.testing.assert_array_equal(read_ct(write_dicom(tmp_path, hu, edit=edit)).hu, hu)


def test_compressed_and_corrupt(tmp_path):
    def edit(dataset, index):
        dataset.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
        if index == 2:
            dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51" + bytes(60)])

    write_dicom(tmp_path, volume((6, 64, 64)), edit=edit)
    with pytest.raises(DamagedError, match="cannot be read as DICOM"):
        read_ct(tmp_path)


def test_padding_value_becomes_air(tmp_path):
    hu = volume()
    hu[:, :2, :2] = -2000
    write_dicom(tmp_path, hu, edit=setting(PixelPaddingValue=-976))
    scan = read_ct(tmp_path)
    assert (scan.hu[:, :2, :2] == -1000).all()
    assert scan.notes == ("24 voxels of padding (PixelPaddingValue) are now -1000 HU.",)


def test_padding_value_written_unsigned_for_signed_pixels(tmp_path):
    stored = volume() + np.int16(1024)
    stored[:, :2, :2] = -2000

    def edit(dataset, index):
        dataset.add_new("PixelPaddingValue", "US", 63536)
        dataset.PixelData = stored[index].tobytes()

    scan = read_ct(write_dicom(tmp_path, edit=edit))
    assert (scan.hu[:, :2, :2] == -1000).all()
    assert scan.notes == ("24 voxels of padding (PixelPaddingValue) are now -1000 HU.",)


def test_padding_beyond_the_stored_bits(tmp_path):
    stored = (volume() + 1024).astype(np.uint16)
    stored[:, :2, :2] = 63536
    edit = storing(stored, BitsStored=12, HighBit=11, PixelRepresentation=0, PixelPaddingValue=63536)
    assert (read_ct(write_dicom(tmp_path, edit=edit)).hu[:, :2, :2] == -1000).all()


def test_padding_value_that_tissue_has_too(tmp_path):
    write_dicom(tmp_path, edit=setting(PixelPaddingValue=1024))
    scan = read_ct(tmp_path)
    np.testing.assert_array_equal(scan.hu, volume())
    assert scan.notes == ("PixelPaddingValue 1024 is 0 HU, which tissue has too, so it was left as it is.",)


# --- one series of several -------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path):
    write_dicom(tmp_path / "a", hu=volume((9, 8, 10)), series=OTHER)
    write_dicom(tmp_path / "b")
    return tmp_path


def test_the_largest_is_taken_and_noted(two):
    scan = read_ct(two)
    assert scan.series_uid == OTHER
    assert scan.notes == (
        f"Of 2 series {OTHER} was read, the largest axial CT with 9 slices; not {SERIES} (CT, 6 slices).",
    )


def test_series_chooses(two):
    scan = read_ct(two, series=SERIES)
    np.testing.assert_array_equal(scan.hu, volume())
    assert scan.notes == ()


def test_axial_before_larger(tmp_path):
    coronal = Geometry(direction=np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]))
    write_dicom(tmp_path / "a", volume((9, 8, 10)), coronal, series=OTHER)
    write_dicom(tmp_path / "b")
    assert read_ct(tmp_path).series_uid == SERIES
    assert read_ct(tmp_path, series=OTHER).shape == (9, 8, 10)


def test_other_modalities_are_passed_over(tmp_path):
    write_dicom(tmp_path / "a", volume((9, 8, 10)), series=OTHER, edit=setting(Modality="PT"))
    write_dicom(tmp_path / "b")
    assert read_ct(tmp_path).series_uid == SERIES


def test_series_that_is_not_there(two):
    with pytest.raises(SeriesError, match=rf"holds no series '9\.9'; wanted one of {SERIES}, {OTHER}"):
        read_ct(two, series="9.9")


def test_list_series(two):
    first, second = list_series(two)
    assert (first.uid, first.slices, second.uid, second.slices) == (OTHER, 9, SERIES, 6)
    assert (second.description, second.modality, second.axial) == ("synthetic", "CT", True)
    assert (second.rows, second.columns) == (8, 10)
    with pytest.raises(ScanError, match="does not exist"):
        list_series(two / "c")


# --- what else lies in the folder ------------------------------------------------------------------------


def test_other_files_are_ignored(tmp_path):
    write_dicom(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.dcm").write_text("hello")
    (tmp_path / "empty").write_bytes(b"")
    assert read_ct(tmp_path).notes == ()


def test_dcm_that_is_none(tmp_path):
    write_dicom(tmp_path)
    (tmp_path / "broken.dcm").write_bytes(b"hello")
    with pytest.raises(DamagedError, match=r"broken\.dcm is named \.dcm and is not a DICOM file"):
        read_ct(tmp_path)


def test_dcm_with_a_corrupt_header(tmp_path):
    write_dicom(tmp_path)
    (tmp_path / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"\xff" * 40)
    with pytest.raises(DamagedError, match=r"broken\.dcm cannot be read as DICOM"):
        read_ct(tmp_path)


def test_empty_folder(tmp_path):
    with pytest.raises(NotCTError, match="holds no DICOM file; wanted a folder of CT slices"):
        read_ct(tmp_path)


def test_localizers_are_dropped_with_a_note(tmp_path):
    write_dicom(tmp_path)
    sagittal = Geometry(direction=np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]))
    edit = setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_dicom(
        tmp_path,
        volume((6, 12, 12)),
        sagittal,
        prefix="scout",
        edit=edit,
    )
    scan = read_ct(tmp_path)
    np.testing.assert_array_equal(scan.hu, volume())
    assert scan.notes == ("6 localizer images were dropped.",)


def test_localizers_only(tmp_path):
    write_dicom(tmp_path, edit=setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    with pytest.raises(NotCTError, match="holds localizers only"):
        read_ct(tmp_path)


# --- refused slices --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "kind", "message"),
    [
        (setting(Modality="MR"), NotCTError, "has the modality MR; wanted CT"),
        (setting(Modality=None), NotCTError, "has the modality nothing; wanted CT"),
        (only(2, NumberOfFrames=4), NotCTError, "is multi-frame, 4 frames"),
        (only(2, SamplesPerPixel=3, PhotometricInterpretation="RGB"), NotCTError, "is a colour image"),
        (only(2, PhotometricInterpretation="PALETTE COLOR"), NotCTError, "is a colour image"),
        (only(2, PixelSpacing=None), GeometryError, "has no PixelSpacing"),
        (only(2, ImagePositionPatient=None), GeometryError, "has no ImagePositionPatient"),
        (only(2, ImagePositionPatient=[1, 2]), GeometryError, "has no ImagePositionPatient"),
        (only(2, ImageOrientationPatient=None), GeometryError, "has no ImageOrientationPatient"),
        (only(2, ImageOrientationPatient=[1, 0, 0, 1, 0, 0]), GeometryError, "two perpendicular unit"),
        (only(2, RescaleSlope=None), NotCTError, "has no RescaleSlope and RescaleIntercept"),
        (only(2, RescaleIntercept=None), NotCTError, "has no RescaleSlope and RescaleIntercept"),
        (only(2, RescaleSlope=0), NotCTError, "has no RescaleSlope and RescaleIntercept"),
        (only(2, Rows=None), DamagedError, "has no Rows"),
        (only(2, BitsAllocated=None), DamagedError, "no BitsAllocated"),
        (only(2, HighBit=15, BitsStored=12), DamagedError, "BitsStored 12, HighBit 15"),
        (only(2, PixelData=None), DamagedError, "has no pixel data"),
        (only(2, PixelData=bytes(100)), DamagedError, "holds 100 bytes of pixel data; wanted 160 bytes for"),
        (setting(BitsStored=8, HighBit=7), DamagedError, "has the stored value .*; wanted at most 127"),
        (setting(RescaleIntercept=0), NotCTError, "none below 0"),
        (setting(PixelSpacing=[0, 0.7]), GeometryError, "has the voxel spacing"),
    ],
)  # fmt: skip
def test_refused_slices(tmp_path, edit, kind, message):
    write_dicom(tmp_path, edit=edit)
    with pytest.raises(kind, match=message):
        read_ct(tmp_path)


def test_truncated_slice_is_named(tmp_path):
    path = slice_at(write_dicom(tmp_path), 3)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DamagedError, match=rf"{path.name} holds 130 bytes of pixel data; wanted 160 bytes"):
        read_ct(tmp_path)


def test_slice_cut_in_its_header_is_named(tmp_path):
    path = slice_at(write_dicom(tmp_path), 3)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(ScanError, match=path.name):
        read_ct(tmp_path)


def test_position_that_is_no_number(tmp_path):
    path = slice_at(write_dicom(tmp_path), 3)
    path.write_bytes(path.read_bytes().replace(b"-202.5", b"-2x2.5"))
    with pytest.raises(GeometryError, match=f"{path.name} has no ImagePositionPatient"):
        read_ct(tmp_path)


def test_unreadable_folder_is_one_line(tmp_path):
    folder = write_dicom(tmp_path / "scan")
    shutil.rmtree(folder)
    with pytest.raises(ScanError) as caught:
        read_ct(folder)
    assert "\n" not in str(caught.value)


def test_position_of_the_mark(tmp_path):
    scan = read_ct(write_dicom(tmp_path))
    np.testing.assert_allclose(scan.lps_from_vox(MARK), Geometry().lps(MARK), atol=1e-4)
