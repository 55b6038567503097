"""Several losses added up."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..errors import SettingsError

__all__ = ["SumOfLosses"]


class SumOfLosses(nn.Module):
    """Losses of the same input and target, each times its weight; those of weight 0 are not calculated.

    MONAI's `DiceCELoss` and its kin fix which losses they add.

    Args:
        losses: each gives one number.
        weights: one for each.

    Raises:
        SettingsError: not as many weights as losses, or a negative one.
    """

    def __init__(self, losses: Sequence[nn.Module], weights: Sequence[float]) -> None:
        super().__init__()
        if len(losses) != len(weights) or not losses or min(weights) < 0:
            raise SettingsError(
                f"{len(losses)} losses with the weights {list(weights)}",
                wanted="a weight from 0 up for each of at least one loss",
                do="Change the config's loss.",
            )
        self.losses, self.weights = nn.ModuleList(losses), tuple(weights)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The sum."""
        weighted = zip(self.weights, self.losses, strict=True)
        parts = [weight * loss(input, target) for weight, loss in weighted if weight]
        total: Tensor = sum(parts, input.new_zeros(()))
        return total
