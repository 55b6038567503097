"""Windows of seven slices with the mask of the middle one, for the segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ..data.datalist import ScanItem
from ..data.mapped import MappedVolume
from ..errors import DataError, SettingsError
from ..io.hounsfield import AIR_HU
from .draws import Draws
from .masks import cut_mask, marked_slices
from .order import SampleKey
from .places import Place, nodule_places, opened, touches_excluded

__all__ = ["DrawnWindows", "NoduleSlices"]

Sample = dict[str, Any]
Voxel = tuple[int, int, int]

# Deep Learning with PyTorch, part 2: a random 64×64 out of the 96×96 around a nodule.
WINDOW, AROUND = 64, 96
# Of windows without a nodule, how many are drawn anywhere in the scan instead of at a candidate.
ANYWHERE = 0.5
# The margin of a scan's rows and columns, as a share, in which nothing is drawn: the table, the air.
MARGIN = 0.15
# Draws until a window keeps away from findings that count neither way; then it is taken as it is.
TRIES = 8
# Whole slices are padded to multiples of this, for the four poolings of the network.
ALIGN = 16


class DrawnWindows(Dataset[Sample]):
    """Windows of 64×64 at nodules and elsewhere, a different draw in each epoch.

    A sample is what (seed, epoch, index) give: `image` (7, 64, 64) int16 HU, `label` (1, 64, 64) uint8
    of the middle slice, `id`. Every nodule is drawn as often as any other, and of its slices each.

    Args:
        items: the scans.
        samples: in an epoch.
        seed: of the draws.
        negative_share: of the windows that are not drawn around a nodule, 0 to below 1; half of them
            at candidates that are no nodules, half anywhere. The book's is 0.
        cache_dir: of what cannot be mapped as it is; None for the user's.

    Raises:
        DataError: no scan has a nodule.
        SettingsError: the share is none, or samples or seed are below what they may be.
    """

    def __init__(
        self,
        items: Sequence[ScanItem],
        samples: int,
        *,
        seed: int = 0,
        negative_share: float = 0.0,
        cache_dir: str | None = None,
    ) -> None:
        if not 0 <= negative_share < 1:
            raise SettingsError(
                f"negative_share is {negative_share}", wanted="0 to below 1", do="Change it."
            )
        places = nodule_places(items)
        self.items, self.draws = list(items), Draws(samples, seed)
        self.negative_share, self.cache_dir = negative_share, cache_dir
        self.nodules = [place for place in places if place.label == 1]
        self.others = [place for place in places if place.label == 0]
        if not self.nodules:
            raise DataError(
                f"none of the {len(self.items)} scans has a nodule", wanted="at least one", do="Add scans."
            )

    def __len__(self) -> int:
        return self.draws.samples

    def __getitem__(self, key: SampleKey) -> Sample:
        rng = self.draws.of(key)
        if rng.random() >= self.negative_share:
            item, (index, row, column) = self._at_nodule(rng)
        else:
            item, (index, row, column) = self._elsewhere(rng)
        volume = opened(item, self.cache_dir)
        image = volume.context(index, slice(row, row + WINDOW), slice(column, column + WINDOW))
        mask = cut_mask(item, (index, row, column), (1, WINDOW, WINDOW), self.cache_dir)
        return _sample(image, mask, f"{item['seriesuid']} slice {index}, row {row}, column {column}")

    def _at_nodule(self, rng: np.random.Generator) -> tuple[ScanItem, Voxel]:
        """A slice through a nodule, and a window that lies in the 96×96 around it."""
        place = self.nodules[int(rng.integers(len(self.nodules)))]
        volume = opened(place.item, self.cache_dir)
        center = volume.vox_from_lps(place.lps_mm)
        reach = place.diameter_mm / 2 / _slice_mm(volume)
        index = int(np.rint(center[0] + rng.uniform(-reach, reach)))
        shift = rng.integers(0, AROUND - WINDOW + 1, 2) - AROUND // 2
        return place.item, _inside(volume, (index, *(np.rint(center[1:]).astype(int) + shift)))

    def _elsewhere(self, rng: np.random.Generator) -> tuple[ScanItem, Voxel]:
        """A window at a candidate that is none, or anywhere."""
        for _ in range(TRIES):
            place = self._somewhere(rng)
            volume = opened(place.item, self.cache_dir)
            index, row, column = np.rint(volume.vox_from_lps(place.lps_mm)).astype(int)
            rows, columns = rng.integers(WINDOW // 4, 3 * WINDOW // 4, 2)
            window = _inside(volume, (index, row - rows, column - columns))
            if not touches_excluded(place.item, volume, window, (1, WINDOW, WINDOW)):
                break
        return place.item, window

    def _somewhere(self, rng: np.random.Generator) -> Place:
        if self.others and rng.random() >= ANYWHERE:
            return self.others[int(rng.integers(len(self.others)))]
        item = self.items[int(rng.integers(len(self.items)))]
        volume = opened(item, self.cache_dir)
        low, high = np.array([0.0, MARGIN, MARGIN]), np.array([1.0, 1 - MARGIN, 1 - MARGIN])
        index, row, column = rng.uniform(low, high) * (np.array(volume.shape) - 1)
        x, y, z, _ = (volume.affine_lps @ [column, row, index, 1]).tolist()
        return Place(item, (x, y, z), 0, "other")


class NoduleSlices(Dataset[Sample]):
    """Whole slices through the nodules of scans, in order: what is validated and tested on.

    A sample is `image` (7, rows, columns) int16 HU, `label` (1, rows, columns) uint8, `id`; rows and
    columns are filled up with air to multiples of 16.

    Args:
        items: the scans.
        most: slices to take, evenly spaced among all of them; 0 for all.
        cache_dir: of what cannot be mapped as it is; None for the user's.

    Raises:
        DataError: no slice has a nodule.
    """

    def __init__(self, items: Sequence[ScanItem], *, most: int = 0, cache_dir: str | None = None) -> None:
        self.cache_dir = cache_dir
        found = [(item, index) for item in items for index in marked_slices(item, self.cache_dir)]
        if not found:
            raise DataError(
                f"none of the {len(items)} scans has a nodule", wanted="at least one", do="Add scans."
            )
        kept = range(len(found)) if not 0 < most < len(found) else np.linspace(0, len(found) - 1, most)
        self.slices = [found[round(number)] for number in kept]

    def __len__(self) -> int:
        return len(self.slices)

    def __getitem__(self, position: int) -> Sample:
        item, index = self.slices[position]
        volume = opened(item, self.cache_dir)
        _, rows, columns = volume.shape
        mask = cut_mask(item, (index, 0, 0), (1, rows, columns), self.cache_dir)
        lacking = ((0, 0), (0, -rows % ALIGN), (0, -columns % ALIGN))
        image = np.pad(volume.context(index), lacking, constant_values=AIR_HU)
        return _sample(image, np.pad(mask, lacking), f"{item['seriesuid']} slice {index}")


def _slice_mm(volume: MappedVolume) -> float:
    return volume.spacing_mm[2]


def _inside(volume: MappedVolume, first: Sequence[Any]) -> Voxel:
    """The first voxel of a window, moved inward at the border."""
    slices, rows, columns = volume.shape
    index, row, column = map(int, first)
    return (
        min(max(index, 0), slices - 1),
        min(max(row, 0), max(rows - WINDOW, 0)),
        min(max(column, 0), max(columns - WINDOW, 0)),
    )


def _sample(image: np.ndarray[Any, Any], mask: np.ndarray[Any, Any], name: str) -> Sample:
    return {"image": torch.from_numpy(image), "label": torch.from_numpy(mask), "id": name}
