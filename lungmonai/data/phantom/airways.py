"""Where windpipe and large bronchi of a real scan are: air in which no nodule lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...io.scan import CTScan

__all__ = ["find_airways"]

_AIR_HU = -1000.0
# Noise goes, and a bronchus of 5 mm stays.
_SMOOTH_MM = 1.0
# The wall of a bronchus blurs to at least this; lung is darker, but for what is about to collapse.
_WALL_HU = -700.0
# In an axial slice the windpipe, the widest airway, has some 3 cm²; a lung is larger but at its ends.
_MOST_MM2 = 700.0
# Of dark air that is an airway, at least this share is islands.
_ISLAND_SHARE = 0.3


def find_airways(scan: CTScan, lung: NDArray[np.bool_], lung_hu: float) -> NDArray[np.bool_]:
    """Small islands in a slice, of air that is nearer to pure air than to lung, and what hangs on them.

    Lung makes a small island only at its ends, and is not that dark there; emphysema is, but in a
    large part of the slice.

    Args:
        scan: in canonical order.
        lung: (slices, rows, columns) bool on the scan's grid, generous: where to look.
        lung_hu: usual density of the lung.

    Returns:
        (slices, rows, columns) bool on the scan's grid.
    """
    x, y, _ = scan.spacing_mm
    dark, islands = np.zeros(scan.shape, np.bool_), np.zeros(scan.shape, np.bool_)
    # In the slice only: across thick slices the windpipe would blur into what is above and below it.
    for index, plane in enumerate(scan.hu):
        smooth = ndimage.gaussian_filter(plane.astype(np.float32), (_SMOOTH_MM / y, _SMOOTH_MM / x))
        dark[index] = (smooth < (_AIR_HU + lung_hu) / 2) & lung[index]
        islands[index] = _islands(smooth < _WALL_HU, dark[index], _MOST_MM2 / (x * y))
    # Where a bronchus opens into the lung, it is no island, but hangs on one.
    parts, count = ndimage.label(dark)
    sizes = np.bincount(parts[dark], minlength=count + 1)
    hangs = np.bincount(parts[dark & islands], minlength=count + 1) >= _ISLAND_SHARE * sizes
    hangs[0] = False
    islands |= hangs[parts]
    return islands


def _islands(air: NDArray[np.bool_], seeds: NDArray[np.bool_], most: float) -> NDArray[np.bool_]:
    """Parts of a slice's air that hold a seed and are small."""
    if not seeds.any():
        return seeds
    labels, _ = ndimage.label(air)
    sizes = np.bincount(labels.ravel())
    keep = np.zeros(len(sizes), np.bool_)
    keep[labels[seeds]] = True
    keep &= sizes <= most
    keep[0] = False
    return np.asarray(keep[labels], dtype=np.bool_)
