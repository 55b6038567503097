"""One DICOM slice: where it lies, and its Hounsfield units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DamagedError, GeometryError, NotCTError
from .dicom_tags import tag_floats, tag_text, tag_value, unreadable
from .geometry import DIRECTION_TOLERANCE
from .hounsfield import AIR_HU, hu_from_stored

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Slice"]

_PIXEL_DATA = 0x7FE00010
# Implicit and explicit little endian, explicit big endian: pixels lie in the file as they are.
_BYTE_ORDERS = {"1.2.840.10008.1.2": "<", "1.2.840.10008.1.2.1": "<", "1.2.840.10008.1.2.2": ">"}
# A padding value inside this range would also be anatomy: turning it into air would bore holes.
_ANATOMY_HU = (AIR_HU, 3071)
_DO = "Export the series again from the PACS as original CT images."


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice whose header has been checked.

    Args:
        path: its file.
        name: what messages call it.
        header: tags from `dicom_tags.read_header`.

    Raises:
        NotCTError: colour, multi-frame, or no rescale to HU.
        GeometryError: no position, orientation or spacing.
        DamagedError: its pixel layout is missing or contradicts itself.
    """

    path: Path
    name: str
    header: Dataset

    def __post_init__(self) -> None:
        self._check_kind()
        self._check_layout()
        self._check_orientation()
        _ = self.position_mm, self.spacing_mm, self.rescale

    @cached_property
    def position_mm(self) -> NDArray[np.float64]:
        """(3,) float, LPS centre of the first pixel."""
        return np.array(self._geometry("ImagePositionPatient", 3))

    @cached_property
    def orientation(self) -> NDArray[np.float64]:
        """(2, 3) float, unit vectors along the column index and along the row index."""
        return np.array(self._geometry("ImageOrientationPatient", 6)).reshape(2, 3)

    @cached_property
    def normal(self) -> NDArray[np.float64]:
        """(3,) float, unit vector across the slice."""
        return np.cross(self.orientation[0], self.orientation[1])

    @cached_property
    def spacing_mm(self) -> tuple[float, ...]:
        """Between columns, and between rows; DICOM writes them the other way round."""
        between_rows, between_columns = self._geometry("PixelSpacing", 2)
        return between_columns, between_rows

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self._whole("Rows"), self._whole("Columns")

    @cached_property
    def rescale(self) -> tuple[float, float]:
        """Slope and intercept from stored numbers to HU."""
        values = tag_floats(self.header, "RescaleSlope") + tag_floats(self.header, "RescaleIntercept")
        if len(values) != 2 or not np.isfinite(values).all() or values[0] == 0:
            raise NotCTError(
                f"{self.name} has no RescaleSlope and RescaleIntercept that can be used ({values})",
                wanted="both, so that stored numbers become Hounsfield units",
                do=_DO,
            )
        return values[0], values[1]

    def read_hu(self) -> tuple[NDArray[np.int16], int, str]:
        """Read the pixels.

        Returns:
            (rows, columns) int16 HU; how many were padding; a note on padding that was left, or nothing.
        """
        stored = self._stored()
        slope, intercept = self.rescale
        padding, note = self._padding(stored)
        if padding is None:
            self._check_bits(stored)
            return hu_from_stored(stored[None], self.name, slope, intercept)[0], 0, note
        stored = np.where(padding, stored[~padding][:1] if not padding.all() else 0, stored)
        self._check_bits(stored)
        hu = hu_from_stored(stored[None], self.name, slope, intercept)[0]
        hu[padding] = AIR_HU
        return hu, int(np.count_nonzero(padding)), note

    def _check_kind(self) -> None:
        frames = tag_floats(self.header, "NumberOfFrames") or [1.0]
        if frames != [1.0]:
            raise NotCTError(
                f"{self.name} is multi-frame, {frames[0]:g} frames",
                wanted="one slice a file",
                do="Export it as classic single-frame CT images.",
            )
        samples = tag_floats(self.header, "SamplesPerPixel")
        photometric = tag_text(self.header, "PhotometricInterpretation")
        if samples != [1.0] or photometric not in ("MONOCHROME1", "MONOCHROME2"):
            raise NotCTError(
                f"{self.name} is a colour image ({samples} samples a pixel, {photometric or 'nothing'})",
                wanted="one sample a pixel, MONOCHROME2",
                do=_DO,
            )

    def _check_layout(self) -> None:
        allocated, stored, high = (self._whole(tag) for tag in ("BitsAllocated", "BitsStored", "HighBit"))
        signed = self._whole("PixelRepresentation", lowest=0)
        if allocated not in (8, 16, 32) or not 1 <= stored <= allocated or high != stored - 1 or signed > 1:
            raise DamagedError(
                f"{self.name} has BitsAllocated {allocated}, BitsStored {stored}, HighBit {high} "
                f"and PixelRepresentation {signed}",
                wanted="8, 16 or 32 bits, HighBit one below BitsStored, 0 or 1",
                do=_DO,
            )
        if min(self.shape) < 1:
            raise DamagedError(f"{self.name} has no pixels", wanted="Rows and Columns above 0", do=_DO)

    def _check_orientation(self) -> None:
        if np.abs(self.orientation @ self.orientation.T - np.eye(2)).max() > DIRECTION_TOLERANCE:
            raise GeometryError(
                f"{self.name} has the ImageOrientationPatient {self.orientation.ravel().tolist()}",
                wanted="two perpendicular unit vectors",
                do=_DO,
            )

    def _padding(self, stored: NDArray[np.integer]) -> tuple[NDArray[np.bool_] | None, str]:
        """Which pixels are padding, if any; and a note where the padding value could be anatomy."""
        ends = [self._as_stored(tag) for tag in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
        low, high = (
            (min(found), max(found)) if (found := [end for end in ends if end is not None]) else (1, 0)
        )
        if low > high:
            return None, ""
        slope, intercept = self.rescale
        hu = sorted((low * slope + intercept, high * slope + intercept))
        if hu[1] > _ANATOMY_HU[0] and hu[0] < _ANATOMY_HU[1]:
            return (
                None,
                f"PixelPaddingValue {low} is {hu[0]:g} HU, which tissue has too, so it was left as it is.",
            )
        padding = (stored >= low) & (stored <= high)
        return (padding if padding.any() else None), ""

    def _as_stored(self, tag: str) -> int | None:
        """A padding tag as the number that the pixels hold, whether it was written signed or not."""
        value = tag_value(self.header, tag)
        if isinstance(value, bytes):
            value = int.from_bytes(value[:2], "little")
        if not isinstance(value, int):
            return None
        bits = self._whole("BitsAllocated")
        wrapped: int = value % 2**bits
        return wrapped - 2**bits if self._signed and wrapped >= 2 ** (bits - 1) else wrapped

    @property
    def _signed(self) -> bool:
        return self._whole("PixelRepresentation", lowest=0) == 1

    def _check_bits(self, stored: NDArray[np.integer]) -> None:
        """Nothing above what BitsStored allows; what lies below is padding, and becomes air later."""
        highest, limit = int(stored.max()), 2 ** (self._whole("BitsStored") - self._signed) - 1
        if highest > limit:
            raise DamagedError(
                f"{self.name} has the stored value {highest}",
                wanted=f"at most {limit}, as its BitsStored says",
                do=_DO,
            )

    def _stored(self) -> NDArray[np.integer]:
        """(rows, columns), the numbers in the file."""
        from pydicom.dataelem import RawDataElement

        syntax = str(getattr(getattr(self.header, "file_meta", None), "TransferSyntaxUID", ""))
        element = self.header.get_item(_PIXEL_DATA, keep_deferred=True)
        if element is None:
            raise DamagedError(f"{self.name} has no pixel data", wanted="a CT slice", do=_DO)
        if syntax not in _BYTE_ORDERS or not isinstance(element, RawDataElement):
            return self._decoded()
        code = ("i" if self._signed else "u") + str(self._whole("BitsAllocated") // 8)
        dtype = np.dtype(_BYTE_ORDERS[syntax] + code)
        wanted = self.shape[0] * self.shape[1] * dtype.itemsize
        here = self.path.stat().st_size - element.value_tell
        # An odd number of bytes is padded by one.
        if element.length not in (wanted, wanted + wanted % 2) or here < wanted:
            raise DamagedError(
                f"{self.name} holds {min(element.length, max(here, 0)):,} bytes of pixel data",
                wanted=f"{wanted:,} bytes for {self.shape[0]} rows of {self.shape[1]}",
                do="Copy or export the slice again.",
            )
        pixels = np.fromfile(self.path, dtype, count=self.shape[0] * self.shape[1], offset=element.value_tell)
        return pixels.reshape(self.shape)

    def _decoded(self) -> NDArray[np.integer]:
        import pydicom
        from pydicom.pixels.utils import pixel_array

        try:
            pixels = pixel_array(pydicom.dcmread(self.path), raw=True)
        except OSError:
            raise
        except Exception as error:  # each decoder raises its own kinds
            raise unreadable(self.name, error) from error
        if pixels.shape != self.shape or pixels.dtype.kind not in "iu":
            raise DamagedError(
                f"{self.name} decodes to {pixels.dtype} of shape {pixels.shape}",
                wanted=f"integers {self.shape}",
                do=_DO,
            )
        return pixels

    def _geometry(self, tag: str, count: int) -> list[float]:
        values = tag_floats(self.header, tag)
        if len(values) != count or not np.isfinite(values).all():
            raise GeometryError(
                f"{self.name} has no {tag} ({values or 'nothing'})", wanted=f"{count} numbers", do=_DO
            )
        return values

    def _whole(self, tag: str, lowest: int = 1) -> int:
        values = tag_floats(self.header, tag)
        if len(values) != 1 or values[0] < lowest or not values[0].is_integer():
            raise DamagedError(
                f"{self.name} has no {tag} ({values or 'nothing'})", wanted="a whole number", do=_DO
            )
        return int(values[0])
