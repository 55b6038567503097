"""Join detections of one nodule: non-maximum suppression by distance."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

__all__ = ["merge_detections"]


def merge_detections(
    centers_lps_mm: NDArray[np.float64], probs: NDArray[np.float32], radius_mm: float
) -> list[tuple[int, ...]]:
    """Give each detection to the most probable one within the radius.

    The most probable detection takes every other one within `radius_mm`; then the most
    probable of those left does the same, until none is left. Ties go to the earlier one.

    Args:
        centers_lps_mm: (N, 3) float, LPS mm.
        probs: (N,) float.
        radius_mm: detections this near are one nodule; 0 keeps all apart.

    Returns:
        One tuple of positions for each nodule, its most probable detection first.
    """
    if not len(probs):
        return []
    order = np.argsort(-probs, kind="stable")
    near = KDTree(centers_lps_mm).query_ball_point(centers_lps_mm, radius_mm)
    rank = np.empty(len(probs), dtype=np.int64)
    rank[order] = np.arange(len(probs))
    free = np.ones(len(probs), dtype=np.bool_)
    merged = []
    for first in order:
        if free[first]:
            taken = sorted((int(i) for i in near[first] if free[i]), key=lambda i: int(rank[i]))
            taken = [int(first), *(i for i in taken if i != first)] if radius_mm > 0 else [int(first)]
            free[taken] = False
            merged.append(tuple(taken))
    return merged
