"""A Dice loss that fears missing voxels more than marking too many."""

from __future__ import annotations

import torch
from monai.utils.enums import LossReduction
from torch import Tensor
from torch.nn.modules.loss import _Loss

from ..errors import SettingsError

__all__ = ["RecallDiceLoss"]

# Deep Learning with PyTorch, part 2: false negatives weigh eight times as much.
MISS_WEIGHT = 8.0
SMOOTH = 1.0


class RecallDiceLoss(_Loss):
    """Dice loss, plus a weight times the Dice loss of the prediction where the label is.

    The second term sees nothing of what is marked outside the label, so that it counts missed voxels
    only. MONAI's `TverskyLoss` weighs misses too, but within one quotient: it is another function.

    Args:
        weight: of the second term.
        smooth: ε, added to numerator and denominator; a slice without label costs nothing only when
            nothing is marked.
        sigmoid: whether the input is logits; otherwise it is probabilities.
        reduction: `mean` over the samples, `sum`, or `none` for one number a sample.

    Shape:
        input: (N, 1, *) float, logits.
        target: (N, 1, *), 0 or 1.

    Raises:
        SettingsError: the weight is negative or ε is not above 0.
    """

    def __init__(
        self,
        weight: float = MISS_WEIGHT,
        smooth: float = SMOOTH,
        *,
        sigmoid: bool = True,
        reduction: LossReduction | str = LossReduction.MEAN,
    ) -> None:
        super().__init__(reduction=LossReduction(reduction).value)
        if weight < 0 or smooth <= 0:
            raise SettingsError(
                f"the loss has weight {weight} and smooth {smooth}",
                wanted="a weight from 0 up and smooth above 0",
                do="Change the config's loss.",
            )
        self.weight, self.smooth, self.sigmoid = weight, smooth, sigmoid

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; float32 whatever the precision of the network."""
        if input.shape != target.shape:
            raise SettingsError(
                f"the prediction's shape is {tuple(input.shape)} and the label's {tuple(target.shape)}",
                wanted="the same",
                do="Check the network's channels.",
            )
        marked = input.float()
        marked = torch.sigmoid(marked) if self.sigmoid else marked
        label = target.float()
        hit = (marked * label).flatten(1).sum(1)
        of_label, of_marked = label.flatten(1).sum(1), marked.flatten(1).sum(1)
        loss = self._dice_loss(hit, of_marked + of_label)
        # label·label is the label: the overlap of the masked prediction is the same `hit`.
        loss = loss + self.weight * self._dice_loss(hit, hit + of_label)
        if self.reduction == LossReduction.NONE.value:
            return loss
        return loss.sum() if self.reduction == LossReduction.SUM.value else loss.mean()

    def _dice_loss(self, overlap: Tensor, sizes: Tensor) -> Tensor:
        return 1 - (2 * overlap + self.smooth) / (sizes + self.smooth)
