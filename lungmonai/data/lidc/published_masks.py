"""Our masks of LIDC's nodules compared with published ones, voxel by voxel."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...io.scan import ras_from_lps
from ...progress import Progress
from .agreement import Compared
from .frames import Frame
from .masks import Box, cropped, stacked

__all__ = ["ANY_READER", "mask_dice"]

# The level at which a voxel counts that one of four readers marked: what the published masks hold.
ANY_READER = 0.25


def mask_dice(compared: Sequence[Compared], folder: Path, progress: Progress | None = None) -> list[float]:
    """Dice of what any reader marked against a published mask, for each matched row.

    Args:
        compared: rows that name their file.
        folder: of the NIfTI masks.
        progress: called with (stage, done, total).

    Raises:
        DataError: a mask is missing, cannot be read or marks nothing.
    """
    matched = [(one.frame, one.match, one.row.file) for one in compared]
    dice = []
    for done, (frame, match, file) in enumerate(matched):
        if progress:
            progress("masks", done + 1, len(matched))
        if frame is not None and match is not None:
            dice.append(_dice(match.nodule.consensus(ANY_READER), _published(Path(folder) / file, frame)))
    return dice


def _published(path: Path, frame: Frame) -> Box:
    """A published mask in the voxels of its scan."""
    import nibabel

    try:
        image: Any = nibabel.load(path)
        marked = np.argwhere(np.asanyarray(image.dataobj) > 0)
        if marked.shape[1] != 3 or not len(marked):
            raise ValueError("no volume, or nothing is marked in it")
    except (OSError, EOFError, ValueError, zlib.error, nibabel.filebasedimages.ImageFileError) as error:
        raise DataError(
            f"{path} could not be read: {error}",
            wanted="the NIfTI mask of a nodule",
            do="Keep the folder mask as it was published.",
        ) from error
    affine = ras_from_lps(image.affine)
    vox = np.rint(frame.vox_from_lps(marked @ affine[:3, :3].T + affine[:3, 3])).astype(np.int64)
    start = vox.min(0)
    mask = np.zeros(vox.max(0) - start + 1, dtype=bool)
    mask[tuple((vox - start).T)] = True
    return cropped(start, mask)


def _dice(one: Box, other: Box) -> float:
    _, (ours, theirs) = stacked([one, other])
    return float(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()))
