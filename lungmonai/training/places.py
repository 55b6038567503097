"""Places in scans that a network learns from, and the crops around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datalist import ScanItem
from ..data.mapped import MappedVolume, open_volume
from ..errors import DataError

__all__ = ["Place", "center_vox", "is_near", "malignancy_places", "nodule_places", "opened"]

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


def malignancy_places(items: Sequence[ScanItem]) -> list[Place]:
    """Malignant nodules (label 1), benign nodules and candidates that are none (label 0).

    Nodules on which the readers did not decide are left out.
    """
    nodules = [
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
    return nodules + list(_others(items))


def _others(items: Sequence[ScanItem]) -> Iterator[Place]:
    for item in items:
        for x, y, z, label in item["candidates"]:
            if label == 0:
                yield Place(item, (x, y, z), 0, "other", mined=item.get("mined", False))


def center_vox(volume: MappedVolume, lps_mm: Point) -> NDArray[np.float64]:
    """(slice, row, column), fractional, of an LPS position."""
    affine = volume.affine_lps
    column, row, index = np.linalg.solve(affine[:3, :3], np.asarray(lps_mm) - affine[:3, 3])
    return np.array([index, row, column])


def is_near(lps_mm: Point, item: ScanItem, reach_mm: float) -> bool:
    """Whether a finding that counts neither way lies within reach of a point."""
    found = item.get("excluded") or []
    return any(
        np.hypot.reduce(np.subtract((x, y, z), lps_mm)) < reach_mm + max(diameter, 0) / 2
        for x, y, z, diameter in found
    )


def opened(item: ScanItem, cache_dir: str | Path | None) -> MappedVolume:
    """The scan of an item, to cut from.

    Raises:
        DataError: it is not there any more.
    """
    try:
        return open_volume(item["image"], cache_dir or None)
    except FileNotFoundError as error:
        raise DataError(
            f"{item['image']} does not exist",
            wanted="the scan that the datalist names",
            do="Run `lungmonai prepare` again.",
        ) from error
