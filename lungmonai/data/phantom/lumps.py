"""Smooth random texture that can be evaluated at any point: the inside of nodules is not even."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Lumps"]

_KNOTS = 16


class Lumps:
    """A random field of unit size whose lumps are about `apart_mm` apart; it repeats after 16 of them.

    Args:
        rng: draws the field.
        apart_mm: between the knots of the field.
    """

    def __init__(self, rng: Generator, apart_mm: float) -> None:
        self._apart_mm = np.float32(apart_mm)
        knots = rng.standard_normal((_KNOTS, _KNOTS, _KNOTS)).astype(np.float32)
        # Wrapped spline coefficients: the field goes through its knots, and looking it up is quick.
        self._spline = ndimage.spline_filter(knots, order=2, output=np.float32, mode="grid-wrap")

    def at(self, at_mm: NDArray[np.floating]) -> NDArray[np.float32]:
        """(...,) float32 values at (..., 3) points in mm."""
        index = np.moveaxis(np.asarray(at_mm, np.float32) / self._apart_mm, -1, 0)
        field = ndimage.map_coordinates(self._spline, index, order=2, mode="grid-wrap", prefilter=False)
        return np.asarray(field, dtype=np.float32)
