"""Sums of losses, calculated by hand."""

import pytest
import torch
from torch import nn

from lungmonai.errors import SettingsError
from lungmonai.losses import SumOfLosses


def test_it_is_the_weighted_sum() -> None:
    both = SumOfLosses([nn.MSELoss(), nn.L1Loss()], [1, 0.5])
    assert float(both(torch.tensor([3.0]), torch.tensor([1.0]))) == 4 + 0.5 * 2


def test_a_loss_without_weight_is_not_calculated() -> None:
    class Fails(nn.Module):
        def forward(self, *_: object) -> torch.Tensor:
            raise AssertionError

    assert float(SumOfLosses([Fails(), nn.L1Loss()], [0, 1])(torch.zeros(1), torch.ones(1))) == 1


def test_wrong_weights_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"1 losses with the weights \[1, 2\]; wanted a weight"):
        SumOfLosses([nn.L1Loss()], [1, 2])
    with pytest.raises(SettingsError, match=r"\[-1\]"):
        SumOfLosses([nn.L1Loss()], [-1])
