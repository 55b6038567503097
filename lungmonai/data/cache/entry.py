"""One entry of the cache: arrays and what belongs to them, in one safetensors file, checked by hashes.

A safetensors file is a JSON header and raw numbers: nothing in it can run when it is read, and its arrays
can be memory-mapped. Its metadata holds two texts: `entry`, which is JSON with the format's number, the
key, what the key was made of, the values that are not arrays, and for every array its type, shape and one
hash for each slice; and `check`, the hash of `entry`. So every byte that counts is vouched for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from ...errors import DataError
from ...files import written_whole

__all__ = [
    "DTYPES",
    "FORMAT",
    "SUFFIX",
    "ArrayPlace",
    "Entry",
    "block_hash",
    "check_entry",
    "read_entry",
    "read_head",
    "write_entry",
]

# Raised when an entry's layout changes; entries of another format are made again.
FORMAT = 1
SUFFIX = ".safetensors"
# Names of the number types in a safetensors header.
DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "C64": "<c8",
}
_NAME_OF = {dtype: name for name, dtype in DTYPES.items()}
# Bytes; the width of a cache line, and a multiple of every type's.
_ALIGNED = 64
# safetensors itself refuses longer headers.
_LONGEST_HEADER = 100_000_000
_LENGTH_BYTES = 8
# What is told of a key is for people; a scan's thousand candidates need not be.
_LONGEST_ABOUT = 4096


@dataclass(frozen=True)
class ArrayPlace:
    """Where an array lies in its entry.

    Args:
        dtype: number type, little-endian.
        shape: of the array.
        offset: byte of the file at which it begins.
        hashes: of each slice of a volume, otherwise one of the whole array; see `block_hash`.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    hashes: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes that it takes."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Entry:
    """What an entry's header says.

    Args:
        key: its name in the cache.
        about: what the key was made of, shortened.
        values: JSON; what was stored beside the arrays.
        arrays: places by name.
    """

    key: str
    about: str
    values: Any
    arrays: dict[str, ArrayPlace]


def block_hash(block: NDArray[Any]) -> str:
    """64-bit xxh3 of an array's bytes, in the order of its indices, as 16 hexadecimal digits."""
    return xxhash.xxh3_64_hexdigest(np.ascontiguousarray(block).reshape(-1).view(np.uint8).data)


def write_entry(path: Path, about: str, values: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an entry whole or not at all; its key is the name of the file.

    Args:
        path: ends in `SUFFIX`; its folder must exist.
        about: what the key was made of.
        values: JSON types only.
        arrays: any of the types in `DTYPES`.

    Raises:
        OutputError: the disk is full or the folder cannot be written to.
    """
    # Wide types first, so that every array begins at a multiple of its type's width.
    solid = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    order = sorted(solid, key=lambda name: -solid[name].itemsize)
    text = json.dumps(
        {
            "format": FORMAT,
            "key": path.stem,
            "about": about[:_LONGEST_ABOUT],
            "values": values,
            "arrays": {name: _row(solid[name]) for name in order},
        }
    )
    header: dict[str, Any] = {"__metadata__": {"entry": text, "check": _text_hash(text)}}
    start = 0
    for name in order:
        end = start + solid[name].nbytes
        dtype, shape = _NAME_OF[solid[name].dtype.str], solid[name].shape
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
        start = end
    # Not safetensors' own writer: it writes to a name of its own choosing, which a killed process leaves.
    with written_whole(path) as part, part.open("wb") as file:
        file.write(_framed(header))
        for name in order:
            file.write(solid[name].reshape(-1).view(np.uint8).data)


def read_head(path: Path) -> Entry:
    """What an entry's header says; the arrays are neither read nor checked.

    Raises:
        DataError: truncated, damaged, or no entry of this format and name.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(_LENGTH_BYTES)
        length = int.from_bytes(start, "little")
        text = file.read(min(length, _LONGEST_HEADER))
    return _parsed(path, length, text, path.stat().st_size)


def read_entry(path: Path) -> tuple[Entry, dict[str, NDArray[Any]]]:
    """An entry and its arrays, every hash checked; the arrays are writable and share one buffer.

    Raises:
        DataError: truncated, damaged, or no entry of this format and name.
        OSError: it cannot be opened.
    """
    content = np.fromfile(path, np.uint8)
    length = int.from_bytes(content[:_LENGTH_BYTES].tobytes(), "little")
    text = content[_LENGTH_BYTES : _LENGTH_BYTES + min(length, _LONGEST_HEADER)].tobytes()
    entry = _parsed(path, length, text, content.size)
    arrays = {name: _array_in(content, place) for name, place in entry.arrays.items()}
    for name, place in entry.arrays.items():
        _check_blocks(path, place, arrays[name])
    return entry, arrays


def check_entry(path: Path) -> Entry:
    """Check every hash of an entry without holding it in memory.

    Raises:
        DataError: truncated, damaged, or no entry of this format and name.
        OSError: it cannot be opened.
    """
    entry = read_head(path)
    content = np.memmap(path, np.uint8, mode="r")
    for place in entry.arrays.values():
        _check_blocks(path, place, _array_in(content, place))
    return entry


def _row(array: NDArray[Any]) -> dict[str, Any]:
    hashes = [block_hash(block) for block in _blocks(array)]
    return {"dtype": array.dtype.str, "shape": array.shape, "hashes": hashes}


def _blocks(array: NDArray[Any]) -> list[NDArray[Any]]:
    """The parts that are hashed apart: a volume's slices, so that one can be checked without the rest."""
    return list(array) if array.ndim == 3 else [array]


def _array_in(content: NDArray[np.uint8], place: ArrayPlace) -> NDArray[Any]:
    part = content[place.offset : place.offset + place.size_bytes]
    return part.view(place.dtype).reshape(place.shape)


def _check_blocks(path: Path, place: ArrayPlace, array: NDArray[Any]) -> None:
    if tuple(map(block_hash, _blocks(array))) != place.hashes:
        raise _damaged(path, "numbers that do not fit their hash")


def _parsed(path: Path, length: int, text: bytes, size: int) -> Entry:
    if len(text) != length or length < 2:
        raise _damaged(path, "no whole safetensors header")
    try:
        header = json.loads(text)
        told = header["__metadata__"]
        if _text_hash(told["entry"]) != told["check"]:
            raise _damaged(path, "a header that does not fit its hash")
        entry = json.loads(told["entry"])
        wanted, came = (FORMAT, path.stem), (entry["format"], entry["key"])
        start = _LENGTH_BYTES + length
        arrays = {name: _place(row, header[name], start) for name, row in entry["arrays"].items()}
        found = Entry(entry["key"], entry["about"], entry["values"], arrays)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, "a header of something else") from error
    if wanted != came:
        raise _damaged(path, f"format {came[0]} and key {str(came[1])[:64]}")
    if max((place.offset + place.size_bytes for place in arrays.values()), default=start) != size:
        raise _damaged(path, f"{size:,} bytes")
    return found


def _place(row: dict[str, Any], said: dict[str, Any], start: int) -> ArrayPlace:
    """One array's place: type, shape and hashes from our checked text, the offset from the header."""
    dtype = np.dtype(DTYPES[said["dtype"]])
    first, last = said["data_offsets"]
    place = ArrayPlace(np.dtype(row["dtype"]), tuple(row["shape"]), start + first, tuple(row["hashes"]))
    if dtype != place.dtype or last - first != place.size_bytes or first < 0:
        raise ValueError("table and text differ")
    return place


def _text_hash(text: str) -> str:
    return xxhash.xxh3_64_hexdigest(text.encode())


def _framed(header: dict[str, Any]) -> bytes:
    """Length and text of a header, filled up with spaces so that the numbers begin at a round place."""
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + _LENGTH_BYTES) % _ALIGNED)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def _damaged(path: Path, came: str) -> DataError:
    return DataError(
        f"the cache's entry {path} is damaged or not ours: it has {came}",
        wanted=f"an entry of format {FORMAT} as it was written",
        do="It can be deleted; `lungmonai cache verify --remove` does that.",
    )
