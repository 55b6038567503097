"""The 2D U-Nets that mark nodule voxels slice by slice, seeing three slices either side."""

import torch
from monai.networks.blocks import Convolution, UpSample
from monai.networks.nets import BasicUNet
from torch import Tensor, nn

from .shapes import WINDOW_SLICES

__all__ = ["ReferenceUNet", "SegmentationUNet"]

# Half of MONAI's default width: the finding is small and the net runs on every slice.
_FEATURES = (16, 16, 32, 64, 128, 16)


class SegmentationUNet(nn.Module):
    """MONAI's `BasicUNet` behind a batch norm that takes HU as they are.

    Batch norm, not `BasicUNet`'s default instance norm: a voxel's answer must not depend on
    how much of the slice is shown, so that a crop gives what the whole slice gives.

    Shape:
        input: (N, 7, H, W) float, HU clamped to [−1000, 1000], not scaled; channel 3 is the slice.
        output: (N, 1, H, W) float, logits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(WINDOW_SLICES)
        self.unet = BasicUNet(
            spatial_dims=2,
            in_channels=WINDOW_SLICES,
            out_channels=1,
            features=_FEATURES,
            act=("relu", {"inplace": True}),
            norm="batch",
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of a batch of windows."""
        logits: Tensor = self.unet(self.input_norm(windows))
        return logits


class ReferenceUNet(nn.Module):
    """The U-Net of *Deep Learning with PyTorch*, part 2, made of MONAI's blocks; 118,271 parameters.

    `BasicUNet` cannot take its weights: it pools by maximum, normalises before it activates and
    is two levels deeper.

    Shape:
        input: (N, 7, H, W) float, HU clamped to [−1000, 1000], not scaled; H and W multiples of 4.
        output: (N, 1, H, W) float, logits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(WINDOW_SLICES)
        self.down = nn.ModuleList([_double(WINDOW_SLICES, 16), _double(16, 32), _double(32, 64)])
        self.pool = nn.AvgPool2d(2)
        self.up = nn.ModuleList([_upsample(64, 32), _upsample(32, 16)])
        self.merge = nn.ModuleList([_double(64, 32), _double(32, 16)])
        self.last = nn.Conv2d(16, 1, kernel_size=1)

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of a batch of windows."""
        fine = self.down[0](self.input_norm(windows))
        middle = self.down[1](self.pool(fine))
        coarse = self.down[2](self.pool(middle))
        middle = self.merge[0](torch.cat([self.up[0](coarse), middle], dim=1))
        fine = self.merge[1](torch.cat([self.up[1](middle), fine], dim=1))
        logits: Tensor = self.last(fine)
        return logits


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_convolution(inputs, outputs), _convolution(outputs, outputs))


def _convolution(inputs: int, outputs: int) -> Convolution:
    # "AN": the reference activates before it normalises.
    return Convolution(2, inputs, outputs, kernel_size=3, adn_ordering="AN", act="relu", norm="batch")


def _upsample(inputs: int, outputs: int) -> UpSample:
    return UpSample(2, inputs, outputs, scale_factor=2, mode="deconv")
