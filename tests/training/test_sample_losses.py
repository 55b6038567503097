"""The loss of each sample."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lungmonai.losses import RecallDiceLoss, SumOfLosses
from lungmonai.training.sample_losses import sample_losses

Loss = Callable[[Tensor, Tensor], Tensor]


def looks_at_values(predicted: Tensor, label: Tensor) -> Tensor:
    """What vmap cannot follow."""
    return predicted.mean() if bool(label.sum() > 5) else predicted.mean() * 2


@pytest.mark.parametrize(
    "loss",
    [
        RecallDiceLoss(),
        SumOfLosses([RecallDiceLoss(3.0), nn.BCEWithLogitsLoss()], [1.0, 0.5]),
        looks_at_values,
    ],
)
def test_it_is_the_loss_of_a_batch_of_one(loss: Loss) -> None:
    draw = torch.Generator().manual_seed(1)
    predicted = torch.randn(5, 1, 4, 4, generator=draw, requires_grad=True)
    label = (torch.rand(5, 1, 4, 4, generator=draw) > 0.7).float()
    each = sample_losses(loss, predicted, label)
    assert each.shape == (5,)
    assert not each.requires_grad
    for number in range(5):
        alone = loss(predicted[number : number + 1], label[number : number + 1])
        assert each[number].item() == pytest.approx(alone.item(), rel=1e-5)


def test_classes() -> None:
    predicted, label = torch.tensor([[0.0, 2.0], [1.0, 1.0]]), torch.tensor([1, 0])
    each = sample_losses(nn.CrossEntropyLoss(), predicted, label)
    assert each.tolist() == pytest.approx([0.126928, 0.693147], abs=1e-6)


def test_a_loss_that_is_given_for_each() -> None:
    each = sample_losses(RecallDiceLoss(reduction="none"), torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2))
    assert each.shape == (3,)
