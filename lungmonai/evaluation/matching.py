"""When a detection hits a nodule, by the reference project's rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..metrics.hits import counted_diameters

__all__ = ["REFERENCE_SHARE", "distances_mm", "reference_hits"]

# Distance over diameter: Deep Learning with PyTorch, part 2, `nodule_analysis.py`.
REFERENCE_SHARE = 0.7


def distances_mm(positions_lps_mm: ArrayLike, centers_lps_mm: ArrayLike) -> NDArray[np.float64]:
    """How far each position is from each centre.

    Args:
        positions_lps_mm: (N, 3) float, LPS mm.
        centers_lps_mm: (M, 3) float, LPS mm, in the same scan.

    Returns:
        (N, M) float, mm.
    """
    positions = np.asarray(positions_lps_mm, np.float64).reshape(-1, 1, 3)
    centers = np.asarray(centers_lps_mm, np.float64).reshape(1, -1, 3)
    return np.asarray(np.linalg.norm(positions - centers, axis=-1), np.float64)


def reference_hits(
    positions_lps_mm: ArrayLike, centers_lps_mm: ArrayLike, diameters_mm: ArrayLike
) -> NDArray[np.bool_]:
    """Which positions hit which nodules: distance / diameter below 0.7.

    Args:
        positions_lps_mm: (N, 3) float, LPS mm.
        centers_lps_mm: (M, 3) float, LPS mm, in the same scan.
        diameters_mm: (M,) float; a negative one counts as 10 mm.

    Returns:
        (N, M) bool.
    """
    share = distances_mm(positions_lps_mm, centers_lps_mm) / counted_diameters(diameters_mm)
    return np.asarray(share < REFERENCE_SHARE)
