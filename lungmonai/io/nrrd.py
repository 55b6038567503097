"""NRRD: `.nrrd`, and `.nhdr` with its data beside it."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import GeometryError, NotCTError
from .geometry import affine_from_axes
from .header_text import LONGEST_HEADER, WRITE_AGAIN, damaged_header, header_line, header_start
from .voxels import VoxelBlock, check_sizes, neighbour

__all__ = ["read_nrrd_header"]

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_DTYPE_OF = {name: dtype for dtype, names in _TYPES.items() for name in names}
# What each space's axes are, in LPS.
_SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
}
_SPATIAL_KINDS = {"domain", "space", "???", "none"}


def read_nrrd_header(path: Path) -> tuple[VoxelBlock, NDArray[np.float64]]:
    """What a NRRD header says, checked before any voxel is read.

    Returns:
        The block of voxels, and the (4, 4) LPS affine.

    Raises:
        ScanError: whatever does not fit a three-dimensional single-channel image.
    """
    start = header_start(path)
    fields, length = _fields(path, start)
    _check_fixed(path, fields)
    shape = check_sizes(str(path), _sizes(path, fields))
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise damaged_header(path, f"encoding: {encoding or 'nothing'}", "raw or gzip")
    data_file = fields.get("data file")
    if data_file is None and path.suffix.lower() == ".nhdr":
        raise damaged_header(path, "no data file in its header", "the name of the file that holds the voxels")
    block = VoxelBlock(
        name=str(path),
        path=path if data_file is None else neighbour(path, data_file),
        start=length if data_file is None else 0,
        shape=shape,
        dtype=_dtype(path, fields),
        compressed=encoding != "raw",
    )
    return block, _affine(path, fields)


def _fields(path: Path, start: bytes) -> tuple[dict[str, str], int]:
    """Field to value, up to the blank line that ends the header; and the header's length in bytes."""
    if not re.match(rb"NRRD000[1-6]\r?\n", start):
        raise damaged_header(path, f"the first bytes {start[:8]!r}", "NRRD0001 to NRRD0006")
    fields: dict[str, str] = {}
    lines = start.split(b"\n")
    length = len(lines[0]) + 1
    for line in lines[1:]:
        length += len(line) + 1
        text = header_line(line)
        if not text and length <= len(start):
            return fields, length
        if not text.startswith("#"):
            _add_field(path, fields, text)
        if length > len(start):
            break
    # A detached header may end without the blank line.
    if "data file" in fields and len(start) < LONGEST_HEADER:
        return fields, len(start)
    raise damaged_header(
        path, "no blank line after its header", "a NRRD header, a blank line, then the voxels"
    )


def _add_field(path: Path, fields: dict[str, str], text: str) -> None:
    # "key:=value" is free text of the writer; only "field: value" describes the image.
    if not text or re.match(r"[^:]*:=", text):
        return
    key, colon, value = text.partition(":")
    key = {"datafile": "data file", "centerings": "centers"}.get(key.strip().lower(), key.strip().lower())
    if not colon:
        raise damaged_header(path, f"the header line {text[:60]!r}", "lines of the form field: value")
    if key in fields:
        raise damaged_header(path, f"{key} twice in its header", "every field once")
    fields[key] = value.strip()


def _check_fixed(path: Path, fields: dict[str, str]) -> None:
    kinds = set(fields.get("kinds", "domain").lower().split())
    if fields.get("dimension") != "3" or not kinds <= _SPATIAL_KINDS:
        raise NotCTError(
            f"{path} has dimension {fields.get('dimension')} and kinds {fields.get('kinds', 'unstated')!r}",
            wanted="dimension 3, all three in space",
            do="Give one single-channel CT volume, not a slice, a series in time or a colour image.",
        )
    for key in ("line skip", "lineskip", "byte skip", "byteskip"):
        if fields.get(key, "0") != "0":
            raise damaged_header(
                path, f"{key}: {fields[key]}", "voxels that begin where the header or file begins"
            )


def _sizes(path: Path, fields: dict[str, str]) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in fields.get("sizes", "").split())
    except ValueError:
        raise damaged_header(path, f"sizes: {fields['sizes']}", "three whole numbers") from None


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[np.generic]:
    kind = fields.get("type", "").lower()
    if kind not in _DTYPE_OF:
        raise NotCTError(
            f"{path} has type: {kind or 'nothing'}",
            wanted="short, or another integer or float type",
            do="Write the CT as 16-bit signed integers.",
        )
    code, endian = _DTYPE_OF[kind], fields.get("endian", "").lower()
    if endian not in ("little", "big") and not code.endswith("1"):
        raise damaged_header(path, f"endian: {endian or 'nothing'}", "little or big")
    return np.dtype((">" if endian == "big" else "<") + code)


def _affine(path: Path, fields: dict[str, str]) -> NDArray[np.float64]:
    space = fields.get("space", "").lower()
    if space not in _SPACES:
        raise GeometryError(
            f"{path} has space: {space or 'nothing'}, so left and right are unknown",
            wanted="left-posterior-superior, or RAS or LAS",
            do=WRITE_AGAIN,
        )
    if any("mm" not in unit for unit in re.findall(r'"([^"]*)"', fields.get("space units", ""))):
        raise GeometryError(
            f"{path} has space units: {fields['space units']}", wanted='"mm" three times', do=WRITE_AGAIN
        )
    directions = _vectors(path, fields, "space directions", 3)
    origin = _vectors(path, fields, "space origin", 1)
    to_lps = np.array(_SPACES[space])
    return affine_from_axes(str(path), (directions * to_lps).T, origin[0] * to_lps)


def _vectors(path: Path, fields: dict[str, str], key: str, count: int) -> NDArray[np.float64]:
    """`count` vectors written as (x,y,z)."""
    try:
        vectors = [
            [float(word) for word in text.split(",")] for text in re.findall(r"\(([^)]*)\)", fields[key])
        ]
    except (KeyError, ValueError):
        vectors = []
    if len(vectors) != count or any(len(vector) != 3 for vector in vectors):
        raise GeometryError(
            f"{path} has {key}: {fields.get(key, 'nothing')}",
            wanted=f"{count} of (x,y,z), in mm",
            do=WRITE_AGAIN,
        )
    return np.array(vectors)
