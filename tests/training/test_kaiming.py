"""The start of the weights, by their spread."""

import pytest
import torch
from torch import nn

from lungmonai.networks import NoduleCNN, SegmentationUNet
from lungmonai.training.kaiming import kaiming_start


def test_convolutions_have_the_spread_of_the_rule() -> None:
    """Standard deviation √(2 / fan-out); fan-out is outputs × voxels of the kernel."""
    network = kaiming_start(NoduleCNN(), 1)
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d) and layer.weight.numel() > 5000:
            wanted = (2 / (layer.out_channels * 27)) ** 0.5
            assert float(layer.weight.detach().std()) == pytest.approx(wanted, rel=0.05)


def test_biases_have_the_spread_of_the_rule_below_zero() -> None:
    """A layer of 4 outputs has a spread of 1/√4, around -1/√4, which many layers show."""
    biases = torch.cat([kaiming_start(nn.Linear(3, 4), seed).bias.detach() for seed in range(200)])
    assert float(biases.std()) == pytest.approx(0.5, rel=0.1)
    assert float(biases.mean()) == pytest.approx(-0.5, abs=0.06)


def test_the_seed_decides() -> None:
    first, again, other = (kaiming_start(SegmentationUNet(), seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["unet.conv_0.conv_0.conv.weight"], other["unet.conv_0.conv_0.conv.weight"])


def test_a_factor_makes_the_last_layer_smaller_and_nothing_else() -> None:
    whole, small = (kaiming_start(NoduleCNN(), 1, last=last).state_dict() for last in (1.0, 0.05))
    for name, tensor in whole.items():
        wanted = tensor * 0.05 if name.startswith("head.") else tensor
        torch.testing.assert_close(small[name], wanted, rtol=1e-6, atol=0, msg=name)
