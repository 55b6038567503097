"""Group marked voxels into candidates: erode, label, weighted centroid.

The answer is SciPy's (`binary_erosion`, `label`, `center_of_mass`) to the last bit and in the
same order; only the marked voxels, a few in a thousand, are visited.

Erosion parts what touches. It also removes what is thinner than three voxels, which nodules are in every
scan of thick slices; so what it would remove whole can be kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..errors import WeightsError
from ..io.scan import CTScan
from ..networks.shapes import HU_LIMIT

__all__ = [
    "MOST_VOXELS",
    "Groups",
    "erode",
    "group_scan",
    "group_voxels",
    "split_by_label",
    "voxels_of_sphere",
]

# Grouping takes 260 bytes a voxel, so that this is 2.6 GB. The published weights mark 0.6 million of a
# scan of 26 million voxels; what marks more than this, marks everything.
MOST_VOXELS = 10_000_000

# Added to the clamped HU so that every voxel weighs something, air too (Deep Learning with
# PyTorch, part 2).
_WEIGHT_OFFSET = HU_LIMIT + 1


@dataclass(frozen=True)
class Groups:
    """Connected groups of voxels, ordered by their first voxel.

    Args:
        voxels: (M,) int64, ascending flat indices of every voxel of every group.
        labels: (M,) int64, group of each voxel, from 0.
        center_vox: (N, 3) float64, HU-weighted centroid as (slice, row, column).
        counts: (N,) int64, voxels of each group.
    """

    voxels: NDArray[np.int64]
    labels: NDArray[np.int64]
    center_vox: NDArray[np.float64]
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)

    def voxels_of(self, group: int) -> NDArray[np.int64]:
        """Flat indices of one group's voxels, ascending."""
        return self._by_group[group]

    @cached_property
    def _by_group(self) -> list[NDArray[np.int64]]:
        return split_by_label(self.voxels, self.labels, len(self))

    def only(self, kept: NDArray[np.bool_]) -> Groups:
        """The groups that are kept, in the same order.

        Args:
            kept: (N,) bool.
        """
        number = np.cumsum(kept) - 1
        of_kept = kept[self.labels]
        labels = number[self.labels[of_kept]]
        return Groups(self.voxels[of_kept], labels, self.center_vox[kept], self.counts[kept])


def group_scan(marked: NDArray[np.bool_], scan: CTScan, keep_thin_mm: float) -> Groups:
    """Group the marked voxels of a scan.

    Args:
        marked: (slices, rows, columns) bool.
        scan: upright, of the same shape.
        keep_thin_mm: as in `AnalysisSettings`.

    Raises:
        WeightsError: as `group_voxels`.
    """
    keep_thin = voxels_of_sphere(keep_thin_mm, scan.spacing_mm)
    return group_voxels(marked, scan.hu, keep_thin=keep_thin)


def group_voxels(marked: NDArray[np.bool_], hu: NDArray[np.int16], *, keep_thin: int = 0) -> Groups:
    """Erode a mask by one voxel and group what is left over faces (6-connected).

    Args:
        marked: (slices, rows, columns) bool.
        hu: (slices, rows, columns) int16.
        keep_thin: a group that erosion would remove whole stays as it is, if it has at least this many
            voxels; 0 keeps none, as the reference project does.

    Raises:
        WeightsError: more than `MOST_VOXELS` are to be grouped.
    """
    eroded = erode(marked)
    voxels = _few_voxels(eroded)
    if keep_thin:
        voxels = np.union1d(voxels, _thin_voxels(marked, eroded, keep_thin))
    labels = _label(voxels, marked.shape)
    counts = np.bincount(labels)
    weights = hu.ravel()[voxels].astype(np.float64).clip(-HU_LIMIT, HU_LIMIT) + _WEIGHT_OFFSET
    totals = np.bincount(labels, weights=weights)
    axes = np.unravel_index(voxels, marked.shape)
    centers = [np.bincount(labels, weights=weights * axis) / totals for axis in axes]
    return Groups(voxels, labels, np.stack(centers, axis=1), counts)


def voxels_of_sphere(diameter_mm: float, spacing_mm: Sequence[float]) -> int:
    """How many voxels have at least the volume of a sphere.

    Args:
        diameter_mm: of the sphere; 0 gives 0.
        spacing_mm: of the voxels along each axis.
    """
    return math.ceil(math.pi / 6 * diameter_mm**3 / math.prod(spacing_mm))


def erode(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels whose six neighbours are marked too; what lies outside the volume is not.

    Args:
        marked: (slices, rows, columns) bool.
    """
    kept = np.zeros_like(marked)
    kept[1:-1, 1:-1, 1:-1] = marked[1:-1, 1:-1, 1:-1]
    inner = kept[1:-1, 1:-1, 1:-1]
    for axis in range(3):
        for shift in (slice(None, -2), slice(2, None)):
            around: list[slice] = [slice(1, -1)] * 3
            around[axis] = shift
            inner &= marked[tuple(around)]
    return kept


def split_by_label(
    voxels: NDArray[np.int64], labels: NDArray[np.integer], count: int
) -> list[NDArray[np.int64]]:
    """Part voxels by label; each part keeps its order.

    Args:
        voxels: (M,) int, flat indices.
        labels: (M,) int from 0, label of each voxel.
        count: of labels.

    Returns:
        `count` arrays.
    """
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(1, count))
    return np.split(voxels[order], bounds)


def _thin_voxels(marked: NDArray[np.bool_], eroded: NDArray[np.bool_], least: int) -> NDArray[np.int64]:
    """Voxels of the groups that erosion removes whole, of those with at least so many voxels."""
    voxels = _few_voxels(marked)
    labels = _label(voxels, marked.shape)
    keeps = np.bincount(labels) >= least
    keeps[labels[eroded.ravel()[voxels]]] = False
    return voxels[keeps[labels]]


def _few_voxels(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Ascending flat indices, unless there are too many."""
    count = int(np.count_nonzero(mask))
    if count > MOST_VOXELS:
        raise WeightsError(
            f"the segmentation marks {count:,} of {mask.size:,} voxels, nearly everything",
            wanted=f"at most {MOST_VOXELS:,}",
            do="Use weights that were trained for longer, or mark only what is more probable.",
        )
    return np.flatnonzero(mask)


def _label(voxels: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Group of each voxel; groups are numbered by their first voxel."""
    here, there = [], []
    steps = (1, shape[2], shape[1] * shape[2])
    for step, length in zip(steps, reversed(shape), strict=True):
        found = np.searchsorted(voxels, voxels + step)
        found[found == len(voxels)] = 0
        # From the last column, row or slice a step would wrap round.
        inner = voxels // step % length < length - 1
        touching = np.flatnonzero(inner & (voxels[found] == voxels + step)) if len(voxels) else found
        here.append(touching)
        there.append(found[touching])
    rows, columns = np.concatenate(here), np.concatenate(there)
    size = (len(voxels), len(voxels))
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=size)
    count, labels = connected_components(graph.tocsr(), directed=False)
    return _numbered_by_first(labels, count)


def _numbered_by_first(labels: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    # SciPy does not promise an order of components, `ndimage.label` does.
    first = np.full(count, len(labels), dtype=np.int64)
    np.minimum.at(first, labels, np.arange(len(labels)))
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(count)
    return rank[labels]
