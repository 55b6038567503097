"""Masks of nodules to cut from: the datalist's own, else LIDC's outlines, else grown boxes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from monai.transforms import Compose, LoadImaged
from monai.transforms.transform import MapTransform
from numpy.typing import NDArray

from ..data.cached_dataset import CachedDataset
from ..data.datalist import ScanItem
from ..data.mapped_source import read_label
from ..data.phantom.sources import installed_database
from ..io import CTReader
from ..transforms.contour_mask import ContourMaskd
from ..transforms.grown_maskd import NoduleMaskd

__all__ = ["LabelBoxesd", "MaskBoxesd", "cut_mask", "marked_slices"]

# Scans whose boxes a process keeps: a few kilobytes each.
_KEPT = 2048


def cut_mask(
    item: ScanItem, first_vox: tuple[int, int, int], shape: tuple[int, int, int], cache_dir: str | None
) -> NDArray[np.uint8]:
    """The nodules of a box of a scan: (slices, rows, columns) uint8, 0 or 1.

    A datalist's `label` is used where it has one. For a scan of LIDC it is what half of the readers
    outlined; for any other scan the box grown around each annotated centre. Only the nodules' own boxes
    are kept, in memory and in the cache: a whole mask is as large as its scan, and nearly empty.

    Args:
        item: the scan.
        first_vox: (slice, row, column), the box's first voxel.
        shape: of the box; nothing is marked outside the scan.
        cache_dir: of masks; None for the user's.
    """
    mask = np.zeros(shape, dtype=np.uint8)
    for start, box in _boxes_of(_Known(item), cache_dir):
        _paste(mask, np.asarray(box), np.asarray(start, np.int64) - np.asarray(first_vox, np.int64))
    return mask


def marked_slices(item: ScanItem, cache_dir: str | None) -> list[int]:
    """The slices of a scan in which `cut_mask` marks anything, in order.

    Args:
        item: the scan.
        cache_dir: of masks; None for the user's.
    """
    boxes = _boxes_of(_Known(item), cache_dir)
    return sorted({start[0] + k for start, box in boxes for k in np.flatnonzero(box.any(axis=(1, 2)))})


class LabelBoxesd(MapTransform):
    """Read a mask's file and keep the boxes of its connected parts.

    Args:
        keys: of the file's path.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, Any]:
        """An item with `boxes`, a list of [first (slice, row, column), uint8 box]."""
        return {"boxes": _boxes(read_label(Path(data[self.keys[0]]))[0] > 0)}


class MaskBoxesd(MapTransform):
    """Keep of a mask the boxes of its connected parts, and nothing else of the item.

    Args:
        keys: of the mask: (1, columns, rows, slices).
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, Any]:
        """An item with `boxes`, as `LabelBoxesd` gives it."""
        return {"boxes": _boxes(np.asarray(data[self.keys[0]])[0].transpose(2, 1, 0) > 0)}


def _boxes(mask: NDArray[np.bool_]) -> list[Any]:
    from scipy.ndimage import find_objects, label

    # Most slices hold nothing; labelling only those between the first and the last marked is quick.
    marked = np.flatnonzero(mask.any(axis=(1, 2)))
    if not marked.size:
        return []
    first = int(marked[0])
    part = mask[first : int(marked[-1]) + 1]
    numbers, _ = label(part, np.ones((3, 3, 3)))
    return [
        [[where[0].start + first, where[1].start, where[2].start], part[where].astype(np.uint8)]
        for where in find_objects(numbers)
    ]


class _Known:
    """An item as an argument of a cached function, known by its files and its nodules."""

    def __init__(self, item: ScanItem) -> None:
        self.item = item
        places = tuple(tuple(nodule["lps_mm"]) for nodule in item["nodules"])
        self._name = (item["image"], item.get("label"), places)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)


@lru_cache(maxsize=_KEPT)
def _boxes_of(known: _Known, cache_dir: str | None) -> list[Any]:
    item = known.item
    if label := item.get("label"):
        source: dict[str, Any] = {"label": label}
        return _cached(source, Compose([LabelBoxesd("label")]), cache_dir)
    load = LoadImaged("image", reader=CTReader, ensure_channel_first=True)
    source = {"image": item["image"], "seriesuid": item["seriesuid"]}
    if item["seriesuid"] in _lidc_series():
        return _cached(source, Compose([load, ContourMaskd(), MaskBoxesd("label")]), cache_dir)
    source["nodules"] = [{"lps_mm": list(nodule["lps_mm"])} for nodule in item["nodules"]]
    return _cached(source, Compose([load, NoduleMaskd(), MaskBoxesd("label")]), cache_dir)


def _cached(source: dict[str, Any], chain: Compose, cache_dir: str | None) -> list[Any]:
    samples = CachedDataset([source], chain, str(cache_dir) if cache_dir else None)
    boxes: list[Any] = samples.cached(0)["boxes"]
    return boxes


@lru_cache(maxsize=1)
def _lidc_series() -> frozenset[str]:
    return frozenset(installed_database().patients())


def _paste(mask: NDArray[np.uint8], box: NDArray[np.uint8], at: NDArray[np.int64]) -> None:
    """Mark in `mask` what `box`, whose first voxel lies at `at`, marks within it."""
    low, high = np.maximum(at, 0), np.minimum(at + box.shape, mask.shape)
    if (low < high).all():
        into = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        out_of = tuple(slice(a, b) for a, b in zip(low - at, high - at, strict=True))
        mask[into] |= box[out_of]
