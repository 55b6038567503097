"""Masks of nodules to cut from: the datalist's own, else LIDC's outlines, else grown boxes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from monai.transforms import Compose, LoadImaged
from monai.transforms.transform import MapTransform
from numpy.typing import NDArray

from ..data.cached_dataset import CachedDataset
from ..data.datalist import ScanItem
from ..data.phantom.sources import installed_database
from ..data.mapped import open_volume
from ..io import CTReader
from ..transforms.contour_mask import ContourMaskd
from ..transforms.grown_maskd import NoduleMaskd

__all__ = ["MaskBoxesd", "cut_mask"]

# Scans whose boxes a process keeps: a few kilobytes each.
_KEPT = 2048


def cut_mask(
    item: ScanItem, first_vox: tuple[int, int, int], shape: tuple[int, int, int], cache_dir: str | None
) -> NDArray[np.uint8]:
    """The nodules of a box of a scan: (slices, rows, columns) uint8, 0 or 1.

    A datalist's `label` is used where it has one. For a scan of LIDC it is what half of the readers
    outlined; for any other scan the box grown around each annotated centre. Made once, and cached.

    Args:
        item: the scan.
        first_vox: (slice, row, column), the box's first voxel; inside the scan.
        shape: of the box; it may reach over the scan's end, where nothing is marked.
        cache_dir: of masks; None for the user's.
    """
    if "label" in item:
        volume = open_volume(item["label"], cache_dir, kind="label")
        # What `crop` takes is the middle of the box that begins at `first_vox`.
        middle = [first + width / 2 for first, width in zip(first_vox, shape, strict=True)]
        marked, _ = volume.crop((middle[0], middle[1], middle[2]), shape)
        return (marked > 0).astype(np.uint8)
    mask = np.zeros(shape, dtype=np.uint8)
    for start, box in _boxes_of(item["seriesuid"], _Known(item), cache_dir):
        _paste(mask, box, np.asarray(start) - first_vox)
    return mask


class MaskBoxesd(MapTransform):
    """Replace a mask by the boxes of its connected parts, and drop the image: what is worth caching.

    Args:
        keys: of the mask: (1, columns, rows, slices).
        drop: other keys to leave out.
    """

    def __init__(self, keys: str = "label", drop: tuple[str, ...] = ("image",)) -> None:
        super().__init__(keys)
        self.drop = drop

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """An item with `boxes`, a list of [first (slice, row, column), uint8 box]."""
        from scipy.ndimage import find_objects, label

        mask = np.asarray(data[self.keys[0]])[0].transpose(2, 1, 0) > 0
        parts, _ = label(mask, np.ones((3, 3, 3)))
        boxes = [
            [[int(one.start) for one in where], np.ascontiguousarray(mask[where]).astype(np.uint8)]
            for where in find_objects(parts)
        ]
        kept = {key: value for key, value in data.items() if key not in (*self.keys, *self.drop)}
        return {**kept, "boxes": boxes}


class _Known:
    """An item as an argument of a cached function, known by its series."""

    def __init__(self, item: ScanItem) -> None:
        self.item = item

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=_KEPT)
def _boxes_of(seriesuid: str, known: _Known, cache_dir: str | None) -> list[Any]:
    outlined = seriesuid in _lidc_series()
    make = ContourMaskd() if outlined else NoduleMaskd()
    chain = Compose([LoadImaged("image", reader=CTReader, ensure_channel_first=True), make, MaskBoxesd()])
    item = {"image": known.item["image"], "seriesuid": seriesuid}
    if not outlined:
        item["nodules"] = [dict(nodule) for nodule in known.item["nodules"]]  # type: ignore[assignment]
    boxes: list[Any] = CachedDataset([item], chain, cache_dir).cached(0)["boxes"]
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
        mask[into] |= np.asarray(box)[out_of]
