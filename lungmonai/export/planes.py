"""Cut a canonical volume (columns to L, rows to P, slices to S) into pictures of known size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AIR_HU",
    "AXIAL",
    "CORONAL",
    "PLANES",
    "SAGITTAL",
    "Cut",
    "Plane",
    "Triple",
    "cut",
    "projections",
]

# Scanners pad outside their field of view with anything from −1024 to −3024 HU; all of it is air.
AIR_HU = -1000

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Plane:
    """How one plane through a volume is laid out, as radiologists look at it.

    Args:
        name: what to call it.
        through, down, across: array axes (0 slice, 1 row, 2 column) of the view.
        letters: patient directions at the left, right, top and bottom edge.
        upwards: the `down` axis runs from the bottom of the picture to its top.
    """

    name: str
    through: int
    down: int
    across: int
    letters: tuple[str, str, str, str]
    upwards: bool


AXIAL = Plane("Axial", through=0, down=1, across=2, letters=("R", "L", "A", "P"), upwards=False)
CORONAL = Plane("Coronal", through=1, down=0, across=2, letters=("R", "L", "S", "I"), upwards=True)
SAGITTAL = Plane("Sagittal", through=2, down=0, across=1, letters=("A", "P", "S", "I"), upwards=True)
PLANES = (AXIAL, CORONAL, SAGITTAL)


class Cut(NamedTuple):
    """A piece of one plane.

    Args:
        image: (n down, n across), first row and column at the lowest voxel index.
        extent_mm: outer edges from the centre: lowest and highest across, lowest and highest down.
    """

    image: NDArray[Any]
    extent_mm: tuple[float, float, float, float]


def cut(
    volume: NDArray[Any], plane: Plane, center_vox: Triple, step_mm: Triple, half_mm: Triple, outside: float
) -> Cut:
    """Cut out whole voxels around a centre, a little more than was asked for.

    Args:
        volume: (slices, rows, columns).
        plane: which plane; it goes through the voxel nearest to the centre.
        center_vox: (slice, row, column), fractional.
        step_mm: distance of neighbouring voxels along (slice, row, column), mm.
        half_mm: how far to go from the centre along (slice, row, column), mm.
        outside: value of voxels beyond the volume.
    """
    spans = [_span(center_vox[axis], half_mm[axis] / step_mm[axis]) for axis in (plane.down, plane.across)]
    image = np.full([stop - start for start, stop in spans], outside, volume.dtype)
    through = round(center_vox[plane.through])
    if 0 <= through < volume.shape[plane.through]:
        at: list[Any] = [through] * 3
        into = []
        for (start, stop), axis in zip(spans, (plane.down, plane.across), strict=True):
            first, last = np.clip((start, stop), 0, volume.shape[axis])
            at[axis] = slice(first, last)
            into.append(slice(first - start, last - start))
        image[tuple(into)] = volume[tuple(at)]
    edges = [
        (edge - 0.5 - center_vox[axis]) * step_mm[axis]
        for axis, span in zip((plane.across, plane.down), reversed(spans), strict=True)
        for edge in span
    ]
    return Cut(image, (edges[0], edges[1], edges[2], edges[3]))


def projections(hu: NDArray[np.int16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean attenuation from front to back and from side to side, as on a radiograph.

    Args:
        hu: (slices, rows, columns) int16, Hounsfield units.

    Returns:
        (slices, columns / 2) and (slices, rows / 2) float32, HU with air at −1000.
    """
    # Every second row and column: finer than the picture, and four times faster.
    pairs = [(image.mean(0, np.float32), image.mean(1, np.float32)) for image in map(_quarter, hu)]
    front, side = zip(*pairs, strict=True)
    return np.stack(front), np.stack(side)


def _quarter(image: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.maximum(image[::2, ::2], np.int16(AIR_HU))


def _span(center: float, half: float) -> tuple[int, int]:
    # One voxel more on each side, so that smooth drawing has neighbours at the edge.
    return math.floor(center - half) - 1, math.ceil(center + half) + 2
