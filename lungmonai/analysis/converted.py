"""Models converted for OpenVINO, kept on disk under the weights' SHA-256.

Converting takes torch, MONAI and seconds; reading a converted model back takes milliseconds.
The name also holds a hash of the code and the packages that made the graph.
What is read back is checked by hash, so that a damaged or foreign file is converted anew.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OutputError
from ..files import make_folder, sha256_of, written_whole
from .no_telemetry import forbid_telemetry

if TYPE_CHECKING:
    import openvino

    from .models import ModelFile

__all__ = ["cache_folder", "converted_model", "kept_about"]

_PARTS = ("xml", "bin")


def cache_folder() -> Path:
    """Where converted models lie: `LUNGMONAI_CACHE`, else the user's cache folder.

    A user without a home gets a folder that does not exist, where nothing is kept.
    """
    named = os.environ.get("LUNGMONAI_CACHE")
    if named:
        return Path(named)
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return Path(caches) / "lungmonai"


def kept_about(sha256: str) -> dict[str, Any] | None:
    """What is known of a weights file without opening it; None if it was never converted.

    Args:
        sha256: of the weights file.
    """
    kept = _read_kept(sha256)
    return None if kept is None else kept["about"]


def converted_model(model: ModelFile) -> openvino.Model:
    """A model as an OpenVINO graph with open sizes; converted if it is not kept yet."""
    forbid_telemetry()
    from .openvino_core import openvino_core

    kept = _read_kept(model.sha256)
    if kept is not None:
        return openvino_core().read_model(_path(model.sha256, "xml"))
    graph = _convert(model)
    _keep(model, graph)
    return graph


def _convert(model: ModelFile) -> openvino.Model:
    import openvino
    import torch

    from ..networks.shapes import CROP_SHAPE, WINDOW_SLICES
    from .heads import head_of

    segments = model.architecture.task == "segmentation"
    example = (WINDOW_SLICES, 64, 64) if segments else (2, 1, *CROP_SHAPE)
    sizes = [WINDOW_SLICES, -1, -1] if segments else [-1, 1, *CROP_SHAPE]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own tracer
        return openvino.convert_model(
            head_of(model, for_export=True),
            example_input=torch.zeros(example, dtype=torch.int16),
            input=[openvino.PartialShape(sizes)],
        )


def _keep(model: ModelFile, graph: openvino.Model) -> None:
    """Write graph, weights, and last the file that vouches for both."""
    import openvino

    try:
        make_folder(_path(model.sha256, "json").parent)
        with written_whole(_path(model.sha256, "xml")) as partial:
            # The weights go beside, under the same name; their hash is taken below.
            beside = partial.with_suffix(".bin")
            try:
                openvino.save_model(graph, partial, compress_to_fp16=False)
                beside.replace(_path(model.sha256, "bin"))
            finally:
                beside.unlink(missing_ok=True)
        hashes = {part: sha256_of(_path(model.sha256, part)) for part in _PARTS}
        with written_whole(_path(model.sha256, "json")) as partial:
            partial.write_text(json.dumps({"hashes": hashes, "about": model.about}), encoding="utf-8")
    except (OutputError, OSError, RuntimeError):  # OpenVINO's own for a full disk is the last
        return  # it costs time at the next run, not this one


def _read_kept(sha256: str) -> dict[str, Any] | None:
    try:
        kept: dict[str, Any] = json.loads(_path(sha256, "json").read_text(encoding="utf-8"))
        whole = all(sha256_of(_path(sha256, part)) == kept["hashes"][part] for part in _PARTS)
        return kept if whole and isinstance(kept["about"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(sha256: str, suffix: str) -> Path:
    return cache_folder() / "openvino" / f"{sha256[:40]}-{_recipe()}.{suffix}"


@cache
def _recipe() -> str:
    """Changes with whatever decides the graph: the networks' code and the packages that trace it."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for source in (*sorted((package / "networks").glob("*.py")), package / "analysis" / "heads.py"):
        digest.update(source.read_bytes())
    for name in ("lungmonai", "monai", "openvino", "torch"):
        digest.update(importlib.metadata.version(name).encode())
    return digest.hexdigest()[:16]
