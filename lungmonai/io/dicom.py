"""A DICOM folder, a zip of one, or one slice of it: the series in it, and the one that is read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import NotCTError, SeriesError
from .dicom_slice import Slice
from .dicom_stack import stacked
from .dicom_tags import read_header, tag_floats, tag_text
from .dicom_zip import unzipped
from .hounsfield import AIR_HU, checked_hu
from .scan import CTScan
from .voxels import check_sizes, check_there, open_error

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Series", "list_series", "read_dicom"]

# cos 25°: a slice whose normal leans further from the body axis is not called axial.
AXIAL_COSINE = 0.9


@dataclass(frozen=True)
class Series:
    """What a folder holds of one series.

    Args:
        uid: series instance UID.
        description: as the scanner wrote it.
        modality: `CT` is what can be read.
        slices: image files, localizers not counted.
        axial: whether the slices lie across the body.
        rows: of the first slice; 0 if it is no image.
        columns: of the first slice; 0 if it is no image.
    """

    uid: str
    description: str
    modality: str
    slices: int
    axial: bool
    rows: int
    columns: int


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    header: Dataset

    def text(self, tag: str) -> str:
        return tag_text(self.header, tag)

    @property
    def is_localizer(self) -> bool:
        return "LOCALIZER" in self.text("ImageType").upper()


def list_series(path: str | Path) -> list[Series]:
    """The series in a DICOM folder, a zip of one, or the folder of one slice; the largest first.

    Raises:
        ScanError: there is no DICOM, or a file of it is damaged.
    """
    path = Path(path)
    try:
        check_there(path)
        with _folder(path) as (folder, file):
            return sorted(map(_summary, _by_series(folder, file, path).values()), key=_size_order)
    except OSError as error:
        raise open_error(path, error) from error


def read_dicom(path: Path, series: str | None = None) -> CTScan:
    """Read one series; see `read_ct`."""
    with _folder(path) as (folder, file):
        files = _by_series(folder, file, path)
        if series is None and file is not None:
            series = _series_of(files, file)
        uid, chosen_note = _chosen(files, series, path)
        return _read_series(files[uid], uid, path, chosen_note)


@contextmanager
def _folder(path: Path) -> Iterator[tuple[Path, Path | None]]:
    """The folder to look in, and the file in it that was pointed at."""
    if path.is_dir():
        yield path, None
    elif path.suffix.lower() == ".zip":
        with unzipped(path) as folder:
            yield folder, None
    else:
        # Refuses a file that is not DICOM before its neighbours are looked at.
        if read_header(path, str(path)) is None:
            raise NotCTError(f"{path} is not DICOM", wanted="a DICOM folder, zip or slice", do="Name one.")
        yield path.parent, path


def _by_series(folder: Path, file: Path | None, source: Path) -> dict[str, list[_File]]:
    """DICOM files below a folder, or beside a file, by series; other files are ignored."""
    found: dict[str, list[_File]] = {}
    for path in _files_below(folder) if file is None else _files_in(folder):
        name = str(path) if file is not None else f"{source}: {path.relative_to(folder)}"
        header = read_header(path, name)
        if header is not None:
            one = _File(path, name, header)
            found.setdefault(one.text("SeriesInstanceUID"), []).append(one)
    if not found:
        raise NotCTError(
            f"{source} holds no DICOM file",
            wanted="a folder of CT slices",
            do="Choose the folder that holds the slices.",
        )
    return found


def _files_below(folder: Path) -> list[Path]:
    return [path for parent, _, _ in sorted(os.walk(folder)) for path in _files_in(Path(parent))]


def _files_in(folder: Path) -> list[Path]:
    """Regular files in the order of their names, hidden ones left out."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _series_of(files: dict[str, list[_File]], path: Path) -> str | None:
    return next((uid for uid, group in files.items() if any(file.path == path for file in group)), None)


def _chosen(files: dict[str, list[_File]], series: str | None, source: Path) -> tuple[str, tuple[str, ...]]:
    """The series to read, and a note where there was a choice."""
    if series is not None:
        if series not in files:
            raise SeriesError(
                f"{source} holds no series {series!r}",
                wanted=f"one of {', '.join(sorted(files))}",
                do="Choose one of these.",
            )
        return series, ()
    summaries = sorted(map(_summary, files.values()), key=_size_order)
    scans = [one for one in summaries if one.modality == "CT" and one.slices] or summaries
    best = next((one for one in scans if one.axial), scans[0])
    if len(summaries) == 1:
        return best.uid, ()
    others = ", ".join(f"{one.uid} ({one.modality}, {one.slices} slices)" for one in summaries if one != best)
    kind = "the largest axial CT" if best.axial and best.modality == "CT" else "the largest series"
    return best.uid, (
        f"Of {len(summaries)} series {best.uid} was read, {kind} with {best.slices} slices; not {others}.",
    )


def _summary(files: Sequence[_File]) -> Series:
    images = [file for file in files if not file.is_localizer]
    first = (images or files)[0]
    return Series(
        uid=first.text("SeriesInstanceUID"),
        description=first.text("SeriesDescription"),
        modality=first.text("Modality"),
        slices=sum("PixelData" in file.header for file in images),
        axial=_is_axial(first.header),
        rows=_whole(first.header, "Rows"),
        columns=_whole(first.header, "Columns"),
    )


def _whole(header: Dataset, tag: str) -> int:
    return int(next((value for value in tag_floats(header, tag) if np.isfinite(value)), 0))


def _is_axial(header: Dataset) -> bool:
    cosines = tag_floats(header, "ImageOrientationPatient")
    return len(cosines) == 6 and bool(abs(np.cross(cosines[:3], cosines[3:])[2]) >= AXIAL_COSINE)


def _size_order(series: Series) -> tuple[int, str]:
    return -series.slices, series.uid


def _read_series(files: list[_File], uid: str, source: Path, chosen: tuple[str, ...]) -> CTScan:
    name = f"{source}: series {uid}"
    # 1. Only CT, and of it only slices of the volume.
    for file in files:
        if file.text("Modality") != "CT":
            raise NotCTError(
                f"{file.name} has the modality {file.text('Modality') or 'nothing'}",
                wanted="CT",
                do="Choose a CT series.",
            )
    images = [file for file in files if not file.is_localizer]
    if not images:
        raise NotCTError(
            f"{name} holds localizers only", wanted="CT slices", do="Choose the series of the scan."
        )
    localizers = len(files) - len(images)
    dropped = (f"{localizers} localizer images were dropped.",) if localizers else ()
    # 2. Headers checked, slices in order.
    slices, affine, stack_notes = stacked([Slice(file.path, file.name, file.header) for file in images], name)
    check_sizes(name, (slices[0].shape[1], slices[0].shape[0], len(slices)))
    # 3. Pixels to HU.
    hu, pixel_notes = _read_pixels(slices)
    hu, padding_notes = checked_hu(hu, name)
    notes = (*chosen, *dropped, *stack_notes, *pixel_notes, *padding_notes)
    return CTScan(hu, affine, uid, str(source), notes)


def _read_pixels(slices: list[Slice]) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    hu = np.empty((len(slices), *slices[0].shape), dtype=np.int16)
    padded, notes = 0, Counter[str]()
    for plane, one in zip(hu, slices, strict=True):
        plane[...], count, note = one.read_hu()
        padded += count
        notes.update([note] if note else [])
    if padded:
        notes.update([f"{padded:,} voxels of padding (PixelPaddingValue) are now {AIR_HU} HU."])
    return hu, tuple(notes)
