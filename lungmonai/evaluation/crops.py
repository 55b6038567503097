"""Small pictures of places in scans: an axial crop with a ring of the diameter, as PNG."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..data.datalist import ScanItem
from ..errors import LungmonaiError, SettingsError
from ..export.planes import AIR_HU, AXIAL, Cut, cut
from ..metrics.hits import UNKNOWN_DIAMETER_MM

if TYPE_CHECKING:
    from ..data.mapped import MappedVolume
    from ..io.scan import CTScan

__all__ = ["CropPictures"]

_log = logging.getLogger(__name__)

# The usual lung window, level −600 and width 1500, as in the pictures of an analysis.
_WINDOW_HU = (-1350.0, 150.0)
# A mass that fills the field is shown whole, with this much around it.
_FIELD_PER_DIAMETER = 1.5
_PIXELS = 192
_RING_PIXELS = 1.6
_BAR_MM, _BAR_PIXELS, _BAR_MARGIN = 10.0, 2, 7
# One byte a pixel keeps 120 pictures within a few MB: 128 greys, and 16 greys under 8 strengths of ring.
_GRAYS, _RING_GRAYS, _STRENGTHS = 128, 16, 8
_RING_COLOR = (255, 176, 46)
_BAR_COLOR_INDEX = _GRAYS - 1
# Voxels more than the field on each side, so that smooth drawing has neighbours.
_MARGIN_VOXELS = 3


class CropPictures:
    """Draws places of scans; called with series UID, LPS mm and diameter in mm, it gives a PNG or None.

    The picture goes through the nearest axial slice, upright for any orientation of the file: the patient's
    right on the left, the front at the top. Call it for one scan after another, so that each is opened once.

    Args:
        items: the scans.
        size_mm: width of the field; it grows with masses that would fill it.

    Raises:
        SettingsError: a size that is not above 0.
    """

    def __init__(self, items: Sequence[ScanItem], size_mm: float = 60.0) -> None:
        if not 0 < size_mm < float("inf"):
            raise SettingsError(
                f"pictures of {size_mm} mm", wanted="a size above 0", do="Give the width of the field in mm."
            )
        self._paths = {item["seriesuid"]: Path(item["image"]) for item in items}
        self._size_mm = size_mm
        self._refused: set[str] = set()

    def __call__(
        self, seriesuid: str, lps_mm: tuple[float, float, float], diameter_mm: float
    ) -> bytes | None:
        """A PNG, or None where the scan cannot be read or the place lies outside it; the log says why.

        Args:
            seriesuid: of the scan.
            lps_mm: middle of the picture and of the ring.
            diameter_mm: of the ring; 10 mm where it is not above 0, as in LUNA16's rule.
        """
        if seriesuid in self._refused:
            return None
        diameter = diameter_mm if diameter_mm > 0 else UNKNOWN_DIAMETER_MM
        half_mm = max(self._size_mm, _FIELD_PER_DIAMETER * diameter) / 2
        try:
            piece = _axial_piece(self._open(seriesuid), lps_mm, half_mm)
        except (LungmonaiError, OSError) as error:  # damage may show when voxels are read
            self._refused.add(seriesuid)
            _log.warning("No pictures of %s: %s", seriesuid, error)
            return None
        if piece is None:
            _log.warning("No picture of %s at %s: the place lies outside the scan.", seriesuid, lps_mm)
            return None
        return _png(_gray(piece, half_mm), _PIXELS / (2 * half_mm), diameter / 2)

    def _open(self, seriesuid: str) -> MappedVolume:
        from ..data.mapped import open_volume

        if seriesuid not in self._paths:
            raise SettingsError("it is not among the scans", wanted="a scan of the list", do="Give its item.")
        return open_volume(self._paths[seriesuid])


def _axial_piece(volume: MappedVolume, lps_mm: tuple[float, float, float], half_mm: float) -> Cut | None:
    """Cut the axial plane around a place; None outside the volume."""
    center = volume.vox_from_lps(lps_mm)
    if (
        not np.isfinite(center).all()
        or (center < -0.5).any()
        or (center > np.array(volume.shape) - 0.5).any()
    ):
        return None
    scan = _box_around(volume, center, half_mm).canonical()
    z, y, x = (float(value) for value in scan.vox_from_lps(lps_mm))
    across, down, through = scan.spacing_mm
    return cut(scan.hu, AXIAL, (z, y, x), (through, down, across), (half_mm,) * 3, AIR_HU)


def _box_around(volume: MappedVolume, center: NDArray[np.float64], half_mm: float) -> CTScan:
    """The part of a scan that the picture needs, as a small scan: turning it upright is then quick."""
    from ..io.scan import CTScan

    steps = volume.spacing_mm[::-1]
    wanted = [2 * (int(half_mm / step) + _MARGIN_VOXELS) + 1 for step in steps]
    shape = [min(size, length) for size, length in zip(wanted, volume.shape, strict=True)]
    box, first = volume.crop(tuple(center), (shape[0], shape[1], shape[2]))
    affine = volume.affine_lps.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array(first[::-1], dtype=np.float64)
    return CTScan(np.asarray(box, dtype=np.int16), affine, volume.path.name)


def _gray(piece: Cut, half_mm: float) -> NDArray[np.float32]:
    """(n, n) float32 from 0 to 1: the field in the lung window, on square pixels."""
    from PIL import Image

    left, right, low, high = piece.extent_mm
    down, across = piece.image.shape
    per_mm = across / (right - left), down / (high - low)
    box = tuple(
        (edge - start) * scale
        for edge in (-half_mm, half_mm)
        for start, scale in zip((left, low), per_mm, strict=True)
    )
    bottom, top = _WINDOW_HU
    shown = ((piece.image.astype(np.float32) - bottom) / (top - bottom)).clip(0, 1)
    picture = Image.fromarray(shown).resize((_PIXELS, _PIXELS), Image.Resampling.BICUBIC, box=box)
    return np.asarray(picture).clip(0, 1)


def _png(gray: NDArray[np.float32], pixels_per_mm: float, radius_mm: float) -> bytes:
    """Draw ring and scale bar, and pack: same input, same bytes."""
    from PIL import Image

    indices = np.rint(gray * (_GRAYS - 1)).astype(np.uint8)
    strength = np.rint(_ring(radius_mm * pixels_per_mm) * _STRENGTHS).astype(np.int64)
    under = np.rint(gray * (_RING_GRAYS - 1)).astype(np.int64)
    ringed = _GRAYS + (strength - 1) * _RING_GRAYS + under
    indices = np.where(strength > 0, ringed, indices).astype(np.uint8)
    end, base = _PIXELS - _BAR_MARGIN, _PIXELS - _BAR_MARGIN
    indices[base - _BAR_PIXELS : base, end - round(_BAR_MM * pixels_per_mm) : end] = _BAR_COLOR_INDEX
    picture = Image.fromarray(indices).convert("P")
    picture.putpalette(_palette())
    packed = io.BytesIO()
    picture.save(packed, format="PNG", optimize=True)
    return packed.getvalue()


def _ring(radius: float) -> NDArray[np.float64]:
    """(n, n) float from 0 to 1: how much of each pixel a ring around the middle covers."""
    places = np.arange(_PIXELS) - (_PIXELS - 1) / 2
    distance = np.hypot(places[:, None], places)
    return np.asarray(np.clip((_RING_PIXELS + 1) / 2 - np.abs(distance - radius), 0, 1))


def _palette() -> bytes:
    grays = np.repeat(np.linspace(0, 255, _GRAYS)[:, None], 3, axis=1)
    share = (np.arange(1, _STRENGTHS + 1) / _STRENGTHS)[:, None, None]
    under = np.linspace(0, 255, _RING_GRAYS)[None, :, None]
    ring = share * np.array(_RING_COLOR) + (1 - share) * under
    colors = np.rint(np.concatenate([grays, ring.reshape(-1, 3)]))
    return bytes(colors.astype(np.uint8))
