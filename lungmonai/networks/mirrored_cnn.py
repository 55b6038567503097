"""A nodule CNN that looks at each crop in all eight mirror images."""

import math
from itertools import chain, combinations

import torch
from torch import Tensor

from .nodule_cnn import NoduleCNN

__all__ = ["MirroredCNN"]

_SLICES, _ROWS, _COLUMNS = 2, 3, 4


class MirroredCNN(NoduleCNN):
    """The same network; in evaluation its answer is the mean over the crop's mirror images.

    In training each crop is seen once, as the augmentation turns it. The keys of its weights are those of
    `NoduleCNN`, from which it can be tuned. An answer takes eight times as long.

    Shape:
        input: (N, 1, 32, 48, 48) float, HU clamped to [−1000, 1000], not scaled.
        output: (N, 2) float; class 1 is malignant (or nodule). In training logits, else the logarithm of
            the mean probability, so that softmax gives the probabilities in both.
    """

    # TorchScript takes lists from an attribute only.
    mirrored: list[list[int]]

    def __init__(self) -> None:
        super().__init__()
        choices = chain.from_iterable(combinations((_SLICES, _ROWS, _COLUMNS), axes) for axes in (1, 2, 3))
        # ONNX cannot turn no axis round.
        self.mirrored = [list(axes) for axes in choices]

    def forward(self, crops: Tensor) -> Tensor:
        """What softmax turns into the probability of each class."""
        if self.training:
            return self.logits(crops)
        images = [crops] + [crops.flip(axes) for axes in self.mirrored]
        answers = [torch.log_softmax(self.logits(image).float(), 1) for image in images]
        return torch.logsumexp(torch.stack(answers), 0) - math.log(len(images))
