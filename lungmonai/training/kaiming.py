"""How the networks' weights start."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

__all__ = ["kaiming_start"]

Network = TypeVar("Network", bound=nn.Module)

_LAYERS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)


def kaiming_start(network: Network, seed: int = 0, *, last: float = 1.0) -> Network:
    """Draw the weights of convolutions and linear layers from Kaiming's normal distribution, in place.

    Fan-out and ReLU, as in *Deep Learning with PyTorch*, part 2. Biases are normal with a spread of
    1/√fan-out around minus as much: that is what the book's initialisation draws.

    Args:
        network: of any layers; others keep what they have.
        seed: same seed and network: same weights.
        last: factor on the last linear layer, whose few outputs make Kaiming's weights large: the
            classifier begins with a loss well above the 0.7 of a guess, and has to unlearn it.

    Returns:
        The network.
    """
    generator = torch.Generator().manual_seed(seed)
    linear = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    for layer in network.modules():
        if isinstance(layer, _LAYERS):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                spread = layer.weight[:, :1].numel() ** -0.5
                nn.init.normal_(layer.bias, -spread, spread, generator=generator)
    if linear:
        with torch.no_grad():
            for parameter in linear[-1].parameters():
                parameter.mul_(last)
    return network
