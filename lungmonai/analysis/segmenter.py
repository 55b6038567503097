"""A segmentation network on an engine, ready for one scan after another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..networks.shapes import WINDOW_SLICES
from .engine import Engine, Runner
from .models import ModelFile
from .segment import Segmentation, Window, segment_volume

__all__ = ["Segmenter"]


class Segmenter:
    """Marks the voxels of scans; the network is prepared once for each thread and shape of slice.

    Args:
        model: the segmentation's weights.
        engine: what runs them.
        threshold: a voxel is marked when its probability is over this.
    """

    def __init__(self, model: ModelFile, engine: Engine, threshold: float) -> None:
        self._model, self._engine, self._threshold = model, engine, threshold
        self._prepared = threading.local()

    def prepare(self, window: Window) -> Runner:
        """The network for a window's slices; a call that finds it prepared costs nothing.

        A runner serves one thread at a time, and holds the memory of one shape.
        """
        shape = window.shown_shape
        if getattr(self._prepared, "shape", None) != shape:
            block = (self._engine.slices + WINDOW_SLICES - 1, *shape)
            self._prepared.runner = self._engine.prepare(self._model, block)
            self._prepared.shape = shape
        runner: Runner = self._prepared.runner
        return runner

    def __call__(
        self, hu: NDArray[np.int16], window: Window, progress: Callable[[int, int], None]
    ) -> Segmentation:
        """Mark the voxels of a volume.

        Args:
            hu: (slices, rows, columns) int16.
            window: what to segment.
            progress: called with slices done and slices in all.
        """
        work = partial(
            segment_volume,
            hu,
            self.prepare(window),
            window,
            slices_per_call=self._engine.slices,
            threshold=self._threshold,
            progress=progress,
        )
        return self._engine.segmented(self._model, hu, window, self._threshold, work)
