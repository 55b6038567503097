"""Which image files hold the same voxels, whatever their format and storage order.

Two steps: the middle slice of every scan, which an uncompressed file gives without being read whole;
then all slices, only where middle slices are equal.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import ScanError
from ...io import read_ct
from ...io.hounsfield import AIR_HU, LOWEST_HU
from ...io.metaimage import read_metaimage_header
from ...io.read import suffix_of
from ...io.voxels import check_there, read_voxels
from ...progress import Progress

__all__ = ["Contents", "compare_contents"]
_Found = TypeVar("_Found")

# Decompression and hashing release Python's lock; more threads only hold more volumes in memory.
_MOST_THREADS = 8


@dataclass(frozen=True)
class Contents:
    """What was found in image files.

    Args:
        middles: SHA-256 of the middle slice of each file; files whose middle is of one value are left out.
        wholes: SHA-256 of all slices, of each file whose middle slice lies in another list too.
        unread: why, for each file that could not be compared.
    """

    middles: dict[Path, str] = field(default_factory=dict)
    wholes: dict[Path, str] = field(default_factory=dict)
    unread: dict[Path, str] = field(default_factory=dict)


def compare_contents(
    lists: Sequence[Iterable[Path]], *, progress: Progress = lambda stage, done, total: None
) -> Contents:
    """Hash the images of several lists, as far as it takes to tell which are equal.

    Args:
        lists: paths of each list.
        progress: called with (stage, done, total).
    """
    within: dict[Path, set[int]] = defaultdict(set)
    for number, paths in enumerate(lists):
        for path in paths:
            within[path].add(number)
    contents = Contents()
    contents.unread.update((path, "it does not exist") for path in sorted(within) if not path.exists())
    there = [path for path in sorted(within) if path not in contents.unread]
    # One list alone has nothing to be compared with: do not read it.
    if len(set().union(*(within[path] for path in there))) < 2:
        return contents
    keys: dict[str, list[Path]] = defaultdict(list)
    for path, middle in _each(_middle, there, contents.unread, "Comparing middle slices", progress):
        keys[middle.key].append(path)
        if not middle.flat:
            contents.middles[path] = middle.key
    doubtful = [
        path
        for paths in keys.values()
        if len(paths) > 1 and len(set().union(*(within[path] for path in paths))) > 1
        for path in paths
    ]
    contents.wholes.update(_each(_whole, doubtful, contents.unread, "Comparing whole scans", progress))
    return contents


@dataclass(frozen=True)
class _Middle:
    """A hash of the shape and the middle slice, and whether the slice is all one value."""

    key: str
    flat: bool


def _each(
    work: Callable[[Path], _Found],
    paths: Sequence[Path],
    unread: dict[Path, str],
    stage: str,
    progress: Progress,
) -> Iterator[tuple[Path, _Found]]:
    """What `work` gives for each path, in their order; why a file was refused goes to `unread`."""

    def tried(path: Path) -> _Found | Exception:
        try:
            return work(path)
        except (ScanError, OSError) as error:
            return error

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        for done, (path, found) in enumerate(zip(paths, pool.map(tried, paths), strict=True), 1):
            progress(stage, done, len(paths))
            if isinstance(found, Exception):
                unread[path] = str(found)
            else:
                yield path, found


def _middle(path: Path) -> _Middle:
    hu = _oriented(path)
    plane = _plane(hu, len(hu) // 2)
    return _Middle(_sha256(hu.shape, [plane]), bool((plane == plane[0, 0]).all()))


def _whole(path: Path) -> str:
    hu = _oriented(path)
    return _sha256(hu.shape, (_plane(hu, index) for index in range(len(hu))))


def _sha256(shape: tuple[int, ...], planes: Iterable[NDArray[np.int16]]) -> str:
    digest = hashlib.sha256(repr(shape).encode())
    for plane in planes:
        digest.update(plane.data)
    return digest.hexdigest()


def _plane(hu: NDArray[np.int16], index: int) -> NDArray[np.int16]:
    """One slice as `read_ct` gives it: contiguous, padding turned into air."""
    return np.ascontiguousarray(np.where(hu[index] < LOWEST_HU, np.int16(AIR_HU), hu[index]))


def _oriented(path: Path) -> NDArray[np.int16]:
    """(slices, rows, columns) int16 HU in the order of `CTScan.canonical`, as a view without a copy."""
    from nibabel.orientations import apply_orientation, io_orientation

    hu, affine_lps = _stored(path)
    to_lps = io_orientation(affine_lps)  # type: ignore[no-untyped-call]
    return np.asarray(apply_orientation(hu.T, to_lps)).T  # type: ignore[no-untyped-call]


def _stored(path: Path) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Voxels and LPS affine; an uncompressed MetaImage, LUNA16's format, is mapped and not read."""
    check_there(path)  # opening a pipe would wait for ever
    if suffix_of(path) in (".mhd", ".mha"):
        block, affine_lps = read_metaimage_header(path)
        if not block.compressed and block.dtype == np.dtype("<i2"):
            return np.asarray(read_voxels(block), dtype=np.int16), affine_lps
    scan = read_ct(path)
    return scan.hu, scan.affine_lps
