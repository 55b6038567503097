"""Readings that lie close together, parted into nodules of at most four readers.

LIDC had four readers. More than four readings whose outlines touch are therefore several nodules, or
one nodule that a reader outlined in pieces. The readings are joined anew:

1. The most alike first, by the highest mean Jaccard index between the voxels of two groups, never to
   more than four, and only readings that share voxels.
2. A reading that is left alone although it shares voxels with a full group is a piece: it goes to the
   reading of that group with which it shares none and which is nearest to it in the database, where a
   reader's readings follow one another. The larger piece's ratings count.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .database import LidcScan, Reading
from .masks import Box, reading_mask, stacked

__all__ = ["READERS", "parted"]

# LIDC had every scan read by four radiologists (Armato 2011).
READERS = 4


def parted(scan: LidcScan, readings: Sequence[Reading]) -> list[tuple[Reading, ...]]:
    """Part readings that touch into nodules.

    Args:
        scan: that they are of.
        readings: by row of the database.

    Returns:
        one to four readings for each nodule; pieces of one reader are one reading.
    """
    masks = [reading_mask(scan, reading) for reading in readings]
    alike = _jaccard(masks)
    groups = _joined(alike)
    hosts = {group[0]: _host(group[0], groups, alike) for group in groups if len(group) == 1}
    whole = list(readings)
    for piece, host in hosts.items():
        if host is not None:
            whole[host] = _merged(scan, whole[host], readings[piece])
    kept = [group for group in groups if hosts.get(group[0]) is None]
    return [tuple(whole[i] for i in group) for group in kept]


def _joined(alike: NDArray[np.float64]) -> list[list[int]]:
    """Step 1: groups of rows of the table of likeness."""
    groups = [[i] for i in range(len(alike))]
    while True:
        ways = [
            (alike[np.ix_(a, b)].mean(), a, b)
            for a, b in combinations(groups, 2)
            if len(a) + len(b) <= READERS
        ]
        best, a, b = max(ways, default=(0.0, [], []))
        if best <= 0:
            return sorted(groups)
        groups = [group for group in groups if group not in (a, b)] + [sorted(a + b)]


def _host(piece: int, groups: list[list[int]], alike: NDArray[np.float64]) -> int | None:
    """Step 2: the reading that a lone one is a piece of."""
    full = [group for group in groups if len(group) == READERS and alike[piece, group].any()]
    apart = [i for group in full for i in group if not alike[piece, i]]
    return min(apart, key=lambda i: abs(i - piece), default=None)


def _merged(scan: LidcScan, one: Reading, other: Reading) -> Reading:
    """Two pieces as one reading."""
    larger = max(one, other, key=lambda reading: reading_mask(scan, reading)[1].sum())
    return Reading(larger.id, larger.ratings, one.contours + other.contours)


def _jaccard(masks: Sequence[Box]) -> NDArray[np.float64]:
    """(masks, masks): voxels that two share, as a share of those that either holds."""
    _, stack = stacked(masks)
    flat = stack.reshape(len(masks), -1).astype(np.float64)
    both, each = flat @ flat.T, flat.sum(1)
    return np.asarray(both / (each[:, None] + each[None, :] - both))
