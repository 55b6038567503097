"""Where a volume's numbers lie: in its own file, if that is plain, else in an entry of the cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, SettingsError
from ..io.metaimage import read_metaimage_header
from ..io.nifti import read_nifti_header
from ..io.nrrd import read_nrrd_header
from ..io.read import read_ct, suffix_of
from ..io.voxels import VoxelBlock, check_there, open_error, read_voxels
from .cache.entry import check_entry, read_head
from .cache.files import FileFact
from .cache.key import volume_key
from .cache.store import CacheStore, Content

__all__ = ["KINDS", "VOLUMES", "Voxels", "cached_voxels", "needs_entry", "own_voxels", "read_label"]

KINDS = ("ct", "label")
# The cache's folder for volumes, and the name of an entry's one array.
VOLUMES, _ARRAY = "volumes", "volume"

_Header = tuple[VoxelBlock, NDArray[np.float64], tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Voxels:
    """A volume's numbers and geometry.

    Args:
        array: (slices, rows, columns) integers, read-only; a memory map wherever that is possible.
        affine_lps: (4, 4) float, maps (column, row, slice, 1) to LPS millimetres.
        entry: the cache's file that they are mapped from; None for the source itself or plain memory.
        hashes: of every slice, for an entry.
        identity: what tells the entry's file from one that replaces it.
    """

    array: NDArray[Any]
    affine_lps: NDArray[np.float64]
    entry: Path | None = None
    hashes: tuple[str, ...] = ()
    identity: tuple[int, ...] = ()


def needs_entry(path: Path, kind: str) -> bool:
    """Whether a volume has to be kept uncompressed to be mapped.

    Raises:
        ScanError: its header is refused.
    """
    return _plain_block(path, kind) is None


def own_voxels(path: Path, kind: str) -> Voxels | None:
    """The numbers mapped from the source itself; None where they need an entry.

    Plain are uncompressed integers, little-endian and without a rescale, and 16-bit signed for a CT. The
    header is checked and the file's size, not the numbers: `read_ct` does that.

    Raises:
        ScanError: the header is refused.
    """
    found = _plain_block(path, kind)
    if found is None:
        return None
    block, affine = found
    # Checks the length, and maps without reading.
    array = read_voxels(block) if block.dtype == np.dtype("<i2") else _mapped(block)
    array.setflags(write=False)
    return Voxels(array, affine)


def cached_voxels(
    store: CacheStore, path: Path, kind: str, facts: list[FileFact], *, check: bool = False
) -> Voxels:
    """The numbers mapped from the cache's entry, which is made where it is missing or damaged.

    Args:
        store: the cache.
        path: of the source.
        kind: one of `KINDS`.
        facts: on the source's files.
        check: check every hash of the entry first.

    Returns:
        Voxels in plain memory, if no entry can be written.

    Raises:
        ScanError: the source is refused.
    """
    key, about = volume_key(facts, kind)

    def make() -> tuple[Voxels, Content]:
        voxels = _loaded(path, kind)
        values = {"affine_lps": voxels.affine_lps.tolist(), "source": str(path)}
        return voxels, Content(about, values, {_ARRAY: voxels.array})

    return store.fetch(VOLUMES, key, _checked_entry if check else _mapped_entry, make)


def _mapped_entry(path: Path) -> Voxels:
    head = read_head(path)
    place = head.arrays[_ARRAY]
    array = np.memmap(path, place.dtype, mode="r", offset=place.offset, shape=place.shape)
    found = path.stat()
    identity = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
    return Voxels(np.asarray(array), np.array(head.values["affine_lps"]), path, place.hashes, identity)


def _checked_entry(path: Path) -> Voxels:
    check_entry(path)
    return _mapped_entry(path)


def _plain_block(path: Path, kind: str) -> tuple[VoxelBlock, NDArray[np.float64]] | None:
    if kind not in KINDS:
        raise SettingsError(f"the kind is {kind!r}", wanted=" or ".join(KINDS), do="Use one of these.")
    found = _header(path)
    if found is None:
        return None
    block, affine, rescale = found
    wanted = block.dtype == np.dtype("<i2") if kind == "ct" else block.dtype.kind in "iu"
    native = block.dtype.isnative and (block.start + block.skip) % block.dtype.itemsize == 0
    plain = wanted and native and not block.compressed and rescale == (1.0, 0.0)
    return (block, affine) if plain else None


def _header(path: Path) -> _Header | None:
    """Block, LPS affine and rescale of a file with one header; None for DICOM."""
    try:
        check_there(path)
        suffix = suffix_of(path)
        if suffix in (".nii", ".nii.gz"):
            block, affine, rescale, _ = read_nifti_header(path)
            return block, affine, rescale
        if suffix in (".mhd", ".mha"):
            return *read_metaimage_header(path), (1.0, 0.0)
        if suffix in (".nrrd", ".nhdr"):
            return *read_nrrd_header(path), (1.0, 0.0)
    except OSError as error:
        raise open_error(path, error) from error
    return None


def _mapped(block: VoxelBlock) -> NDArray[Any]:
    start = block.start + block.skip
    if block.path.stat().st_size - start != block.size_bytes:
        return read_voxels(block)  # refuses it, in its own words
    return np.asarray(np.memmap(block.path, block.dtype, mode="r", offset=start, shape=block.shape))


def _loaded(path: Path, kind: str) -> Voxels:
    """Read the whole source once: HU for a CT, whole numbers for a mask."""
    if kind == "label":
        array, affine = read_label(path)
    else:
        scan = read_ct(path)
        array, affine = np.array(scan.hu), scan.affine_lps
    array.setflags(write=False)
    return Voxels(array, np.array(affine))


def read_label(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Read a mask: (slices, rows, columns) of whole numbers, and its (4, 4) affine to LPS mm.

    Raises:
        DataError: it is no volume of whole numbers.
        ScanError: the file is refused.
    """
    found = _header(path)
    if found is None:
        raise _no_label(path, "no header of a volume", "a MetaImage, NIfTI or NRRD file")
    block, affine, (slope, intercept) = found
    stored = read_voxels(block)
    if stored.dtype.kind in "iu" and (slope, intercept) == (1.0, 0.0):
        return stored.astype(stored.dtype.newbyteorder("<")), affine
    numbers = stored.astype(np.float64) * slope + intercept
    whole = np.rint(numbers)
    if not (np.isfinite(numbers).all() and (numbers == whole).all() and np.abs(whole).max() < 2**31):
        raise _no_label(path, "numbers that are not whole", "one whole number for each label")
    kinds = [np.min_scalar_type(int(limit)) for limit in (whole.min(), whole.max())]
    return whole.astype(np.result_type(*kinds)), affine


def _no_label(path: Path, came: str, wanted: str) -> DataError:
    return DataError(f"the mask {path} has {came}", wanted=wanted, do="Write the mask again as integers.")
