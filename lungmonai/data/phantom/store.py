"""A data set's folder: what it holds, that it is one data set, and its files, each whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from ...errors import DataError
from ...export.volumes import write_mask
from ...files import make_folder, written_whole
from ...io.scan import CTScan
from ...io.write_metaimage import write_metaimage
from ...json_file import write_json
from .dicom_out import write_dicom
from .records import ScanRecord
from .tables import write_tables

__all__ = ["DataFolder"]

_SETTINGS = "phantom.json"
_LOCK = ".lock"


class DataFolder:
    """The folder of one data set in LUNA16's layout.

    Args:
        folder: new, empty, or of a data set that was begun with the same settings.
        settings: what decides the scans' content; JSON types.

    Raises:
        DataError: the folder holds something else.
        OutputError: it cannot be written to.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self._settings = dict(settings)
        self._check(self._settings)
        make_folder(self.folder)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out, and take away what a killed one left half-written.

        Raises:
            DataError: another process holds it.
        """
        try:
            with FileLock(self.folder / _LOCK, timeout=0):
                for left in self.folder.rglob(".partial-*"):
                    left.unlink(missing_ok=True)
                write_json(self.folder / _SETTINGS, self._settings)
                yield
        except Timeout as error:
            raise DataError(
                f"{self.folder} is being written by another process",
                wanted="one at a time",
                do="Wait for it, or choose another folder.",
            ) from error

    def records(self) -> list[ScanRecord]:
        """Every scan that is complete, by number; what is damaged counts as missing."""
        found = (self._record(path) for path in sorted(self.folder.glob("records/*.json")))
        return [record for record in found if record is not None]

    def write_scan(self, scan: CTScan, mask: NDArray[np.uint8], record: ScanRecord, *, dicom: bool) -> None:
        """Write a scan's files, and its record last: a scan with a record is complete.

        Raises:
            OutputError: a file could not be written.
        """
        uid = record.series_uid
        write_metaimage(scan, make_folder(self._subset(record)) / f"{uid}.mhd")
        write_mask(scan, mask, make_folder(self.folder / "masks") / f"{uid}.nii.gz")
        if dicom:
            write_dicom(scan, record, make_folder(self.folder / "dicom" / uid))
        record.facts.update(raw_bytes=scan.hu.nbytes, dicom_slices=scan.shape[0] if dicom else 0)
        with written_whole(make_folder(self.folder / "records") / f"{record.number:05d}.json") as partial:
            partial.write_text(record.to_json() + "\n", encoding="utf-8")

    def write_tables(self) -> list[ScanRecord]:
        """Write the tables of all complete scans; returns their records.

        Raises:
            OutputError: a table could not be written.
        """
        records = self.records()
        write_tables(self.folder, records)
        return records

    def _subset(self, record: ScanRecord) -> Path:
        return self.folder / f"subset{record.subset}"

    def _record(self, path: Path) -> ScanRecord | None:
        """A scan's record, if its files are there as well."""
        try:
            record = ScanRecord.from_json(path.read_text(encoding="utf-8"))
            raw = self._subset(record) / f"{record.series_uid}.raw"
            whole = raw.stat().st_size == record.facts["raw_bytes"]
            slices = len(list((self.folder / "dicom" / record.series_uid).glob("*.dcm")))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole &= raw.with_name(f"{record.series_uid}.mhd").is_file()
        whole &= (self.folder / "masks" / f"{record.series_uid}.nii.gz").is_file()
        return record if whole and slices >= record.facts["dicom_slices"] else None

    def _holds_files(self) -> bool:
        """Whether the folder has any file but those that a run without a scan leaves."""
        ours = (self.folder / _LOCK, self.folder / _SETTINGS)
        return any(path not in ours and not path.is_dir() for path in self.folder.rglob("*"))

    def _check(self, settings: dict[str, Any]) -> None:
        """The folder is ours and of the same settings, or has nothing in it."""
        path = self.folder / _SETTINGS
        choose = "Choose another folder."
        if not path.is_file():
            if self.folder.exists() and (not self.folder.is_dir() or self._holds_files()):
                raise DataError(
                    f"{self.folder} holds something else, and no {_SETTINGS}",
                    wanted="a new or empty folder",
                    do=choose,
                )
            return
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read", wanted="a data set's settings", do=choose) from error
        differ = sorted(key for key in {*before, *settings} if before.get(key) != settings.get(key))
        # What was refused before its first scan was made is no data set.
        if differ and self._holds_files():
            raise DataError(
                f"{self.folder} holds a data set with another {', '.join(differ)}",
                wanted="the same settings, to go on with it",
                do=f"{choose[:-1]}, or give the settings that stand in {path}.",
            )
