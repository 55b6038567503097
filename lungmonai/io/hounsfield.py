"""Are these numbers Hounsfield units? Rescaling, padding, and what cannot be a CT."""

import numpy as np
from numpy.typing import NDArray

from ..errors import DamagedError, NotCTError

__all__ = ["AIR_HU", "LOWEST_HU", "checked_hu", "hu_from_stored"]

# Air on the Hounsfield scale, by its definition: water is 0, air −1000.
AIR_HU = -1000
# Lowest value of a 12-bit CT (stored 0, intercept −1024); scanners write lower ones for padding only.
LOWEST_HU = -1024
# Air and soft tissue lie a thousand apart; below this there is no CT contrast at all.
SMALLEST_RANGE_HU = 100
# A 12-bit CT ends at 3071, noise in air at about −1100; metal on the extended scale is brighter, but rare.
USUAL_HU = (-1100, 3100)
# Byte-swapped CT has over half its voxels outside USUAL_HU; metal and resampled padding stay below a tenth.
UNUSUAL_FRACTION = 0.1

_INT16 = np.iinfo(np.int16)
_EXPORT = "Export the CT again in Hounsfield units, without windowing."


def hu_from_stored(
    stored: NDArray[np.generic], name: str, slope: float = 1.0, intercept: float = 0.0
) -> NDArray[np.int16]:
    """Rescale stored numbers to int16 HU; int16 that needs nothing is given back as it is.

    Args:
        stored: (slices, rows, columns), any integer or float type and byte order.
        name: the file, for messages.
        slope: of the linear rescale.
        intercept: of the linear rescale.

    Returns:
        (slices, rows, columns) int16, rounded to the nearest integer.

    Raises:
        DamagedError: values that are not finite or beyond int16.
    """
    if stored.dtype == np.int16 and stored.dtype.isnative and (slope, intercept) == (1.0, 0.0):
        return stored  # type: ignore[return-value]
    hu = np.empty(stored.shape, dtype=np.int16)
    for plane_hu, plane in zip(hu, stored, strict=True):
        plane_hu[...] = _rescaled(plane, slope, intercept, name)
    return hu


def checked_hu(hu: NDArray[np.int16], name: str) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    """Refuse what is not a CT; turn padding into air, in place where the array allows.

    Args:
        hu: (slices, rows, columns) int16.
        name: the file, for messages.

    Returns:
        The volume, and a note if padding was found.

    Raises:
        NotCTError: no contrast, or a display image, or numbers without the rescale.
        DamagedError: wrong byte order or wrapped numbers.
    """
    lowest, highest = int(hu.min()), int(hu.max())
    _check_range(lowest, highest, name)
    if lowest < USUAL_HU[0] or highest > USUAL_HU[1]:
        _check_unusual(hu, lowest, highest, name)
    if lowest >= LOWEST_HU:
        return hu, ()
    padding = hu < LOWEST_HU
    hu = hu if hu.flags.writeable else hu.copy()
    hu[padding] = AIR_HU
    count = np.count_nonzero(padding)
    note = f"{count:,} voxels below {LOWEST_HU} HU (lowest {lowest}), padding or noise, are now {AIR_HU} HU."
    return hu, (note,)


def _rescaled(plane: NDArray[np.generic], slope: float, intercept: float, name: str) -> NDArray[np.number]:
    small_integers = plane.dtype.kind in "iu" and plane.dtype.itemsize <= 2
    if small_integers and slope == 1.0 and intercept.is_integer() and abs(intercept) < 2**30:
        values: NDArray[np.number] = plane.astype(np.int32) + np.int32(intercept)
    else:
        with np.errstate(all="ignore"):
            values = np.rint(plane.astype(np.float64) * slope + intercept)
    # Negated so that a NaN is refused too.
    if not (_INT16.min <= values.min() and values.max() <= _INT16.max):
        raise DamagedError(
            f"{name} has values from {values.min():g} to {values.max():g}, not Hounsfield units in 16 bits",
            wanted=f"{_INT16.min} to {_INT16.max}, all finite",
            do="Check byte order, number type and rescale; unsigned numbers that wrapped look like this.",
        )
    return values


def _check_range(lowest: int, highest: int, name: str) -> None:
    narrow = highest - lowest < SMALLEST_RANGE_HU and lowest < 0
    if narrow or highest == lowest:
        raise NotCTError(
            f"{name} has no contrast: all values lie from {lowest} to {highest}",
            wanted="a CT in Hounsfield units, air near −1000 and tissue near 0",
            do="Check that the right file was exported; it is empty or its intensities were normalised.",
        )
    if lowest >= 0 and highest <= 255:
        raise NotCTError(
            f"{name} is not in HU: values from {lowest} to {highest} look like a display image or a mask",
            wanted="a CT in Hounsfield units, air near −1000 and tissue near 0",
            do=_EXPORT,
        )
    if lowest >= 0:
        raise NotCTError(
            f"{name} is not in HU: values from {lowest} to {highest}, none below 0",
            wanted="a CT in Hounsfield units, air near −1000 and tissue near 0",
            do="Apply the rescale intercept (often −1024), or export the CT again from its DICOM series.",
        )


def _check_unusual(hu: NDArray[np.int16], lowest: int, highest: int, name: str) -> None:
    low, high = USUAL_HU
    below = np.bincount(hu[hu < low].astype(np.int64) - lowest, minlength=1)
    # One value repeated is padding; many different ones are noise.
    padding = int(below.max())
    unusual = int(below.sum()) - padding + int(np.count_nonzero(hu > high))
    if unusual > UNUSUAL_FRACTION * max(hu.size - padding, 1):
        raise DamagedError(
            f"{name} has {unusual / (hu.size - padding):.0%} of its voxels outside {low} to {high} HU "
            f"(from {lowest} to {highest})",
            wanted=f"at most {UNUSUAL_FRACTION:.0%}, as in any chest CT",
            do="Check byte order, signedness and rescale in the header.",
        )
