"""One folder of TensorBoard events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...files import make_folder
from .counts import Counts

__all__ = ["RunWriter"]

# Deep Learning with PyTorch, part 2: histograms of 50 bins.
HISTOGRAM_BINS = 50


class RunWriter:
    """Writes what one list's answers give.

    Args:
        folder: of the events, made when it is missing.
        purge_from: samples seen from which on what an earlier run wrote is hidden, since a resumed run
            writes it again; None for a run from the beginning.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path, purge_from: int | None = None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(make_folder(folder)), purge_step=purge_from)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write numbers by their names."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def probabilities(self, counts: Counts, step: int) -> None:
        """Write the histograms of the probabilities of what should be positive and negative."""
        edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
        middles = (edges[1:] + edges[:-1]) / 2
        for name, row in (("pos", counts.positive), ("neg", counts.negative)):
            many = counts.probabilities(row, HISTOGRAM_BINS)
            if many.any():
                self._writer.add_histogram_raw(
                    f"probability/{name}",
                    min=0.0,
                    max=1.0,
                    num=int(many.sum()),
                    sum=float((many * middles).sum()),
                    sum_squares=float((many * middles**2).sum()),
                    bucket_limits=edges[1:].tolist(),
                    bucket_counts=many.tolist(),
                    global_step=step,
                )

    def picture(self, name: str, picture: NDArray[np.uint8] | None, step: int) -> None:
        """Write (rows, columns, 3) uint8; None is left out."""
        if picture is not None:
            self._writer.add_image(name, picture, step, dataformats="HWC")

    def flush(self) -> None:
        """Let what was written be seen, and survive."""
        self._writer.flush()

    def close(self) -> None:
        """Write no more."""
        self._writer.close()
