"""Painting that only adds: what was denser than the paint stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike

from .shapes import Grid, Volume

__all__ = ["only_brighter"]


@contextmanager
def only_brighter(hu: Volume, grid: Grid, low_mm: ArrayLike, high_mm: ArrayLike) -> Iterator[None]:
    """Whatever the block paints between two corners in mm, no voxel there gets darker."""
    sizes = np.array(hu.shape)
    first = np.clip(np.floor(grid.vox(low_mm)), 0, sizes).astype(int)
    last = np.clip(np.ceil(grid.vox(high_mm)) + 1, first, sizes).astype(int)
    part = hu[tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))]
    before = part.copy()
    yield
    np.maximum(part, before, out=part)
