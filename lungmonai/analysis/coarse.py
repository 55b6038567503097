"""A scan in larger voxels: the means of blocks of its own.

`monai.transforms.Spacing` resamples to any spacing and filters the whole volume in float32; blocks of whole
voxels need no interpolation, keep int16, and every coarse voxel is a box of the scan's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..io.scan import CTScan

__all__ = ["CoarseScan", "block_means", "blocks_for"]

_Triple = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class CoarseScan:
    """A scan and the means of its blocks.

    Args:
        own: the scan.
        blocks: its voxels in a block along (slices, rows, columns).
        means: the blocks as a scan.
    """

    own: CTScan
    blocks: _Triple
    means: CTScan

    @classmethod
    def of(cls, scan: CTScan, blocks: _Triple) -> CoarseScan:
        """A scan in blocks.

        Args:
            scan: with at least 3 blocks along every axis.
            blocks: voxels of a block along (slices, rows, columns).

        Raises:
            NotCTError: the scan has fewer blocks.
        """
        return cls(scan, blocks, block_means(scan, blocks))

    def own_vox(self, coarse_vox: ArrayLike) -> NDArray[np.float64]:
        """Places in the scan's own voxels.

        Args:
            coarse_vox: (..., 3) float, (slice, row, column) in the means; integers are blocks' middles.
        """
        blocks = np.asarray(self.blocks, dtype=np.float64)
        return np.asarray((np.asarray(coarse_vox) + 0.5) * blocks - 0.5, dtype=np.float64)

    def own_voxels(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The scan's own voxels in some blocks.

        Args:
            numbers: (M,) int, flat indices in the means.

        Returns:
            (M × voxels of a block,) int, ascending flat indices in the scan.
        """
        first = np.stack(np.unravel_index(numbers, self.means.shape), axis=1) * self.blocks
        steps = np.indices(self.blocks).reshape(3, -1).T
        places = (first[:, None] + steps).reshape(-1, 3)
        return np.sort(np.ravel_multi_index(tuple(places.T), self.own.shape))


def blocks_for(
    spacing_mm: tuple[float, float, float], wanted_mm: tuple[float, float, float]
) -> tuple[int, int, int]:
    """How many voxels make a block of about a wanted size; at least one along each axis.

    >>> blocks_for((0.8, 0.8, 5.0), (2.5, 2.5, 2.5))
    (1, 3, 3)

    Args:
        spacing_mm: between columns, rows and slices.
        wanted_mm: of the blocks, in the same order.

    Returns:
        Voxels along (slices, rows, columns).
    """
    x, y, z = (max(1, round(want / have)) for want, have in zip(wanted_mm, spacing_mm, strict=True))
    return z, y, x


def block_means(scan: CTScan, blocks: tuple[int, int, int]) -> CTScan:
    """The means of a scan's blocks; what fills no whole block at the end of an axis is left out.

    Args:
        scan: with at least 3 blocks along every axis.
        blocks: voxels of a block along (slices, rows, columns).

    Returns:
        Means rounded to int16 HU; its affine puts each voxel at the middle of its block.

    Raises:
        NotCTError: the scan has fewer blocks.
    """
    slices, rows, columns = (size // block for size, block in zip(scan.shape, blocks, strict=True))
    z, y, x = blocks
    hu = np.empty((slices, rows, columns), np.int16)
    # A slab at a time: sums over the whole of a large scan would be as large as the scan.
    for number in range(slices):
        slab = scan.hu[number * z : (number + 1) * z, : rows * y, : columns * x]
        sums = slab.sum(axis=0, dtype=np.int32).reshape(rows, y, -1).sum(axis=1)
        hu[number] = np.rint(sums.reshape(rows, columns, x).sum(axis=2) / (z * y * x))
    to_own = np.diag([x, y, z, 1.0])
    to_own[:3, 3] = (x - 1) / 2, (y - 1) / 2, (z - 1) / 2
    return replace(scan, hu=hu, affine_lps=scan.affine_lps @ to_own)
