"""Run networks with OpenVINO, on a CPU; torch is not needed once a model was converted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from .converted import converted_model
from .engine import Runner
from .models import ModelFile

__all__ = ["openvino_runner"]

# While one request computes, the caller uses the other's answer.
_REQUESTS = 2


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
    compiled = openvino.Core().compile_model(graph, "CPU", settings)
    requests = [compiled.create_infer_request() for _ in range(_REQUESTS)]

    def run(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.float32]]:
        waiting: deque[tuple[Any, NDArray[np.int16]]] = deque()
        for number, block in enumerate(blocks):
            if len(waiting) == _REQUESTS:
                yield _answer(waiting)
            block = np.ascontiguousarray(block)
            request = requests[number % _REQUESTS]
            request.set_input_tensor(0, openvino.Tensor(block, shared_memory=True))
            request.start_async()
            waiting.append((request, block))  # the block must outlive the request
        while waiting:
            yield _answer(waiting)

    return run


def _answer(waiting: deque[tuple[Any, NDArray[np.int16]]]) -> NDArray[np.float32]:
    """Wait for the oldest request; its answer is a view that lasts until that request starts again."""
    request, _ = waiting.popleft()
    request.wait()
    answer: NDArray[np.float32] = request.get_output_tensor(0).data
    return answer
