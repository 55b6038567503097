"""The 3D CNN that tells nodules from the rest, and malignant nodules from benign ones."""

from monai.networks.blocks import Convolution
from torch import Tensor, nn

__all__ = ["NoduleCNN"]

_FEATURES = (8, 16, 32, 64)
# Four halvings of 32×48×48 leave 2×3×3 of 64 features.
_FLAT = 64 * 2 * 3 * 3


class NoduleCNN(nn.Module):
    """Four blocks of two 3×3×3 convolutions, each block halving the crop; 222,220 parameters.

    The shape is that of *Deep Learning with PyTorch*, part 2, so that its weights fit.

    Shape:
        input: (N, 1, 32, 48, 48) float, HU clamped to [−1000, 1000], not scaled.
        output: (N, 2) float, logits; class 1 is nodule (or malignant).
    """

    def __init__(self) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm3d(1)
        inputs = (1, *_FEATURES[:-1])
        self.blocks = nn.Sequential(*map(_block, inputs, _FEATURES))
        self.head = nn.Linear(_FLAT, 2)

    def forward(self, crops: Tensor) -> Tensor:
        """Logits of a batch of crops."""
        return self.logits(crops)

    def logits(self, crops: Tensor) -> Tensor:
        """The same, for networks that ask more than once.

        Args:
            crops: as `forward` takes them.
        """
        features: Tensor = self.blocks(self.input_norm(crops))
        # `reshape`: channels-last features have no flat view in C, D, H, W order.
        logits: Tensor = self.head(features.reshape(features.shape[0], -1))
        return logits


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_convolution(inputs, outputs), _convolution(outputs, outputs), nn.MaxPool3d(2, 2))


def _convolution(inputs: int, outputs: int) -> Convolution:
    return Convolution(3, inputs, outputs, kernel_size=3, adn_ordering="A", act="relu", norm=None)
