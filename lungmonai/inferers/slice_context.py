"""Run a 2D network over a volume, each slice with its neighbours as channels.

MONAI's `SliceInferer` shows a network one slice at a time; its `SlidingWindowInferer` answers
for every slice that it shows.
"""

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from ..networks.shapes import CONTEXT_SLICES, WINDOW_SLICES

__all__ = ["SliceContextInferer"]


class SliceContextInferer(Inferer):
    """Give a segmentation network three slices either side of each slice.

    The first and last slice are repeated beyond the ends.

    Args:
        slices_per_call: slices answered per call of the network.

    Shape:
        inputs: (N, 1, columns, rows, slices) float, HU; the order of MONAI's LPS-oriented images.
        output: (N, 1, columns, rows, slices) float, what the network answers for each slice.
    """

    def __init__(self, slices_per_call: int = 4) -> None:
        super().__init__()
        self.slices_per_call = slices_per_call

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Answer for every slice of every volume."""
        # The networks see rows before columns, as the scanner writes them.
        volumes = torch.as_tensor(inputs)[:, 0].permute(0, 3, 2, 1)
        answers = [self._volume(volume, network, *args, **kwargs) for volume in volumes]
        return torch.stack(answers).permute(0, 3, 2, 1)[:, None]

    def _volume(self, slices: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        around = torch.arange(-CONTEXT_SLICES, len(slices) + CONTEXT_SLICES, device=slices.device)
        padded = slices[around.clamp(0, len(slices) - 1)]
        windows = padded.unfold(0, WINDOW_SLICES, 1).permute(0, 3, 1, 2)
        parts = torch.split(windows, self.slices_per_call)
        return torch.cat([network(part, *args, **kwargs)[:, 0] for part in parts])
