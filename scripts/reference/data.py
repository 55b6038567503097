"""How the reference project gets a training sample: a gzipped pickle from disk, then the CPU.

A minimal re-statement of the data sets of *Deep Learning with PyTorch*, part 2, written from its
published description. Its disk cache keeps, for each sample, a pickle of float32 arrays, packed by gzip
at level 1. For the segmentation that is seven slices of 96×96 with their mask, of which a random 64×64
is used; for classification a crop of 32×48×48. The published cache also looks each key up in SQLite;
leaving that out favours the reference.
"""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = [
    "CHUNK_SHAPE",
    "CROP_SHAPE",
    "MIDDLE",
    "WINDOW",
    "cut",
    "keep",
    "read_classification",
    "read_segmentation",
]

CHUNK_SHAPE = (7, 96, 96)
CROP_SHAPE = (32, 48, 48)
# Side of the random crop out of a chunk.
WINDOW = 64
GZIP_LEVEL = 1
# Slice of a chunk whose mask is learnt.
MIDDLE = CHUNK_SHAPE[0] // 2


def cut(volume: NDArray[Any], center_vox: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any]:
    """A box around a (slice, row, column), shifted inward at the border."""
    slices = []
    for axis, center in enumerate(center_vox):
        start = round(float(center) - shape[axis] / 2)
        start = min(max(start, 0), volume.shape[axis] - shape[axis])
        slices.append(slice(start, start + shape[axis]))
    return volume[tuple(slices)]


def keep(path: Path, *arrays: NDArray[Any]) -> None:
    """Put a sample's arrays into the disk cache; HU are float32 and clipped to ±1000 by then."""
    packed = gzip.compress(pickle.dumps(arrays, pickle.HIGHEST_PROTOCOL), GZIP_LEVEL)
    path.write_bytes(packed)


def read_segmentation(path: Path, row: int, column: int) -> tuple[Tensor, Tensor]:
    """One sample: (7, 64, 64) float32 HU, and the middle slice's mask (1, 64, 64) int64.

    Args:
        path: where `keep` put (HU float32, mask bool), both of `CHUNK_SHAPE`.
        row: first row of the window, as drawn.
        column: first column of the window, as drawn.
    """
    hu, mask = _kept(path)
    window = (slice(row, row + WINDOW), slice(column, column + WINDOW))
    image = torch.from_numpy(hu[:, *window]).to(torch.float32)
    return image, torch.from_numpy(mask[MIDDLE : MIDDLE + 1, *window].astype(np.int64))


def read_classification(path: Path) -> Tensor:
    """One sample before augmentation: (1, 32, 48, 48) float32 HU."""
    (hu,) = _kept(path)
    return torch.from_numpy(hu).unsqueeze(0).to(torch.float32)


def _kept(path: Path) -> Any:
    return pickle.loads(gzip.decompress(path.read_bytes()))
