"""Crops around places, for `nodule or not` and `malignant or not`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ..data.even_crop import checked_spacing, even_crop
from ..data.mapped import MappedVolume
from ..errors import DataError, SettingsError
from ..networks.shapes import CROP_SHAPE
from .draws import Draws
from .order import SampleKey
from .places import Place, opened

__all__ = ["DrawnCrops", "EveryCrop", "crop_at"]

Sample = dict[str, Any]


class EveryCrop(Dataset[Sample]):
    """One crop around each place, in order: what is validated and tested on.

    A sample is `image` (1, 32, 48, 48) int16 HU, `label`, `id` and `diameter_mm`.

    Args:
        places: of the crops.
        cache_dir: of scans that cannot be mapped as they are; None for the user's.
        spacing_mm: between slices, rows and columns of a crop; None for the scan's own.

    Raises:
        DataError: there is no place.
        SettingsError: the spacing is none.
    """

    def __init__(
        self,
        places: Sequence[Place],
        cache_dir: str | None = None,
        *,
        spacing_mm: Sequence[float] | None = None,
    ) -> None:
        if not places:
            raise DataError("there is no place to look at", wanted="nodules and candidates", do="Add scans.")
        self.places, self.cache_dir, self.spacing_mm = list(places), cache_dir, checked_spacing(spacing_mm)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Sample:
        return crop_at(self.places[index], np.zeros(3), self.cache_dir, self.spacing_mm)


class DrawnCrops(Dataset[Sample]):
    """Crops around places drawn in given shares, a different draw in each epoch.

    A sample is what (seed, epoch, index) give, whoever asks and whenever; its parts are those of
    `EveryCrop`. Where a kind has mined places and others, half of its crops are mined ones.

    Args:
        places: to draw from.
        shares: of each kind of place, such as `{"nodule": 1, "other": 1}`; any positive numbers.
        samples: in an epoch.
        seed: of the draws.
        jitter_vox: largest shift of a crop along each axis, in its voxels: at inference a crop is not
            centred on the nodule's centre either.
        cache_dir: of scans that cannot be mapped as they are; None for the user's.
        spacing_mm: between slices, rows and columns of a crop; None for the scan's own.

    Raises:
        DataError: there is no place of a kind that has a share.
        SettingsError: the shares are no shares, the spacing is none, or samples, seed or jitter are below
            what they may be.
    """

    def __init__(
        self,
        places: Sequence[Place],
        shares: Mapping[str, float],
        samples: int,
        *,
        seed: int = 0,
        jitter_vox: float = 0.0,
        cache_dir: str | None = None,
        spacing_mm: Sequence[float] | None = None,
    ) -> None:
        if jitter_vox < 0:
            raise SettingsError(f"jitter_vox is {jitter_vox}", wanted="0 or more", do="Change it.")
        self.draws, self.jitter_vox, self.cache_dir = Draws(samples, seed), jitter_vox, cache_dir
        self.spacing_mm = checked_spacing(spacing_mm)
        kinds = [kind for kind, share in shares.items() if share]
        if not kinds or min(shares.values()) < 0:
            raise SettingsError(
                f"the shares are {dict(shares)}", wanted="positive numbers", do="Change `shares`."
            )
        self._groups = [_by_hardness([place for place in places if place.kind == kind]) for kind in kinds]
        for kind, groups in zip(kinds, self._groups, strict=True):
            if not groups:
                raise DataError(
                    f"none of the {len(places)} places is of the kind {kind!r}",
                    wanted="at least one",
                    do="Use more scans, or take the kind out of `shares`.",
                )
        parts = np.array([shares[kind] for kind in kinds], dtype=float)
        self._up_to = np.cumsum(parts / parts.sum())

    def __len__(self) -> int:
        return self.draws.samples

    def __getitem__(self, key: SampleKey) -> Sample:
        rng = self.draws.of(key)
        turn = min(int(np.searchsorted(self._up_to, rng.random(), side="right")), len(self._groups) - 1)
        groups = self._groups[turn]
        group = groups[int(rng.integers(len(groups)))]
        place = group[int(rng.integers(len(group)))]
        shift_vox = rng.uniform(-self.jitter_vox, self.jitter_vox, 3)
        return crop_at(place, shift_vox, self.cache_dir, self.spacing_mm)


def _by_hardness(places: list[Place]) -> list[list[Place]]:
    """Mined places and the others apart, without an empty group."""
    parted = [[place for place in places if place.mined], [place for place in places if not place.mined]]
    return [group for group in parted if group]


def crop_at(
    place: Place,
    shift_vox: np.ndarray[Any, Any],
    cache_dir: str | None,
    spacing_mm: Sequence[float] | None = None,
) -> Sample:
    """The sample around a place.

    Args:
        place: in a scan.
        shift_vox: (slice, row, column), added to its centre; in voxels of the crop.
        cache_dir: as for `open_volume`.
        spacing_mm: between slices, rows and columns of the crop; None for the scan's own.
    """
    volume = opened(place.item, cache_dir)
    at_vox = volume.vox_from_lps(place.lps_mm)
    crop = _own_voxels(volume, at_vox + shift_vox) if spacing_mm is None else _even(
        volume, at_vox, shift_vox, spacing_mm
    )
    return {
        "image": torch.from_numpy(crop)[None],
        "label": place.label,
        "id": place.name,
        "diameter_mm": place.diameter_mm,
    }


def _own_voxels(volume: MappedVolume, at_vox: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    z, y, x = at_vox.tolist()
    return volume.crop((z, y, x), CROP_SHAPE)[0]


def _even(
    volume: MappedVolume,
    at_vox: np.ndarray[Any, Any],
    shift_vox: np.ndarray[Any, Any],
    spacing_mm: Sequence[float],
) -> np.ndarray[Any, Any]:
    own_mm = volume.spacing_mm[::-1]
    placed = even_crop(at_vox + shift_vox * spacing_mm / own_mm, volume.shape, own_mm, spacing_mm)
    z, y, x = (first + size / 2 for first, size in zip(placed.first_vox, placed.shape, strict=True))
    return placed.sampled(volume.crop((z, y, x), placed.shape)[0])
