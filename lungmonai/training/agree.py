"""What several processes of one training must agree on; with one process it costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import distributed

from ..errors import LungmonaiError

__all__ = ["any_of_all", "from_first", "is_first", "of_all", "several"]

Value = TypeVar("Value")


def several() -> bool:
    """Whether several processes train together."""
    return distributed.is_available() and distributed.is_initialized()


def is_first() -> bool:
    """Whether this is the process that writes."""
    return not several() or distributed.get_rank() == 0


def from_first(work: Callable[[], Value]) -> Value:
    """What `work` gives in the first process, in all of them; an error of ours is raised in all."""
    if not several():
        return work()
    answer: list[Any] = [None, None]
    if is_first():
        try:
            answer[0] = work()
        except LungmonaiError as error:
            answer[1] = error
    distributed.broadcast_object_list(answer, 0)
    if answer[1] is not None:
        raise answer[1]
    given: Value = answer[0]
    return given


def of_all(value: Value) -> list[Value]:
    """The value of each process, in the order of their ranks."""
    if not several():
        return [value]
    values: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return values


def any_of_all(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process.

    Args:
        flag: of this process.
        device: on which the processes can talk: NCCL knows GPUs only.
    """
    if not several():
        return flag
    flags = torch.tensor(int(flag), device=device)
    distributed.all_reduce(flags, distributed.ReduceOp.MAX)
    return bool(flags)
