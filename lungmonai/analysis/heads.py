"""The networks as the analysis runs them: HU in, probabilities out."""

import torch
from torch import Tensor, nn

from ..networks.shapes import HU_LIMIT, WINDOW_SLICES
from .models import ModelFile

__all__ = ["CropClassifier", "SliceSegmenter", "SliceSegmenterForExport", "head_of"]


class SliceSegmenter(nn.Module):
    """Marks slices, each seen with its neighbours.

    The windows are views of the slices, so that no slice is stored seven times.

    Shape:
        input: (S, H, W) int16 HU, S ≥ 7 neighbouring slices.
        output: (S − 6, H, W) float32, probability of each voxel of the inner slices.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        # Channels last is what the CPU's and the GPU's convolutions compute in.
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, slices: Tensor) -> Tensor:
        """Probabilities of the slices that have three neighbours either side."""
        hu = slices.clamp(-HU_LIMIT, HU_LIMIT).float()
        windows = hu.unfold(0, WINDOW_SLICES, 1).permute(0, 3, 1, 2)
        windows = windows.contiguous(memory_format=torch.channels_last)
        return torch.sigmoid(self.network(windows).float())[:, 0]


class SliceSegmenterForExport(SliceSegmenter):
    """The same for exactly seven slices, without the sliding view, which exporters cannot trace."""

    def forward(self, slices: Tensor) -> Tensor:
        """Probability of the one slice that has three neighbours either side."""
        windows = slices.clamp(-HU_LIMIT, HU_LIMIT).float()[None]
        return torch.sigmoid(self.network(windows))[:, 0]


class CropClassifier(nn.Module):
    """Classifies crops.

    Shape:
        input: (N, 1, 32, 48, 48) int16 HU.
        output: (N,) float32, probability of class 1.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, crops: Tensor) -> Tensor:
        """Probability that each crop is of class 1."""
        hu = crops.clamp(-HU_LIMIT, HU_LIMIT).float()
        # One channel has no layout of its own: the first convolution decides by its weights.
        return torch.softmax(self.network(hu).float(), dim=1)[:, 1]


def head_of(model: ModelFile, *, for_export: bool = False) -> nn.Module:
    """The head for a model's task, in evaluation mode.

    Args:
        model: the weights.
        for_export: the form that exporters can trace.
    """
    network = model.network()
    if model.architecture.task == "classification":
        return CropClassifier(network).eval()
    return (SliceSegmenterForExport if for_export else SliceSegmenter)(network).eval()
