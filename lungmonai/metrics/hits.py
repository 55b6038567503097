"""When a position hits a nodule, by the rule of LUNA16's evaluation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["UNKNOWN_DIAMETER_MM", "counted_diameters", "hits"]

# LUNA16's evaluation script (noduleCADEvaluationLUNA16.py) takes this where the diameter is negative,
# as it is for most of the excluded findings.
UNKNOWN_DIAMETER_MM = 10.0


def counted_diameters(diameters_mm: ArrayLike) -> NDArray[np.float64]:
    """Diameters, with LUNA16's 10 mm in place of a negative one, which says that nobody measured it.

    Args:
        diameters_mm: (M,) float.
    """
    diameters = np.asarray(diameters_mm, np.float64).reshape(-1)
    return np.where(diameters < 0, UNKNOWN_DIAMETER_MM, diameters)


def hits(
    positions_lps_mm: ArrayLike, centers_lps_mm: ArrayLike, diameters_mm: ArrayLike
) -> NDArray[np.bool_]:
    """Which positions lie nearer to which centres than half the diameter.

    Args:
        positions_lps_mm: (N, 3) float, LPS mm.
        centers_lps_mm: (M, 3) float, LPS mm, in the same scan.
        diameters_mm: (M,) float; a negative one counts as 10 mm.

    Returns:
        (N, M) bool.
    """
    positions = np.asarray(positions_lps_mm, dtype=np.float64).reshape(-1, 1, 3)
    centers = np.asarray(centers_lps_mm, dtype=np.float64).reshape(1, -1, 3)
    radii = counted_diameters(diameters_mm) / 2
    # Squares, as the script compares them.
    return np.asarray(((positions - centers) ** 2).sum(axis=-1) < radii**2)
