"""Layers that answer as PyTorch's do and train quicker on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["PlainMaxPool3d", "SlicedConv3d"]


class SlicedConv3d(nn.Conv3d):
    """A 3D convolution of one channel, calculated in 2D with neighbouring slices as channels.

    With one channel a CPU's vector units are nearly idle: in float32 the backward pass of such a first
    layer was half of the nodule CNN's step. In evaluation, and on other devices, it calculates as usual.
    What it answers in 2D lies channels last.

    Args:
        layer: one for which `replaces` holds; its weights are shared, under the same names.

    Shape:
        input: (N, 1, D, H, W).
        output: (N, C, D', H', W').
    """

    def __init__(self, layer: nn.Conv3d) -> None:
        deep, high, wide = layer.kernel_size
        z, y, x = map(int, layer.padding)
        # Its own weights would be drawn and thrown away; "meta" has none.
        super().__init__(1, layer.out_channels, (deep, high, wide), padding=(z, y, x), device="meta")
        self.weight, self.bias = layer.weight, layer.bias
        self.train(layer.training)

    @staticmethod
    def replaces(layer: nn.Module) -> bool:
        """Whether a layer is a convolution of this kind."""
        return (
            type(layer) is nn.Conv3d
            and layer.in_channels == 1
            and layer.stride == layer.dilation == (1, 1, 1)
            and isinstance(layer.padding, tuple)
            and layer.padding_mode == "zeros"
        )

    def forward(self, input: Tensor) -> Tensor:
        """The convolution."""
        if not self.training or input.device.type != "cpu":
            return super().forward(input)
        around, *padding = map(int, self.padding)
        slices = functional.pad(input[:, 0], (0, 0, 0, 0, around, around))
        deep = self.kernel_size[0]
        count = slices.shape[1] - deep + 1
        # (N, D', H, W, deep): the slices that a slice of the answer sees.
        seen = torch.stack([slices[:, first : first + count] for first in range(deep)], dim=-1)
        planes = seen.flatten(0, 1).permute(0, 3, 1, 2)
        answer = functional.conv2d(planes, self.weight[:, 0], self.bias, padding=tuple(padding))
        by_slice = answer.permute(0, 2, 3, 1).reshape(len(input), count, *answer.shape[2:], -1)
        return by_slice.permute(0, 4, 1, 2, 3)


class PlainMaxPool3d(nn.MaxPool3d):
    """A max pool that stays in the precision of its input.

    Autocast takes PyTorch's to float32 on a CPU, which changes no maximum and copies the largest
    activations twice.

    Args:
        layer: one for which `replaces` holds.
    """

    def __init__(self, layer: nn.MaxPool3d) -> None:
        super().__init__(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
        self.ceil_mode = layer.ceil_mode
        self.train(layer.training)

    @staticmethod
    def replaces(layer: nn.Module) -> bool:
        """Whether a layer is a pool of this kind."""
        return type(layer) is nn.MaxPool3d and not layer.return_indices

    def forward(self, input: Tensor) -> Tensor:
        """The largest of each window."""
        with torch.autocast(input.device.type, enabled=False):
            pooled: Tensor = super().forward(input)
        return pooled
