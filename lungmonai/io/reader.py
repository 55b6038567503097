"""`CTReader`: the same reader inside MONAI pipelines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data.image_reader import ImageReader
from numpy.typing import NDArray

from ..errors import SettingsError
from .read import read_ct, suffix_of
from .scan import CTScan, ras_from_lps

__all__ = ["CTReader"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class _Asked:
    """A scan that was asked for and not read yet."""

    paths: tuple[str, ...]
    series: str | None


class CTReader(ImageReader):
    """Read a chest CT for `LoadImage` and `LoadImaged`.

    Name it in a config or in code, and keep the integers::

        LoadImaged(keys="image", reader="lungmonai.io.CTReader", dtype=np.int16, ensure_channel_first=True)

    MONAI tries its other readers when `read` fails, and shows the last one's message instead of ours.
    Therefore `read` only notes what was asked, and the file is opened in `get_data`, whose errors MONAI
    passes on: a `ScanError` arrives whole, as the error or, under `Compose`, as its cause.

    Args:
        series: DICOM series instance UID, as in `read_ct`.
    """

    def __init__(self, series: str | None = None) -> None:
        super().__init__()
        self.series = series

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Whether the name is one that `read_ct` takes: a folder or a known suffix."""
        return all(Path(path).is_dir() or suffix_of(Path(path)) != "" for path in _paths(filename))

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> _Asked:
        """Note which scan is wanted; `series` may be given here too."""
        return _Asked(tuple(_paths(data)), kwargs.get("series", self.series))

    def get_data(self, img: _Asked) -> tuple[NDArray[np.int16], dict[str, Any]]:
        """Read the scan.

        Returns:
            (columns, rows, slices) int16 HU, and metadata with the RAS affine. The metadata holds plain
            Python values and tensors only, so that cached items can be loaded again safely.
        """
        scan = _read_one(img)
        affine = torch.from_numpy(ras_from_lps(scan.affine_lps))
        meta = {
            "affine": affine,
            "original_affine": affine.clone(),
            "space": "RAS",
            "spatial_shape": list(scan.shape[::-1]),
            "original_channel_dim": "no_channel",
            "spacing": list(scan.spacing_mm),
            "series_uid": scan.series_uid,
            "notes": "\n".join(scan.notes),
        }
        return scan.hu.transpose(2, 1, 0), meta


def _read_one(asked: _Asked) -> CTScan:
    if len(asked.paths) != 1:
        raise SettingsError(
            f"{len(asked.paths)} paths were given for one image",
            wanted="one file or DICOM folder",
            do="Give the folder instead of its slices, and each scan its own item.",
        )
    return read_ct(asked.paths[0], series=asked.series)


def _paths(data: Sequence[PathLike] | PathLike) -> list[str]:
    if isinstance(data, (str, os.PathLike)):
        return [os.fspath(data)]
    return [os.fspath(path) for path in data]
