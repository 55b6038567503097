"""An engine that asks a network only what it was not asked on the same scan before.

What comes after the networks takes a small part of the time: so another threshold of the nodule classifier,
or another way of merging, need not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engine import Runner
from .kept_engine import KeptEngine
from .models import ModelFile
from .scan_memory import ScanMemory, question
from .segment import Segmentation, Window

__all__ = ["RememberingEngine"]


@dataclass(frozen=True)
class RememberingEngine(KeptEngine):
    """A `KeptEngine` whose answers on a scan are kept in a file. It serves one thread.

    Answers are known by the weights' SHA-256 and the hash of the very voxels that are shown. Device and
    precision are not: they must stand in the file's name.
    """

    _memory: ScanMemory = field(default_factory=ScanMemory, init=False, repr=False, compare=False)

    @contextmanager
    def remembering(self, path: Path) -> Iterator[None]:
        """Use a scan's answers, and keep those that are new.

        Args:
            path: of one scan, one engine and one precision.

        Raises:
            OutputError: it could not be written.
        """
        self._memory.open(path)
        try:
            yield
            self._memory.keep(path)
        finally:
            self._memory.close()

    def prepare(self, model: ModelFile, shape: tuple[int, ...]) -> Runner:
        """A model for blocks of one shape, made ready when it is first asked something new.

        Args:
            model: as for `Engine.prepare`.
            shape: of every block.
        """

        def run(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.float32]]:
            yield from super(RememberingEngine, self).prepare(model, shape)(blocks)

        def recall(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[Any]]:
            for block in blocks:
                # Whole blocks: what stands beside a crop may change its answer in the last digit.
                asked = question(model.sha256, voxels=block)
                yield self._memory.recall(asked, partial(_alone, run, block))

        # A slice's float32 answers would take much room: `segmented` keeps what is made of them.
        return run if model.architecture.task == "segmentation" else recall

    def segmented(
        self,
        model: ModelFile,
        hu: NDArray[np.int16],
        window: Window,
        threshold: float,
        work: Callable[[], Segmentation],
    ) -> Segmentation:
        """What a volume was segmented to; arguments as for `Engine.segmented`."""
        asked = question(model.sha256, window, threshold, voxels=hu)
        return _unpacked(self._memory.recall(asked, lambda: _packed(work())), hu.shape)


def _alone(run: Runner, block: NDArray[np.int16]) -> NDArray[np.float32]:
    """The answer to one block, in memory of its own: a runner's is good until the next block."""
    return np.concatenate([*run([block])])


def _packed(found: Segmentation) -> NDArray[np.uint8]:
    return np.concatenate([np.packbits(found.marked), found.probability.ravel()])


def _unpacked(packed: NDArray[Any], shape: tuple[int, ...]) -> Segmentation:
    size = int(np.prod(shape))
    marked = np.unpackbits(packed[:-size], count=size).view(np.bool_)
    return Segmentation(marked.reshape(shape), packed[-size:].reshape(shape))
