"""Choose what runs the networks of an analysis: torch, or OpenVINO on a CPU.

Both answer the same to float32 rounding. Choosing loads neither.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError
from .memory import keep_freed_memory
from .models import ModelFile
from .no_telemetry import forbid_telemetry
from .settings import AnalysisSettings

if TYPE_CHECKING:
    from .segment import Segmentation, Window

__all__ = ["Engine", "Runner", "choose_engine", "start_engine"]

# Takes int16 HU blocks, yields float32 probabilities in the same order. It has read a block before
# it takes the next, and an answer is good until then.
Runner = Callable[[Iterable[NDArray[np.int16]]], Iterator[NDArray[np.float32]]]

# Slices and crops per call. On a CPU one slice's activations just fit the caches; a GPU wants more.
_CPU_SLICES, _GPU_SLICES = 1, 16
_CPU_CROPS, _GPU_CROPS = 4, 256


@dataclass(frozen=True)
class Engine:
    """What runs the networks of one analysis.

    Args:
        name: "torch" or "openvino".
        device: torch's name of the device.
        segment_precision: "float32" or "bfloat16".
        classify_precision: "float32" or "bfloat16".
        notes: what was chosen or fell back, one sentence each.
    """

    name: str
    device: str
    segment_precision: str
    classify_precision: str
    notes: tuple[str, ...] = ()

    @property
    def slices(self) -> int:
        """Slices segmented per call."""
        return _GPU_SLICES if self.device != "cpu" else _CPU_SLICES

    @property
    def crops(self) -> int:
        """Crops classified per call."""
        return _GPU_CROPS if self.device != "cpu" else _CPU_CROPS

    def prepare(self, model: ModelFile, shape: tuple[int, ...]) -> Runner:
        """Make a model ready for blocks of one shape.

        Args:
            model: for segmentation, blocks are slices as in `heads.SliceSegmenter`; for
                classification, crops as in `heads.CropClassifier`.
            shape: of every block.
        """
        segments = model.architecture.task == "segmentation"
        precision = self.segment_precision if segments else self.classify_precision
        if self.name == "openvino":
            from .engine_openvino import openvino_runner

            return openvino_runner(model, shape, precision)
        from .engine_torch import torch_runner

        return torch_runner(model, self.device, precision)

    def segmented(
        self,
        model: ModelFile,
        hu: NDArray[np.int16],
        window: Window,
        threshold: float,
        work: Callable[[], Segmentation],
    ) -> Segmentation:
        """What a volume is segmented to; an engine that remembers may know it without the work.

        Args:
            model: that segments it.
            hu: (slices, rows, columns) int16.
            window: of it that is segmented.
            threshold: over which a voxel is marked.
            work: segments it.
        """
        return work()


def choose_engine(settings: AnalysisSettings) -> Engine:
    """What the settings come to on this machine.

    Raises:
        EngineError: the device is not there, or OpenVINO was asked for on a GPU.
    """
    device = _device(settings.device)
    name, notes = _engine_name(settings.engine, device)
    precision = settings.precision
    if precision == "auto":
        precision = "float32" if device == "cpu" else "bfloat16"
    segment = "float32" if precision == "mixed" else precision
    classify = "bfloat16" if precision == "mixed" else precision
    return Engine(name, device, segment, classify, notes)


def start_engine(settings: AnalysisSettings) -> Engine:
    """What `choose_engine` chooses, with the process told to keep freed memory if the settings say so.

    Raises:
        EngineError: as for `choose_engine`.
    """
    engine = choose_engine(settings)
    if settings.keep_memory and engine.device == "cpu":
        keep_freed_memory()
    return engine


def _device(asked: str) -> str:
    if asked == "cpu" or (asked == "auto" and not _may_have_gpu()):
        return "cpu"
    from .engine_torch import torch_device

    return torch_device(asked)


def _may_have_gpu() -> bool:
    """Whether it is worth the seconds that asking torch takes."""
    if not sys.platform.startswith("linux"):
        return True
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _engine_name(asked: str, device: str) -> tuple[str, tuple[str, ...]]:
    if device != "cpu" and asked == "openvino":
        raise EngineError(
            f"engine openvino on device {device}",
            wanted="openvino on the cpu, or torch",
            do="Choose --engine torch or --device cpu.",
        )
    if device != "cpu" or asked == "torch":
        return "torch", ()
    forbid_telemetry()
    try:
        importlib.import_module("openvino")
    except ImportError as error:
        return "torch", (
            f"OpenVINO cannot be used ({error}), so torch runs the networks: the same answer, later. "
            "`pip install lungmonai[fast]` adds it.",
        )
    return "openvino", ()
