"""Volumes from which crops are read without reading the volume.

An uncompressed scan is its own memory map. A compressed one, a DICOM folder and a compressed mask get an
uncompressed entry in the cache, once; its slices are checked by their hashes when a process first touches
them.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from ..io.hounsfield import AIR_HU, LOWEST_HU
from ..io.scan import spacing_of, vox_from_lps
from ..io.voxels import open_error
from ..networks.shapes import CONTEXT_SLICES
from .cache.entry import block_hash
from .cache.files import file_facts, source_files
from .cache.store import CacheStore
from .cache.upkeep import cache_root
from .mapped_source import Voxels, cached_voxels, own_voxels

__all__ = ["MOST_OPEN", "MappedVolume", "open_volume"]

# Every map holds a file descriptor, and systems allow 1,024 by default.
MOST_OPEN = 256

_Name = tuple[str, str, str]
# Kept for each process. Least recently used first; dictionaries keep their order.
_OPEN: dict[_Name, MappedVolume] = {}
_STORES: dict[str, CacheStore] = {}
# 1 for each slice of an entry's file that this process has not checked.
_UNCHECKED: dict[tuple[int, ...], bytearray] = {}


def open_volume(path: str | Path, cache_dir: Path | str | None = None, *, kind: str = "ct") -> MappedVolume:
    """Open a scan or a mask to crop from; quick when this process has it open already.

    Args:
        path: anything that `read_ct` reads; a mask is a MetaImage, NIfTI or NRRD file.
        cache_dir: the cache's folder; default: `LUNGMONAI_CACHE`, else the user's cache folder, as they
            are when the volume is first opened.
        kind: `ct`, or `label` for a mask of whole numbers.

    Raises:
        ScanError: the file is refused.
        DataError: a mask that is none.
        SettingsError: another kind.
    """
    # The whole path: the process may have gone to another folder since.
    whole = os.path.abspath(path)  # noqa: PTH100 - called for every crop
    name = (whole, kind, "" if cache_dir is None else os.fspath(cache_dir))
    volume = _OPEN.pop(name, None)
    if volume is None or not volume.is_current():
        volume = MappedVolume(Path(path), cache_dir, kind=kind)
    _OPEN[name] = volume
    _close_some(volume)
    return volume


class MappedVolume:
    """A volume on disk; made by `open_volume`.

    It can go to worker processes, which open it themselves. Where the cache cannot be written, it holds
    the volume in memory.
    """

    def __init__(self, path: Path, cache_dir: Path | str | None = None, *, kind: str = "ct") -> None:
        self.path, self.kind = path, kind
        self._cache_dir = cache_dir
        self._is_folder = path.is_dir()
        own = own_voxels(path, kind)
        try:
            self._facts = file_facts(source_files(path))
        except OSError as error:
            raise open_error(path, error) from error
        # A scan's own file still has its padding; what `read_ct` has read has air instead.
        self._has_padding = own is not None and kind == "ct"
        self._set(own or cached_voxels(self._store, path, kind, self._facts))

    def __repr__(self) -> str:
        slices, rows, columns = self.shape
        return f"MappedVolume({columns}×{rows}×{slices} {self._voxels.array.dtype} {self.kind}, {self.path})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self.path, self._cache_dir, self.kind)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        slices, rows, columns = self._voxels.array.shape
        return slices, rows, columns

    @property
    def affine_lps(self) -> NDArray[np.float64]:
        """(4, 4) float, maps (column, row, slice, 1) to LPS millimetres."""
        return self._voxels.affine_lps

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along column, row and slice index, in mm."""
        return spacing_of(self.affine_lps)

    def vox_from_lps(self, lps_mm: ArrayLike) -> NDArray[np.float64]:
        """Voxel indices of world positions: (..., 3) LPS mm to (slice, row, column), not rounded."""
        return vox_from_lps(self.affine_lps, lps_mm)

    @property
    def entry(self) -> Path | None:
        """The cache's file that it is mapped from, if it is."""
        return self._voxels.entry

    @property
    def in_memory(self) -> bool:
        """Whether it is held in memory, because the cache could not be written."""
        return self._voxels.entry is None and not _is_mapped(self._voxels.array)

    @property
    def array(self) -> NDArray[Any]:
        """(slices, rows, columns), read-only; the first use in a process checks every slice of an entry.

        int16 HU for a CT, where a scan's own file keeps its padding (below −1024); `crop` and `context`
        give air for it.
        """
        self._check(0, self.shape[0])
        return self._voxels.array

    def crop(
        self, center_vox: tuple[float, float, float], shape: tuple[int, int, int]
    ) -> tuple[NDArray[Any], tuple[int, int, int]]:
        """Cut a box around a voxel, shifted inward at the border.

        The rule is that of *Deep Learning with PyTorch*, part 2: start = round(centre − width / 2), kept
        inside. A volume smaller than the box is filled up at its end, with air or with label 0.

        Args:
            center_vox: (slice, row, column), may be fractional.
            shape: of the box.

        Returns:
            The box, a copy; and its first voxel as (slice, row, column).
        """
        sizes = self.shape
        if not all(map(math.isfinite, center_vox)) or min(shape) < 1:
            raise SettingsError(
                f"a crop of {shape} around {center_vox}",
                wanted="finite numbers, and sizes above 0",
                do="Check both.",
            )
        first, row, column = (
            min(max(round(center - width / 2), 0), max(size - width, 0))
            for center, width, size in zip(center_vox, shape, sizes, strict=True)
        )
        slices, rows, columns = shape
        box = self._cut(first, first + slices, slice(row, row + rows), slice(column, column + columns))
        if box.shape != tuple(shape):
            lacking = [(0, width - size) for width, size in zip(shape, box.shape, strict=True)]
            box = np.pad(box, lacking, constant_values=AIR_HU if self.kind == "ct" else 0)
        return box, (first, row, column)

    def context(
        self,
        slice_vox: int,
        rows: slice = slice(None),
        columns: slice = slice(None),
        *,
        neighbours: int = CONTEXT_SLICES,
    ) -> NDArray[Any]:
        """A slice with its neighbours, the first and the last one repeated beyond the ends.

        Args:
            slice_vox: index of the slice in the middle.
            rows: which rows.
            columns: which columns.
            neighbours: slices either side; 0 for the slice alone.

        Returns:
            (2 · neighbours + 1, rows, columns), a copy.

        Raises:
            SettingsError: there is no such slice, or fewer than no neighbours.
        """
        last = self.shape[0] - 1
        if neighbours < 0:
            raise SettingsError(
                f"{neighbours} neighbours", wanted="0 or more", do="Give 0 for the slice alone."
            )
        if not 0 <= slice_vox <= last:
            raise SettingsError(
                f"slice {slice_vox} of {self.path}", wanted=f"0 to {last}", do="Check the position's affine."
            )
        first, end = max(slice_vox - neighbours, 0), min(slice_vox + neighbours, last) + 1
        block = self._cut(first, end, rows, columns)
        if len(block) == 2 * neighbours + 1:
            return block
        around = np.arange(slice_vox - neighbours, slice_vox + neighbours + 1)
        return np.take(block, around.clip(0, last) - first, axis=0)

    def is_current(self) -> bool:
        """Whether the source's files are still those that were opened."""
        try:
            if self._is_folder:
                return file_facts(source_files(self.path)) == self._facts
            return all(_unchanged(*fact) for fact in self._facts)
        except OSError:
            return False

    @property
    def _store(self) -> CacheStore:
        return _STORES.setdefault(os.fspath(cache_root(self._cache_dir)), CacheStore(self._cache_dir))

    def _set(self, voxels: Voxels) -> None:
        self._voxels = voxels
        self._unchecked = bytearray()
        if voxels.entry is not None:
            fresh = bytearray(b"\1") * len(voxels.hashes)
            self._unchecked = _UNCHECKED.setdefault(voxels.identity, fresh)

    def _cut(self, first: int, end: int, rows: slice, columns: slice) -> NDArray[Any]:
        self._check(first, end)
        block = np.array(self._voxels.array[first:end, rows, columns])
        if self._has_padding and block.size and block.min() < LOWEST_HU:
            block[block < LOWEST_HU] = AIR_HU
        return block

    def _check(self, first: int, end: int) -> None:
        """Compare slices that this process sees for the first time with their hashes."""
        if self._unchecked.find(1, first, end) < 0:
            return
        for index in range(first, min(end, len(self._unchecked))):
            if self._unchecked[index]:
                if block_hash(self._voxels.array[index]) != self._voxels.hashes[index]:
                    self._renew()
                    return
                self._unchecked[index] = 0

    def _renew(self) -> None:
        """Make a damaged entry again; every slice of the new one is checked."""
        self._set(cached_voxels(self._store, self.path, self.kind, self._facts, check=True))
        self._unchecked[:] = bytes(len(self._unchecked))


def _opened(path: Path, cache_dir: Path | str | None, kind: str) -> MappedVolume:
    return open_volume(path, cache_dir, kind=kind)


def _unchanged(name: str, size: int, time_ns: int) -> bool:
    found = os.stat(name)  # noqa: PTH116 - called for every crop
    return found.st_size == size and found.st_mtime_ns == time_ns


def _is_mapped(array: NDArray[Any]) -> bool:
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base is not None


def _close_some(newest: MappedVolume) -> None:
    """Let go of the maps used least recently, and of every volume in memory but the newest."""
    if newest.in_memory:
        for name, volume in list(_OPEN.items()):
            if volume.in_memory and volume is not newest:
                _OPEN.pop(name, None)
    for name in list(_OPEN)[:-MOST_OPEN]:
        _OPEN.pop(name, None)
