"""Checkpoint files: written beside and renamed, the last two kept, never unpickled on trust.

A file's name tells the epochs that were ended, the steps that were made, and the first digits of the
file's SHA-256, so that a damaged one is known before it is read.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import OutputError, SettingsError, WeightsError
from ..files import make_folder, written_whole

__all__ = ["CHECKPOINTS_KEPT", "checkpoint_files", "newest_checkpoint", "write_checkpoint"]

# Two, since the newest may be damaged.
CHECKPOINTS_KEPT = 2
# Raised when the meaning of a key changes.
FORMAT = 1

_NAME = re.compile(r"epoch(\d{4,})_step(\d{8,})_([0-9a-f]{16})\.pt")
_log = logging.getLogger(__name__)


def checkpoint_files(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the newest first."""
    found = [(match, path) for path in Path(folder).glob("*.pt") if (match := _NAME.fullmatch(path.name))]
    found.sort(key=lambda pair: (int(pair[0][2]), int(pair[0][1]), pair[1].name), reverse=True)
    return [path for _, path in found]


def write_checkpoint(
    folder: Path, content: Mapping[str, Any], *, epochs: int, steps: int
) -> tuple[Path, str]:
    """Write one whole, then remove all but the last two.

    Args:
        folder: made where it is not.
        content: plain values, tensors and arrays.
        epochs: that were ended, validation included.
        steps: that were made.

    Returns:
        The file and its SHA-256.

    Raises:
        OutputError: it could not be written; the former ones stay.
        SettingsError: it holds something that could not be read again.
    """
    # In memory first: torch reports a full disk as an error without its reason.
    buffer = io.BytesIO()
    torch.save({**_plain(dict(content), "checkpoint"), "format": FORMAT}, buffer)
    digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
    path = make_folder(folder) / f"epoch{epochs:04d}_step{steps:08d}_{digest[:16]}.pt"
    with written_whole(path) as partial, partial.open("wb") as file:
        file.write(buffer.getbuffer())
        file.flush()
        os.fsync(file.fileno())  # a name without its content is what a power cut leaves otherwise
    _remove_old(folder, path)
    return path, digest


def newest_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that is whole; None where there is none at all.

    A damaged one is said, and put aside as `.damaged` when an older one can be taken.

    Raises:
        WeightsError: there are some, and all are damaged; one cannot be opened; or the newest whole one
            is of another format.
        OutputError: a damaged one cannot be renamed.
    """
    damaged = []
    for path in checkpoint_files(folder):
        try:
            content = _read(path, _bytes_of(path))
        except _DamagedError as error:
            _log.warning("%s cannot be read: %s", path, error)
            damaged.append(path)
            continue
        _check_format(path, content)
        _put_aside(damaged)
        return path, content
    if not damaged:
        return None
    raise WeightsError(
        f"none of the {len(damaged)} checkpoints in {folder} can be read",
        wanted="one that is whole",
        do="Begin again with another --output_dir.",
    )


class _DamagedError(Exception):
    """Why a file is none of ours, or is not whole."""


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:  # a disk or a share that is away: the file itself may be whole
        raise WeightsError(
            f"{path} could not be read: {error.strerror or error}",
            wanted="the newest checkpoint",
            do="Mend that, then resume again; it was left as it is.",
        ) from error


def _put_aside(damaged: list[Path]) -> None:
    for path in damaged:
        try:
            path.replace(path.with_suffix(".pt.damaged"))
        except OSError as error:
            raise OutputError(
                f"{path} could not be renamed: {error.strerror or error}",
                wanted="a folder that can be written to",
                do="Mend that, then resume again.",
            ) from error


def _check_format(path: Path, content: Mapping[str, Any]) -> None:
    if content["format"] != FORMAT:
        raise WeightsError(
            f"{path} is of format {content['format']}",
            wanted=f"format {FORMAT}",
            do="Resume with the version of lungmonai that wrote it.",
        )


def _read(path: Path, data: bytes) -> dict[str, Any]:
    """What a file holds; _DamagedError for all that is not a whole checkpoint."""
    try:
        digest = hashlib.sha256(data).hexdigest()
        match = _NAME.fullmatch(path.name)
        if match is None or match[3] != digest[:16]:
            raise ValueError(f"its SHA-256 begins with {digest[:16]}, its name says otherwise")
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        if not isinstance(content, dict) or "format" not in content:
            raise ValueError("it is no checkpoint of this project")
    except Exception as error:  # torch raises a dozen kinds for damaged and for hostile files
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise _DamagedError(reason) from error
    return content


def _remove_old(folder: Path, newest: Path) -> None:
    """Keep the newest of each of the last two steps."""
    by_step: dict[str, Path] = {}
    for path in checkpoint_files(folder):
        by_step.setdefault(_step(path), path)
    by_step[_step(newest)] = newest
    kept = set(sorted(by_step.values(), key=_step, reverse=True)[:CHECKPOINTS_KEPT]) | {newest}
    for path in checkpoint_files(folder):
        if path not in kept:
            path.unlink(missing_ok=True)


def _step(path: Path) -> str:
    return path.name.split("_")[1]


def _plain(value: Any, name: str) -> Any:
    """The same in types that `torch.load(weights_only=True)` takes.

    Raises:
        SettingsError: there is no such type for it; found now, and not when the run is resumed.
    """
    if isinstance(value, Mapping):
        return {key: _plain(one, f"{name}.{key}") for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(one, f"{name}[{i}]") for i, one in enumerate(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if isinstance(value, Tensor):
        return value.detach()
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    raise SettingsError(
        f"{name} is a {type(value).__name__}",
        wanted="plain values and tensors, which a checkpoint can hold",
        do="Change what state_dict of this object gives.",
    )
