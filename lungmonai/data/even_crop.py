"""Crops whose voxels have a size in millimetres, whatever the scan's spacing.

A crop of 32×48×48 of a scan's own voxels is 18 mm high in one scan and 160 mm in another, and nothing in
it tells a network how large a nodule is. `monai.transforms.Spacing` resamples whole volumes; here only
what lies under the crop is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from ..io.hounsfield import AIR_HU
from ..networks.shapes import CROP_SHAPE

__all__ = ["EvenCrop", "checked_spacing", "even_crop"]


@dataclass(frozen=True, eq=False)
class EvenCrop:
    """Where a crop lies in a volume's voxels; made by `even_crop`.

    Args:
        first_vox: (slice, row, column), the first voxel that is needed.
        shape: of the box of voxels that is needed.
        at_vox: for each axis the places of the crop's voxels, (32,), (48,) and (48,) float, counted from
            `first_vox`; NaN outside the volume.
    """

    first_vox: tuple[int, int, int]
    shape: tuple[int, int, int]
    at_vox: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """What to cut from the volume."""
        z, y, x = (slice(at, at + size) for at, size in zip(self.first_vox, self.shape, strict=True))
        return z, y, x

    def sampled(self, hu: NDArray[np.int16]) -> NDArray[np.int16]:
        """The crop, linear between voxels, air outside the volume.

        Args:
            hu: the box, int16 HU.

        Returns:
            (32, 48, 48) int16 HU.
        """
        # Air is 0 while the axes are weighed, so that places outside the volume need no weights.
        over_air = hu.astype(np.float32) - AIR_HU
        for at in self.at_vox:  # each turn weighs the first axis and moves it to the end
            over_air = np.tensordot(over_air, _weights(at, over_air.shape[0]), axes=(0, 1))
        return np.rint(over_air + AIR_HU).astype(np.int16)


def even_crop(
    center_vox: ArrayLike,
    volume_shape: Sequence[int],
    volume_spacing_mm: Sequence[float],
    crop_spacing_mm: Sequence[float],
) -> EvenCrop:
    """Place a crop around a point; at the volume's border it is shifted inward, as other crops are.

    Args:
        center_vox: (slice, row, column), may be fractional.
        volume_shape: (slices, rows, columns).
        volume_spacing_mm: between slices, rows and columns of the volume.
        crop_spacing_mm: between slices, rows and columns of the crop.
    """
    axes = zip(
        np.asarray(center_vox, dtype=np.float64).tolist(),
        volume_shape,
        np.divide(crop_spacing_mm, volume_spacing_mm).tolist(),
        CROP_SHAPE,
        strict=True,
    )
    z, y, x = (_axis(*axis) for axis in axes)
    return EvenCrop((z[0], y[0], x[0]), (z[1], y[1], x[1]), (z[2], y[2], x[2]))


def checked_spacing(spacing_mm: Sequence[float] | None) -> tuple[float, float, float] | None:
    """A crop's spacing, between slices, rows and columns in mm; None, which a config may say, stays None.

    Raises:
        SettingsError: not three numbers above 0.
    """
    if spacing_mm is None:
        return None
    try:
        slices, rows, columns = (float(value) for value in spacing_mm)
    except (TypeError, ValueError):
        slices = rows = columns = float("nan")
    if not all(0 < value < float("inf") for value in (slices, rows, columns)):
        raise SettingsError(
            f"the spacing of crops is {spacing_mm}",
            wanted="three numbers above 0: mm between slices, rows and columns",
            do="Give [1.25, 0.7, 0.7], or null for the scan's own.",
        )
    return slices, rows, columns


def _axis(center: float, size: int, step: float, count: int) -> tuple[int, int, NDArray[np.float64]]:
    """First voxel, voxels, and the crop's places along an axis."""
    reach = (count - 1) / 2 * step
    last = size - 1
    center = min(max(center, reach), last - reach) if 2 * reach <= last else last / 2
    at = center + (np.arange(count) - (count - 1) / 2) * step
    first, end = max(int(np.floor(at[0])), 0), min(int(np.ceil(at[-1])), last) + 1
    # A voxel reaches half its width beyond its centre.
    at = np.where((at < -0.5) | (at > last + 0.5), np.nan, np.clip(at, 0, last))
    return first, end - first, np.asarray(at - first, np.float64)


def _weights(at: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """(places, size) float32, the share of each voxel in each place; none for NaN."""
    # The tent function is linear interpolation; NaN gives no share.
    share = 1 - np.abs(at[:, None] - np.arange(size))
    return np.asarray(np.fmax(share, 0), np.float32)
