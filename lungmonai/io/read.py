"""`read_ct`: any chest CT on disk to a checked `CTScan`."""

import os
from collections.abc import Callable
from pathlib import Path

from ..errors import NotCTError, ScanError, SettingsError
from .dicom import read_dicom
from .dicom_tags import is_dicom
from .hounsfield import checked_hu, hu_from_stored
from .metaimage import read_metaimage_header
from .nifti import read_nifti_header
from .nrrd import read_nrrd_header
from .scan import CTScan
from .voxels import check_there, open_error, read_voxels

__all__ = ["SUFFIXES", "read_ct", "suffix_of"]

# Longest first, since `.nii.gz` also ends in `.gz`. A dot in a series UID is not a suffix.
SUFFIXES = (".nii.gz", ".mhd", ".mha", ".nii", ".nrrd", ".nhdr", ".dcm", ".zip")


def read_ct(path: str | Path, *, series: str | None = None) -> CTScan:
    """Read a chest CT and refuse what cannot be trusted.

    Args:
        path: `.mhd`, `.mha`, `.nii`, `.nii.gz`, `.nrrd` or `.nhdr`; a folder of DICOM files, a zip of
            one, or any one slice of it.
        series: DICOM series instance UID, where a folder holds several; otherwise the largest axial CT.

    Returns:
        The scan in its stored orientation; `CTScan.canonical()` puts it in the order of LPS.

    Raises:
        ScanError: the scan is refused; the message says why and what to do.
        SettingsError: the path is empty, or `series` was given for a file that is not DICOM.
    """
    if not str(path):  # Path("") would be the current folder
        raise SettingsError("the scan's path is empty", wanted="a CT file or DICOM folder", do="Name it.")
    path = Path(path)
    try:
        check_there(path)
        return _reader_for(path)(path, series)
    except OSError as error:
        raise open_error(path, error) from error
    except MemoryError as error:
        raise ScanError(
            f"{path} does not fit in memory",
            wanted="room for the whole scan",
            do="Close other programs or crop it.",
        ) from error


def suffix_of(path: Path) -> str:
    """The known suffix that a name ends in, or nothing."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), "")


def _reader_for(path: Path) -> Callable[[Path, str | None], CTScan]:
    suffix = suffix_of(path)
    if path.is_dir() or suffix in (".dcm", ".zip") or (not suffix and is_dicom(path)):
        return read_dicom
    if suffix:
        return _read_volume
    beside = path.with_suffix(".mhd")
    if path.suffix.lower() in (".raw", ".zraw") and beside.exists():
        raise NotCTError(
            f"{path} is voxels without a header", wanted="its header", do=f"Give {beside} instead."
        )
    raise NotCTError(
        f"{path} has the suffix {path.suffix or 'nothing'!r}",
        wanted=", ".join(SUFFIXES) + " or a DICOM folder",
        do="Convert the scan to one of these.",
    )


def _read_volume(path: Path, series: str | None) -> CTScan:
    suffix = suffix_of(path)
    # A name that is not UTF-8 must still go into tables and pictures.
    uid = os.fsencode(path.name[: -len(suffix)]).decode("utf-8", errors="replace")
    if series not in (None, uid):
        raise SettingsError(
            f"series {series!r} was asked of {path}, which holds one volume",
            wanted="a DICOM folder",
            do="Leave series out for this file.",
        )
    slope, intercept = 1.0, 0.0
    notes: tuple[str, ...] = ()
    if suffix in (".mhd", ".mha"):
        block, affine = read_metaimage_header(path)
    elif suffix in (".nrrd", ".nhdr"):
        block, affine = read_nrrd_header(path)
    else:
        block, affine, (slope, intercept), notes = read_nifti_header(path)
    hu = hu_from_stored(read_voxels(block), str(path), slope, intercept)
    hu, padding_notes = checked_hu(hu, str(path))
    return CTScan(hu, affine, uid, str(path), (*notes, *padding_notes))
