"""A synthetic scan as DICOM CT slices, marked as synthetic in every file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...files import written_whole
from ...io.scan import CTScan
from .records import ScanRecord, new_uid

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["SYNTHETIC", "write_dicom"]

SYNTHETIC = "SYNTHETIC: NOT A PATIENT"
# Dates are wanted by the standard and mean nothing here.
_DATE, _TIME = "20000101", "000000"
_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
# DICOM's decimal strings hold 16 characters.
_DECIMAL_CHARACTERS = 16


def write_dicom(scan: CTScan, record: ScanRecord, folder: Path) -> None:
    """Write one file a slice, each whole: `00000.dcm` and so on, in the scan's own order.

    Args:
        scan: as it is stored.
        record: names the series, the study and the patient.
        folder: that is there.

    Raises:
        OutputError: a file could not be written.
    """
    common = _common(scan, record)
    for index, plane in enumerate(scan.hu):
        common.update(
            {
                "InstanceNumber": index + 1,
                "SOPInstanceUID": new_uid(record.series_uid, index),
                "ImagePositionPatient": _decimals(scan.lps_from_vox([index, 0, 0])),
                "PixelData": plane.astype("<i2", copy=False).tobytes(),
            }
        )
        with written_whole(folder / f"{index:05d}.dcm") as partial:
            _dataset(common).save_as(partial, enforce_file_format=True)


def _common(scan: CTScan, record: ScanRecord) -> dict[str, Any]:
    """What all slices share: the modules that the standard wants of a CT image."""
    return {**_patient_and_study(record), **_series(record), **_image(scan)}


def _patient_and_study(record: ScanRecord) -> dict[str, Any]:
    return {
        "PatientName": f"PHANTOM^{record.number:04d}",
        "PatientID": record.patient_id,
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyInstanceUID": record.study_uid,
        "StudyDate": _DATE,
        "StudyTime": _TIME,
        "ReferringPhysicianName": "",
        "StudyID": str(record.number),
        "AccessionNumber": "",
        "StudyDescription": SYNTHETIC,
    }


def _series(record: ScanRecord) -> dict[str, Any]:
    return {
        "Modality": "CT",
        "SeriesInstanceUID": record.series_uid,
        "SeriesNumber": 1,
        "SeriesDescription": SYNTHETIC,
        "BodyPartExamined": "CHEST",
        "PatientPosition": "HFS",
        "FrameOfReferenceUID": new_uid(record.series_uid, "frame of reference"),
        "PositionReferenceIndicator": "",
        "Manufacturer": "lungmonai",
        "ConvolutionKernel": str(record.facts.get("kernel", "unknown")).upper(),
        "KVP": None,
        "AcquisitionNumber": 1,
    }


def _image(scan: CTScan) -> dict[str, Any]:
    x, y, z = scan.spacing_mm
    directions = scan.affine_lps[:3, :3] / (x, y, z)
    return {
        "SOPClassUID": _CT_IMAGE,
        "ImageType": ["DERIVED", "SECONDARY", "AXIAL"],
        "ImageComments": SYNTHETIC,
        "ImageOrientationPatient": _decimals(directions[:, :2].T.ravel()),
        "PixelSpacing": _decimals([y, x]),
        "SliceThickness": _decimals([z])[0],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": scan.shape[1],
        "Columns": scan.shape[2],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "RescaleType": "HU",
    }


def _dataset(values: dict[str, Any]) -> Dataset:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = values["SOPClassUID"]
    dataset.file_meta.MediaStorageSOPInstanceUID = values["SOPInstanceUID"]
    return dataset


def _decimals(values: Any) -> list[str]:
    """Numbers with as many digits as a decimal string holds."""
    texts = []
    for value in np.asarray(values, dtype=np.float64):
        digits = next(n for n in range(14, 0, -1) if len(f"{value:.{n}g}") <= _DECIMAL_CHARACTERS)
        texts.append(f"{value:.{digits}g}")
    return texts
