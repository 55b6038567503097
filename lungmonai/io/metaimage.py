"""MetaImage: `.mhd` beside `.raw` or `.zraw`, and `.mha`; the format of LUNA16."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import GeometryError, NotCTError
from .geometry import affine_from_parts
from .header_text import WRITE_AGAIN, damaged_header, header_line, header_start
from .voxels import VoxelBlock, check_sizes, neighbour

__all__ = ["read_metaimage_header"]

# MET_LONG is absent: it has 4 bytes from some writers and 8 from others.
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_Number = TypeVar("_Number", int, float)
_IDENTITY = "1 0 0 0 1 0 0 0 1"


def read_metaimage_header(path: Path) -> tuple[VoxelBlock, NDArray[np.float64]]:
    """What a MetaImage header says, checked before any voxel is read.

    Returns:
        The block of voxels, and the (4, 4) LPS affine.

    Raises:
        ScanError: whatever does not fit a three-dimensional single-channel image.
    """
    start = header_start(path)
    fields, length = _fields(path, start)
    _check_fixed(path, fields)
    sizes = tuple(_numbers(path, fields, ("DimSize",), 3, int))
    data_file = fields["ElementDataFile"]
    local = data_file.upper() == "LOCAL"
    block = VoxelBlock(
        name=str(path),
        path=path if local else neighbour(path, data_file),
        start=length if local else 0,
        shape=check_sizes(str(path), sizes),
        dtype=_dtype(path, fields),
        compressed=_flag(path, fields, "CompressedData"),
    )
    _check_compressed_size(path, fields, block)
    return block, _affine(path, fields)


def _fields(path: Path, start: bytes) -> tuple[dict[str, str], int]:
    """Key to value, up to `ElementDataFile`, which ends the header; and the header's length in bytes."""
    fields: dict[str, str] = {}
    length = 0
    for line in start.splitlines(keepends=True):
        length += len(line)
        key, equals, value = header_line(line).partition("=")
        if not equals and key.strip():
            raise damaged_header(
                path, f"the header line {key.strip()[:60]!r}", "lines of the form Key = Value"
            )
        if key.strip() in fields:
            raise damaged_header(path, f"{key.strip()} twice in its header", "every key once")
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            return fields, length
    raise damaged_header(path, "no ElementDataFile in its header", "a MetaImage header that names its data")


def _check_fixed(path: Path, fields: dict[str, str]) -> None:
    channels = fields.get("ElementNumberOfChannels", "1")
    if fields.get("NDims") != "3" or channels != "1":
        raise NotCTError(
            f"{path} has NDims = {fields.get('NDims')} and {channels} channels",
            wanted="NDims = 3 and 1 channel",
            do="Give one single-channel CT volume, not a slice, a series in time or a colour image.",
        )
    if not _flag(path, fields, "BinaryData", default="True"):
        raise damaged_header(path, "voxels written as text", "BinaryData = True")
    if fields.get("HeaderSize", "0") != "0":
        raise damaged_header(
            path, f"HeaderSize = {fields['HeaderSize']}", "voxels that begin where the file begins"
        )


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[np.generic]:
    kind = fields.get("ElementType", "")
    if kind not in _TYPES:
        raise NotCTError(
            f"{path} has ElementType = {kind or 'nothing'}",
            wanted="MET_SHORT, or another of " + ", ".join(_TYPES),
            do="Write the CT as 16-bit signed integers.",
        )
    key = "ElementByteOrderMSB" if "ElementByteOrderMSB" in fields else "BinaryDataByteOrderMSB"
    return np.dtype((">" if _flag(path, fields, key) else "<") + _TYPES[kind])


def _affine(path: Path, fields: dict[str, str]) -> NDArray[np.float64]:
    if "ElementSpacing" not in fields and "ElementSize" not in fields:
        raise GeometryError(
            f"{path} has no ElementSpacing",
            wanted="the distance between voxels in mm, three numbers",
            do=WRITE_AGAIN,
        )
    spacing = _numbers(path, fields, ("ElementSpacing", "ElementSize"), 3, float)
    origin = _numbers(path, fields, ("Offset", "Position", "Origin"), 3, float, default="0 0 0")
    matrix = _numbers(
        path, fields, ("TransformMatrix", "Rotation", "Orientation"), 9, float, default=_IDENTITY
    )
    # The file lists the axes one after another: each row is the unit vector of one voxel axis.
    return affine_from_parts(str(path), spacing, np.reshape(matrix, (3, 3)).T, origin)


def _check_compressed_size(path: Path, fields: dict[str, str], block: VoxelBlock) -> None:
    if not block.compressed or "CompressedDataSize" not in fields:
        return
    (wanted,) = _numbers(path, fields, ("CompressedDataSize",), 1, int)
    came = block.path.stat().st_size - block.start
    if came != wanted:
        what = "truncated" if came < wanted else "oversized"
        raise damaged_header(path, f"{came:,} compressed bytes, {what}", f"CompressedDataSize = {wanted:,}")


def _flag(path: Path, fields: dict[str, str], key: str, default: str = "False") -> bool:
    value = fields.get(key, default).lower()
    if value not in ("true", "false", "1", "0"):
        raise damaged_header(path, f"{key} = {fields[key]}", "True or False")
    return value in ("true", "1")


def _numbers(
    path: Path,
    fields: dict[str, str],
    keys: tuple[str, ...],
    count: int,
    kind: Callable[[str], _Number],
    default: str = "",
) -> list[_Number]:
    """The first of `keys` that is there, as `count` numbers."""
    key = next((key for key in keys if key in fields), keys[0])
    try:
        numbers = [kind(word) for word in fields.get(key, default).split()]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise damaged_header(path, f"{key} = {fields.get(key, 'nothing')}", f"{count} numbers")
    return numbers
