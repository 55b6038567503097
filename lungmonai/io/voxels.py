"""The block of numbers behind a header: as long as the header says, or refused.

The formats with a header of their own are read here with NumPy and zlib. Their usual C++ readers trust
the header's file names and sizes, and give uninitialised memory for a corrupt stream.
"""

import math
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import DamagedError, NotCTError, ScanError

__all__ = [
    "MAX_VOXELS",
    "SMALLEST_SIDE",
    "VoxelBlock",
    "check_sizes",
    "check_there",
    "inflated",
    "neighbour",
    "open_error",
    "read_voxels",
]

# 1024 × 1024 × 1024, 2 GiB of int16: four times the largest chest CT in use (1024 × 1024 × 256).
MAX_VOXELS = 2**30
# Fewer have no neighbours on both sides: no spacing that can be checked, no nodule that has a volume.
SMALLEST_SIDE = 3

_CHUNK = 2**20
# Takes the zlib and the gzip wrapper, whichever is there.
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS
_COPY_AGAIN = "Copy or export the scan again; this copy is damaged."


@dataclass(frozen=True)
class VoxelBlock:
    """Where a volume's numbers lie.

    Args:
        name: the file, for messages.
        path: the file that holds them.
        start: byte at which they, or their compressed stream, begin.
        shape: (slices, rows, columns).
        dtype: number type with its byte order.
        compressed: whether they are one zlib or gzip stream to the end of the file.
        skip: bytes before the numbers inside the decompressed stream.
    """

    name: str
    path: Path
    start: int
    shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    compressed: bool = False
    skip: int = 0

    @property
    def size_bytes(self) -> int:
        """Bytes that the numbers must take."""
        return math.prod(self.shape) * self.dtype.itemsize


def check_sizes(name: str, sizes: tuple[int, ...]) -> tuple[int, int, int]:
    """Sizes from a header, before anything is allocated.

    Args:
        name: the file, for messages.
        sizes: (columns, rows, slices).

    Returns:
        (slices, rows, columns).

    Raises:
        NotCTError: not three dimensions, too thin or too large.
    """
    if len(sizes) != 3 or min(sizes) < SMALLEST_SIDE:
        raise NotCTError(
            f"{name} has the size {_times(sizes)}",
            wanted=f"three dimensions of at least {SMALLEST_SIDE} voxels",
            do="Give one whole single-channel CT volume.",
        )
    if math.prod(sizes) > MAX_VOXELS:
        raise NotCTError(
            f"{name} has the size {_times(sizes)}, {math.prod(sizes):,} voxels",
            wanted=f"at most {MAX_VOXELS:,}",
            do="Crop or resample the scan, or mend its header.",
        )
    return sizes[2], sizes[1], sizes[0]


def neighbour(header: Path, file_name: str) -> Path:
    """The data file that a header names: a plain name of a regular file in the header's own folder.

    Raises:
        DamagedError: it names another place, a pattern or a list, or the file is not there.
    """
    plain = file_name not in ("", ".", "..") and not set(file_name) & set("/\\%:\0")
    if not plain or file_name.upper().startswith("LIST"):
        raise DamagedError(
            f"{header} names the data file {file_name!r}",
            wanted="a plain file name in the header's own folder",
            do="Put header and data side by side and write the data's name into the header.",
        )
    path = header.parent / file_name
    if not path.exists():
        raise DamagedError(
            f"{header} names the data file {file_name!r}, which is not beside it",
            wanted="header and data side by side",
            do="Copy both files into one folder.",
        )
    real = path.resolve()
    if real.parent != header.parent.resolve() or not stat.S_ISREG(real.stat().st_mode):
        raise DamagedError(
            f"{header} names the data file {file_name!r}, a link or device that leads to {real}",
            wanted="a regular file in the header's own folder",
            do="Replace the link by the file itself.",
        )
    return path


def read_voxels(block: VoxelBlock) -> NDArray[np.generic]:
    """The numbers of a block, C-contiguous; plain little-endian int16 is memory-mapped, copy on write.

    Raises:
        DamagedError: more or fewer bytes than the header says, or a corrupt stream.
    """
    if block.compressed:
        with block.path.open("rb") as file:
            file.seek(block.start)
            content = inflated(file, block.skip + block.size_bytes, block.name)
        return np.frombuffer(content, block.dtype, offset=block.skip).reshape(block.shape)
    start = block.start + block.skip
    came = block.path.stat().st_size - start
    if came != block.size_bytes:
        raise _wrong_length(
            block.name, f"{came:,} bytes of voxels", block.size_bytes, came < block.size_bytes
        )
    if block.dtype == np.dtype("<i2") and start % 2 == 0:
        return np.asarray(np.memmap(block.path, block.dtype, mode="c", offset=start, shape=block.shape))
    return np.fromfile(block.path, block.dtype, offset=start).reshape(block.shape)


def inflated(file: BinaryIO, wanted: int, name: str, *, whole: bool = True) -> bytearray:
    """Decompress a zlib or gzip stream that must give `wanted` bytes and not one more.

    Args:
        file: positioned at the start of the stream, which runs to the end of the file.
        wanted: bytes to decompress to; never allocates more than this and one chunk.
        name: the file, for messages.
        whole: whether the stream must end there; otherwise its first `wanted` bytes are given.

    Raises:
        DamagedError: truncated, oversized or corrupt.
    """
    content = bytearray()
    stream = zlib.decompressobj(_ZLIB_OR_GZIP)
    try:
        while len(content) <= wanted and (chunk := stream.unconsumed_tail or file.read(_CHUNK)):
            content += stream.decompress(chunk, wanted + 1 - len(content))
            if stream.eof and stream.unused_data:
                file.seek(-len(stream.unused_data), 1)
                stream = zlib.decompressobj(_ZLIB_OR_GZIP)
    except zlib.error as error:
        raise DamagedError(
            f"{name} holds a corrupt compressed stream after {len(content):,} bytes ({error})",
            wanted=f"{wanted:,} bytes of voxels",
            do=_COPY_AGAIN,
        ) from error
    if not whole:
        return content[:wanted]
    if len(content) > wanted:
        raise _wrong_length(name, "more bytes of voxels", wanted, False)
    if len(content) < wanted or not stream.eof:
        raise _wrong_length(name, f"{len(content):,} bytes of voxels in its compressed stream", wanted, True)
    return content


def check_there(path: Path) -> None:
    """Refuse a path that is neither a file nor a folder.

    Raises:
        ScanError: it is missing, or a device or pipe.
    """
    if not path.exists():
        raise ScanError(f"{path} does not exist", wanted="a CT file or DICOM folder", do="Check the path.")
    if not (path.is_file() or path.is_dir()):
        raise ScanError(
            f"{path} is a device or pipe", wanted="a CT file or DICOM folder", do="Check the path."
        )


def open_error(path: Path, error: OSError) -> ScanError:
    """What the system says of a file that cannot be opened, in our words."""
    return ScanError(
        f"{path} cannot be read: {error.strerror or error}",
        wanted="a file that this account may read",
        do="Check its permissions and the disk.",
    )


def _wrong_length(name: str, came: str, wanted: int, short: bool) -> DamagedError:
    what = "truncated" if short else "oversized"
    return DamagedError(f"{name} is {what}: it holds {came}", wanted=f"{wanted:,} bytes", do=_COPY_AGAIN)


def _times(sizes: tuple[int, ...]) -> str:
    return "×".join(str(size) for size in sizes) or "nothing"
