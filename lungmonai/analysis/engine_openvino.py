"""Run networks with OpenVINO, on a CPU; torch is not needed once a model was converted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import openvino
from numpy.typing import NDArray

from .converted import converted_model
from .engine import Runner
from .models import ModelFile
from .openvino_core import openvino_core

__all__ = ["openvino_runner"]


def openvino_runner(model: ModelFile, shape: tuple[int, ...], precision: str) -> Runner:
    """Make a model ready for blocks of one shape.

    Args:
        model: the weights; converted once, then kept on disk.
        shape: of every block.
        precision: "float32" or "bfloat16".
    """
    graph = converted_model(model)
    graph.reshape(openvino.PartialShape(shape))
    # On machines with AMX, OpenVINO computes in bfloat16 unless it is told not to.
    hint = "bf16" if precision == "bfloat16" else "f32"
    settings = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
    # One request: a second holds its own activations (70 MB) and was not faster.
    request = openvino_core().compile_model(graph, "CPU", settings).create_infer_request()

    def run(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.float32]]:
        for block in blocks:
            shared = openvino.Tensor(np.ascontiguousarray(block), shared_memory=True)
            request.set_input_tensor(0, shared)
            request.infer()
            # A view of the request's own memory, good until the next block.
            yield request.get_output_tensor(0).data

    return run
