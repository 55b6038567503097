"""Networks without their wrappers."""

import torch
from torch import nn

from lungmonai.training.unwrapped import unwrapped


def test_wrappers_are_left_out() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1))
    assert unwrapped(network) is network
    assert unwrapped(torch.compile(network, backend="eager")) is network


def test_two_wrappers_too() -> None:
    outer, network = nn.Module(), nn.Conv2d(1, 1, 1)
    outer._orig_mod = torch.compile(network, backend="eager")
    assert unwrapped(outer) is network
