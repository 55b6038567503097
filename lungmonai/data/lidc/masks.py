"""What LIDC's readers outlined, as voxels: one reading, and what several readings agree on.

A reader's outline runs through the first pixels outside the nodule, so a pixel on an outline is never
part of it. `docs/lidc.md` measures this rule against LUNA16's diameters and against real masks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ...errors import SettingsError
from .database import LidcScan, Reading

__all__ = ["Box", "agreed", "cropped", "reading_mask", "stacked"]

# (first voxel (slice, row, column), mask (slices, rows, columns)): a mask and where it lies.
Box = tuple[NDArray[np.int64], NDArray[np.bool_]]


def reading_mask(scan: LidcScan, reading: Reading) -> Box:
    """The voxels that a reader counted to the nodule.

    Returns:
        (3,) int, the first voxel as (slice, row, column), and (slices, rows, columns) bool, cropped
        to the marked voxels. Outlines too small to hold a pixel between their edges mark nothing;
        every reading of LIDC marks something.
    """
    slices = [scan.slice_of(contour.z_mm) for contour in reading.contours]
    points = np.vstack([contour.points_vox for contour in reading.contours])
    start = np.array([min(slices), *points.min(0)])
    shape = np.array([max(slices), *points.max(0)]) - start + 1
    inside, holes = np.zeros((2, *shape), dtype=bool)
    for k, contour in zip(slices, reading.contours, strict=True):
        target = inside if contour.inclusion else holes
        # The edge of a nodule lies outside it, the edge of a hole is part of the hole.
        target[k - start[0]] |= _filled(shape, contour.points_vox - start[1:], edge=not contour.inclusion)
    return cropped(start, inside & ~holes)


def _filled(shape: NDArray[np.int64], points: NDArray[np.int64], *, edge: bool) -> NDArray[np.bool_]:
    """(rows, columns) bool: what a closed outline of (row, column) shuts in, with or without its pixels.

    What cannot be reached from outside in steps along rows and columns is shut in. Unlike the rules of
    crossing numbers this is right for outlines that touch or cross themselves, as some do.
    """
    from scipy.ndimage import label

    _, rows, columns = shape.tolist()
    image = Image.new("1", (columns + 2, rows + 2))  # a rim, through which all that is outside connects
    path = [(column + 1, row + 1) for row, column in points.tolist()]
    ImageDraw.Draw(image).line([*path, path[0]], fill=1)
    outline = np.asarray(image)
    regions, _ = label(~outline)
    inside = regions != regions[0, 0]
    return np.asarray((inside if edge else inside & ~outline)[1:-1, 1:-1])


def stacked(masks: Sequence[Box]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Masks brought into one box that holds them all.

    Returns:
        (3,) int, its first voxel, and (masks, slices, rows, columns) bool.
    """
    start = np.min([first for first, _ in masks], axis=0)
    end = np.max([first + mask.shape for first, mask in masks], axis=0)
    stack = np.zeros((len(masks), *(end - start)), dtype=bool)
    for layer, (first, mask) in zip(stack, masks, strict=True):
        layer[tuple(slice(a, a + n) for a, n in zip(first - start, mask.shape, strict=True))] = mask
    return start, stack


def agreed(masks: Sequence[Box], level: float) -> Box:
    """The voxels that at least this share of the masks hold, cropped to them.

    Args:
        masks: of the readings of one nodule.
        level: over 0, at most 1; 0.5 is half of the readers.

    Returns:
        as `reading_mask`; where no voxel is agreed on, a mask of no voxels.

    Raises:
        SettingsError: `level` is out of range.
    """
    if not 0 < level <= 1:
        raise SettingsError(
            f"a level of {level:g} for the agreement of readers",
            wanted="a share over 0 and up to 1",
            do="Half of the readers is 0.5.",
        )
    start, stack = stacked(masks)
    # Compared as counts: a mean of thirds would lose voxels to rounding.
    return cropped(start, stack.sum(axis=0) >= level * len(masks))


def cropped(start: NDArray[np.int64], mask: NDArray[np.bool_]) -> Box:
    """The same mask without the empty layers around it."""
    marked = np.argwhere(mask)
    if not len(marked):
        return start, np.zeros((0, 0, 0), dtype=bool)
    low, high = marked.min(0), marked.max(0) + 1
    return start + low, mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].copy()
