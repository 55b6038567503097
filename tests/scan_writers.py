"""Small synthetic scans, written by SimpleITK, nibabel and pydicom in every format that is read."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

SERIES = "1.2.826.0.1.3680043.2.1125.1"
# (slice, row, column) of the one voxel that is brightest.
MARK = (4, 2, 7)
MARK_HU = 1500

Edit = Callable[[FileDataset, int], None]


@dataclass(frozen=True)
class Geometry:
    """Where a volume lies, in LPS millimetres."""

    spacing: tuple[float, float, float] = (0.7, 0.8, 2.5)
    origin: tuple[float, float, float] = (-101.5, 33.25, -210.0)
    direction: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))

    def lps(self, vox: tuple[int, int, int]) -> NDArray[np.float64]:
        """Position of a (slice, row, column)."""
        return np.array(self.origin) + self.direction @ (np.array(self.spacing) * np.array(vox[::-1]))


def volume(shape: tuple[int, int, int] = (6, 8, 10)) -> NDArray[np.int16]:
    """Lung, tissue and one bright voxel; every slice differs."""
    rng = np.random.default_rng(0)
    hu = rng.integers(-900, -700, shape).astype(np.int16)
    hu[:, shape[1] // 2 :] = rng.integers(-20, 80, hu[:, shape[1] // 2 :].shape)
    hu[MARK] = MARK_HU
    return hu


def itk_image(hu: NDArray[np.generic], geometry: Geometry) -> sitk.Image:
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction.ravel().tolist())
    return image


def write_itk(
    path: Path,
    hu: NDArray[np.generic] | None = None,
    geometry: Geometry | None = None,
    compress: bool = False,
) -> Path:
    """Write `.mhd`, `.mha`, `.nii`, `.nii.gz`, `.nrrd` or `.nhdr`."""
    image = itk_image(volume() if hu is None else hu, geometry or Geometry())
    sitk.WriteImage(image, str(path), useCompression=compress)
    return path


def write_dicom(
    folder: Path,
    hu: NDArray[np.int16] | None = None,
    geometry: Geometry | None = None,
    *,
    series: str = SERIES,
    prefix: str = "",
    edit: Edit = lambda dataset, index: None,
) -> Path:
    """Write one file a slice, in shuffled order of names; `edit` may change each dataset before."""
    hu, geometry = volume() if hu is None else hu, geometry or Geometry()
    folder.mkdir(parents=True, exist_ok=True)
    names = np.random.default_rng(1).permutation(len(hu))
    for index, plane in enumerate(hu):
        dataset = dicom_slice(plane, geometry, index, series)
        edit(dataset, index)
        dataset.save_as(folder / f"{prefix}{names[index]:04d}.dcm", enforce_file_format=True)
    return folder


def dicom_slice(plane: NDArray[np.int16], geometry: Geometry, index: int, series: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"{series}.{index + 1}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID, dataset.SeriesDescription, dataset.Modality = series, "synthetic", "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [round(float(x), 6) for x in geometry.lps((index, 0, 0))]
    dataset.ImageOrientationPatient = [round(float(x), 8) for x in geometry.direction[:, :2].T.ravel()]
    dataset.PixelSpacing = [geometry.spacing[1], geometry.spacing[0]]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = plane.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = (plane + 1024).astype("<i2").tobytes()
    return dataset


def edit_slice(path: Path, change: Callable[[pydicom.Dataset], None]) -> None:
    """Change one written slice."""
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)


def slice_at(folder: Path, index: int) -> Path:
    """The file of a slice, by its SOP instance UID."""
    found = [
        path for path in folder.iterdir() if pydicom.dcmread(path).SOPInstanceUID.endswith(f".{index + 1}")
    ]
    return found[0]


def write_zip(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"patient/scan/{file.name}")
    return path


def write_any(
    folder: Path, kind: str, hu: NDArray[np.int16] | None = None, geometry: Geometry | None = None
) -> Path:
    """Write a scan as `kind`: a suffix, `.mhd+z` for a compressed one, `dicom` or `.zip`."""
    if kind == "dicom":
        return write_dicom(folder / "dicom", hu, geometry)
    if kind == ".zip":
        return write_zip(folder / "scan.zip", write_dicom(folder / "dicom", hu, geometry))
    suffix, _, packed = kind.partition("+")
    return write_itk(folder / f"scan{suffix}", hu, geometry, compress=bool(packed))


KINDS = (
    ".mhd",
    ".mhd+z",
    ".mha",
    ".mha+z",
    ".nii",
    ".nii.gz",
    ".nrrd",
    ".nrrd+z",
    ".nhdr",
    ".nhdr+z",
    "dicom",
    ".zip",
)


def replace_text(path: Path, old: str, new: str) -> Path:
    """Change a header's text, which must be there."""
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))
    return path
