"""A network without what is wrapped around it for speed."""

from __future__ import annotations

from torch import nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["unwrapped"]


def unwrapped(network: nn.Module) -> nn.Module:
    """The network inside `DistributedDataParallel` and `torch.compile`, which change its weights' names."""
    while True:
        if isinstance(network, DistributedDataParallel):
            network = network.module
        elif isinstance(inner := getattr(network, "_orig_mod", None), nn.Module):
            network = inner
        else:
            return network
