"""Run networks with torch, on a CPU or a CUDA device."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import EngineError
from .engine import Runner
from .heads import head_of
from .models import ModelFile

__all__ = ["torch_device", "torch_runner"]


def torch_runner(model: ModelFile, device: str, precision: str) -> Runner:
    """Make a model ready on a device; blocks may have any shape that it takes.

    Args:
        model: the weights.
        device: torch's name of it.
        precision: "float32", or "bfloat16" for convolutions and matrix products only.
    """
    head = head_of(model).to(device)
    kind = torch.device(device).type

    def run(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.float32]]:
        for block in blocks:
            with (
                torch.inference_mode(),
                torch.autocast(kind, torch.bfloat16, enabled=precision == "bfloat16"),
            ):
                yield head(torch.from_numpy(block).to(device)).cpu().numpy()

    return run


def torch_device(asked: str) -> str:
    """The device that a name stands for, checked by using it.

    Args:
        asked: "auto" for a CUDA device where there is one, or torch's name of a device.

    Raises:
        EngineError: it is not there.
    """
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=asked).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EngineError(
            f"device {asked!r} cannot be used ({reason})",
            wanted="cpu or cuda" if torch.cuda.is_available() else "cpu, the only device here",
            do="Choose another --device.",
        ) from error
    return str(torch.device(asked))
