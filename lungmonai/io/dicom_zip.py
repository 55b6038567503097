"""A zip of a DICOM folder, unpacked so that nothing leaves its folder or fills the disk."""

import lzma
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..errors import DamagedError, ScanError

__all__ = ["MAX_UNZIPPED_BYTES", "unzipped"]

# Four thousand slices of 512 × 512; a whole-body CT has two thousand.
MAX_UNZIPPED_BYTES = 2 * 2**30
MAX_ENTRIES = 20_000

_CHUNK = 2**20
# What zipfile and its decompressors raise for a file that is damaged or beyond them.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_DO = "Unpack the zip yourself, look at what is in it, and give the folder."


@contextmanager
def unzipped(path: Path) -> Iterator[Path]:
    """A temporary folder with the zip's files; it is removed when the block ends.

    Raises:
        DamagedError: not a zip, truncated, or a checksum is wrong.
        ScanError: encrypted, too large, or an entry that would leave the folder.
    """
    with tempfile.TemporaryDirectory(prefix="lungmonai-") as name:
        folder = Path(name)
        try:
            with zipfile.ZipFile(path) as archive:
                _check_entries(path, archive.infolist())
                _extract(path, archive, folder)
        except _ZIP_ERRORS as error:
            raise DamagedError(
                f"{path} cannot be unpacked ({error})",
                wanted="a whole zip file",
                do="Copy or export it again.",
            ) from error
        yield folder


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise ScanError(f"{path} holds {len(entries):,} entries", wanted=f"at most {MAX_ENTRIES:,}", do=_DO)
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        escapes = entry.filename[:1] in ("", "/") or ".." in parts or set(entry.filename) & set("\\:\0")
        if escapes or stat.S_ISLNK(entry.external_attr >> 16):
            raise ScanError(
                f"{path} has the entry {entry.filename!r}, a link or outside of the folder",
                wanted="plain files below one folder",
                do=_DO,
            )
        if entry.flag_bits & 1:
            raise ScanError(
                f"{path} is encrypted ({entry.filename!r})", wanted="a zip without a password", do=_DO
            )


def _extract(path: Path, archive: zipfile.ZipFile, folder: Path) -> None:
    room = MAX_UNZIPPED_BYTES
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        target = folder / entry.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        # What an entry says of its size is not believed: bytes are counted as they come.
        with archive.open(entry) as packed, target.open("wb") as file:
            while chunk := packed.read(_CHUNK):
                room -= len(chunk)
                if room < 0:
                    raise ScanError(
                        f"{path} unpacks to more than {MAX_UNZIPPED_BYTES:,} bytes",
                        wanted="one series, or a few",
                        do=_DO,
                    )
                file.write(chunk)
