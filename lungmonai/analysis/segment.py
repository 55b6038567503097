"""Segment a volume slice by slice, each slice seen with three neighbours either side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..io.hounsfield import AIR_HU
from ..networks.shapes import CONTEXT_SLICES
from .engine import Runner

__all__ = ["Segmentation", "Window", "segment_volume"]


@dataclass(frozen=True)
class Window:
    """The rows and columns of a volume that are segmented, and those whose answer counts.

    Args:
        rows: (start, stop) shown to the network.
        columns: (start, stop) shown to the network.
        inner_rows: (start, stop) whose answer is kept.
        inner_columns: (start, stop) whose answer is kept.
        slices: (start, stop) segmented; neighbours outside are shown where they exist.
        align: rows and columns are filled up with air to multiples of this.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    inner_rows: tuple[int, int]
    inner_columns: tuple[int, int]
    slices: tuple[int, int]
    align: int = 1

    @classmethod
    def whole(cls, shape: tuple[int, int, int], align: int) -> Window:
        """All of a volume.

        Args:
            shape: slices, rows and columns.
            align: as above.
        """
        slices, rows, columns = ((0, size) for size in shape)
        return cls(rows, columns, rows, columns, slices, align)

    @property
    def shown_shape(self) -> tuple[int, int]:
        """Rows and columns that the network is shown, air included."""
        rows, columns = (
            -(-(stop - start) // self.align) * self.align for start, stop in (self.rows, self.columns)
        )
        return rows, columns


@dataclass(frozen=True)
class Segmentation:
    """What the segmentation says of every voxel.

    Args:
        marked: (slices, rows, columns) bool, probability over the threshold.
        probability: (slices, rows, columns) uint8, in steps of 1/255; 0 where not segmented.
    """

    marked: NDArray[np.bool_]
    probability: NDArray[np.uint8]


def segment_volume(
    hu: NDArray[np.int16],
    run: Runner,
    window: Window,
    *,
    slices_per_call: int,
    threshold: float,
    progress: Callable[[int, int], None],
) -> Segmentation:
    """Mark the voxels of a volume that a segmentation network takes for nodule.

    Args:
        hu: (slices, rows, columns) int16.
        run: a prepared `SliceSegmenter`.
        window: what to segment.
        slices_per_call: slices answered per block; the last block may overlap the one before.
        threshold: a voxel is marked when its float32 probability is over this.
        progress: called with slices done and slices in all.
    """
    marked = np.zeros(hu.shape, dtype=np.bool_)
    probability = np.zeros(hu.shape, dtype=np.uint8)
    shown = _with_air(hu[:, slice(*window.rows), slice(*window.columns)], window.shown_shape)
    inside = (
        slice(*_relative(window.inner_rows, window.rows)),
        slice(*_relative(window.inner_columns, window.columns)),
    )
    kept = (slice(*window.inner_rows), slice(*window.inner_columns))
    total = window.slices[1] - window.slices[0]
    count = min(slices_per_call, total)
    starts = _starts(*window.slices, count)
    for start, answer in zip(starts, run(_blocks(shown, starts, count)), strict=True):
        for z, slice_prob in enumerate(answer, start):
            np.greater(slice_prob[inside], threshold, out=marked[z][kept])
            probability[z][kept] = slice_prob[inside] * 255 + 0.5
        progress(min(start + len(answer), window.slices[1]) - window.slices[0], total)
    return Segmentation(marked, probability)


def _with_air(hu: NDArray[np.int16], shape: tuple[int, int]) -> NDArray[np.int16]:
    """The slices filled up to a shape that the network can pool; the slices themselves if they have it."""
    lacking = [(0, 0), *((0, want - have) for want, have in zip(shape, hu.shape[1:], strict=True))]
    return np.pad(hu, lacking, constant_values=AIR_HU) if shape != hu.shape[1:] else hu


def _relative(inner: tuple[int, int], outer: tuple[int, int]) -> tuple[int, int]:
    return inner[0] - outer[0], inner[1] - outer[0]


def _starts(first: int, stop: int, count: int) -> list[int]:
    """First slice of each block; every block is full, so that one prepared shape serves all."""
    return [max(first, min(start, stop - count)) for start in range(first, stop, count)]


def _blocks(hu: NDArray[np.int16], starts: list[int], count: int) -> Iterator[NDArray[np.int16]]:
    """The slices around each block; views of the volume except at its two ends."""
    for start in starts:
        low, high = start - CONTEXT_SLICES, start + count + CONTEXT_SLICES
        if low >= 0 and high <= len(hu):
            yield hu[low:high]
        else:
            # The first and last slice are repeated (Deep Learning with PyTorch, part 2).
            yield hu[np.arange(low, high).clip(0, len(hu) - 1)]
