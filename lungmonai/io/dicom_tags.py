"""The tags of one DICOM file, whatever is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DamagedError
from .header_text import printable

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["is_dicom", "read_header", "tag_floats", "tag_text", "tag_value", "unreadable"]

# Read from every file; the pixels stay on disk until a series is chosen.
_TAGS = [
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesDescription",
    "Modality",
    "ImageType",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "PixelData",
]
# Only pixels are longer than this among the tags above.
_DEFER_BYTES = 4096

# A preamble of 128 bytes, then these.
_MARK = b"DICM"
# An index of a folder, not an image.
_DICOMDIR = "1.2.840.10008.1.3.10"


def is_dicom(path: Path) -> bool:
    """Whether a file carries the DICOM mark."""
    with path.open("rb") as file:
        return file.read(132)[128:] == _MARK


def read_header(path: Path, name: str) -> Dataset | None:
    """The tags that reading needs, or None for a file that is not DICOM.

    Args:
        path: any file.
        name: what messages call it.

    Raises:
        DamagedError: it is DICOM, or named so, and cannot be read.
    """
    import pydicom

    if not is_dicom(path):
        if path.suffix.lower() != ".dcm":
            return None
        raise DamagedError(
            f"{name} is named .dcm and is not a DICOM file",
            wanted="DICM at byte 128",
            do="Copy it again or remove it.",
        )
    try:
        header = pydicom.dcmread(path, specific_tags=_TAGS, defer_size=_DEFER_BYTES)
    except OSError:
        raise
    except Exception as error:  # pydicom raises whatever its parser stumbles over
        raise unreadable(name, error) from error
    if tag_text(header.file_meta, "MediaStorageSOPClassUID") == _DICOMDIR:
        return None
    if not tag_text(header, "SeriesInstanceUID"):
        raise unreadable(name, ValueError("it has no SeriesInstanceUID"))
    return header


def tag_value(header: Dataset, tag: str) -> object:
    """A tag's value, or None where it is missing or cannot be parsed."""
    try:
        return header.get(tag)
    except Exception:  # pydicom parses on access and raises whatever it stumbles over
        return None


def tag_floats(header: Dataset, tag: str) -> list[float]:
    """A tag's values as numbers; none where it is missing or not numeric."""
    value = tag_value(header, tag)
    if value is None or isinstance(value, (str, bytes)):
        return []
    try:
        return [float(item) for item in np.atleast_1d(np.asarray(value, dtype=np.float64))]
    except (TypeError, ValueError):
        return []


def tag_text(header: Dataset, tag: str) -> str:
    """A tag's value as text; empty where it is missing."""
    value = tag_value(header, tag)
    return "" if value is None else printable(str(value))


def unreadable(name: str, error: Exception) -> DamagedError:
    """What pydicom or a decoder stumbled over, in one line."""
    reason = printable(" ".join(str(error).split())[:200]) or type(error).__name__
    return DamagedError(
        f"{name} cannot be read as DICOM ({reason})",
        wanted="a whole DICOM file",
        do="Copy or export it again.",
    )
