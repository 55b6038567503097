"""The slices whose pictures are drawn after every validation."""

from __future__ import annotations

from collections.abc import Sequence

from ...data.datalist import ScanItem
from ...errors import DataError
from ..places import opened
from ..segmentation_samples import NoduleSlices

__all__ = ["SCANS", "SLICES", "FixedSlices"]

# Deep Learning with PyTorch, part 2.
SCANS, SLICES = 12, 6


class FixedSlices(NoduleSlices):
    """Slices evenly spaced from the first to the last of the first scans by series UID.

    Samples are those of `NoduleSlices`, of other slices: whether they hold a nodule or not.

    Args:
        items: of a datalist.
        scans: how many of them.
        slices: of each.
        cache_dir: of what cannot be mapped as it is; None for the user's.

    Raises:
        DataError: there is no scan.
    """

    def __init__(
        self,
        items: Sequence[ScanItem],
        *,
        scans: int = SCANS,
        slices: int = SLICES,
        cache_dir: str | None = None,
    ) -> None:
        if not items:
            raise DataError("there is no scan to draw", wanted="at least one", do="Add scans.")
        self.cache_dir = cache_dir or None
        first = sorted(items, key=lambda item: item["seriesuid"])[:scans]
        self.slices = [(item, index) for item in first for index in self._evenly(item, slices)]
        self.per_scan = slices

    def _evenly(self, item: ScanItem, slices: int) -> list[int]:
        last = opened(item, self.cache_dir).shape[0] - 1
        return [number * last // max(slices - 1, 1) for number in range(slices)]
