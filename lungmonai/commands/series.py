"""`lungmonai series`: what a DICOM folder holds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .verb import verb

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai series`."""
    option = verb(verbs, "series", _series, "list the DICOM series of a folder or zip, the largest first")
    option("scan", type=Path, help="a DICOM folder or a zip of one")


def _series(arguments: argparse.Namespace) -> None:
    from ..io import list_series

    for one in list_series(arguments.scan):
        axial = "axial" if one.axial else "not axial"
        shape = f"{one.columns}x{one.rows}x{one.slices}"
        sys.stdout.write(f"{one.uid}  {one.modality}  {axial}  {shape}  {one.description}\n")
