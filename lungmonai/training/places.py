"""Places in scans that a network learns from, and the crops around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.datalist import ScanItem
from ..data.mapped import MappedVolume, open_volume
from ..errors import DataError, ScanError
from ..metrics.hits import counted_diameters

__all__ = ["Place", "decided_places", "malignancy_places", "nodule_places", "opened", "touches_excluded"]

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Place:
    """A point in a scan and what is there.

    Args:
        item: the scan.
        lps_mm: (x, y, z).
        label: class that the network shall answer.
        kind: which sort it is, for drawing in shares: `nodule`, `malignant`, `benign` or `other`.
        diameter_mm: of the nodule; 0 where there is none.
        mined: whether the segmentation marked it, so that it is hard to tell from a nodule.
    """

    item: ScanItem
    lps_mm: Point
    label: int
    kind: str
    diameter_mm: float = 0.0
    mined: bool = False

    @property
    def name(self) -> str:
        """Series and position, as messages and pictures name it."""
        return f"{self.item['seriesuid']} " + ",".join(f"{value:.1f}" for value in self.lps_mm)


def nodule_places(items: Sequence[ScanItem]) -> list[Place]:
    """Nodules (label 1) and the candidates that are none (label 0), for `nodule or not`.

    Nodules come from the annotations only: in LUNA16's tables the positive candidates are the same
    nodules again (Deep Learning with PyTorch, part 2).
    """
    nodules = [
        Place(item, nodule["lps_mm"], 1, "nodule", nodule["diameter_mm"])
        for item in items
        for nodule in item["nodules"]
    ]
    return nodules + list(_others(items))


def decided_places(items: Sequence[ScanItem]) -> list[Place]:
    """Malignant nodules (label 1) and benign ones (label 0); those on which nobody decided are left out.

    Args:
        items: of a datalist.
    """
    return [
        Place(
            item,
            nodule["lps_mm"],
            int(nodule["malignant"]),
            "malignant" if nodule["malignant"] else "benign",
            nodule["diameter_mm"],
        )
        for item in items
        for nodule in item["nodules"]
        if nodule["malignant"] is not None
    ]


def malignancy_places(items: Sequence[ScanItem]) -> list[Place]:
    """What malignancy is learnt from: decided nodules, and candidates that are none (label 0).

    Args:
        items: of a datalist.
    """
    return decided_places(items) + list(_others(items))


def _others(items: Sequence[ScanItem]) -> Iterator[Place]:
    for item in items:
        for x, y, z, label in item["candidates"]:
            if label == 0:
                yield Place(item, (x, y, z), 0, "other", mined=item.get("mined", False))


def touches_excluded(
    item: ScanItem, volume: MappedVolume, first_vox: tuple[int, int, int], shape: tuple[int, int, int]
) -> bool:
    """Whether a finding that counts neither way reaches into a box of a scan.

    Args:
        item: the scan.
        volume: of it.
        first_vox: (slice, row, column), the box's first voxel.
        shape: of the box.
    """
    found = np.asarray(item.get("excluded") or []).reshape(-1, 4)
    centers_vox = volume.vox_from_lps(found[:, :3])
    nearest_vox = centers_vox.clip(np.subtract(first_vox, 0.5), np.add(first_vox, shape) - 0.5)
    step_mm = volume.spacing_mm[::-1]
    away_mm = np.linalg.norm((nearest_vox - centers_vox) * step_mm, axis=1)
    return bool((away_mm <= counted_diameters(found[:, 3]) / 2).any())


def opened(item: ScanItem, cache_dir: str | Path | None) -> MappedVolume:
    """The scan of an item, to cut from.

    Args:
        item: of a datalist.
        cache_dir: of scans that cannot be mapped as they are; None or empty for the user's.

    Raises:
        DataError: it is not there any more.
        ScanError: it is refused.
    """
    try:
        return open_volume(item["image"], str(cache_dir) if cache_dir else None)
    except ScanError as error:
        if Path(item["image"]).exists():
            raise
        raise DataError(
            f"{item['image']} does not exist",
            wanted="the scan that the datalist names",
            do="Run `lungmonai prepare` again.",
        ) from error
