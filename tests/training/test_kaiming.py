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
            assert float(layer.weight.std()) == pytest.approx(wanted, rel=0.05)


def test_the_seed_decides() -> None:
    first, again, other = (kaiming_start(SegmentationUNet(), seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["unet.conv_0.conv_0.conv.weight"], other["unet.conv_0.conv_0.conv.weight"])


def test_a_small_last_layer_begins_near_chance() -> None:
    crops = torch.randn(8, 1, 32, 48, 48) * 300
    labels = torch.tensor([0, 1] * 4)
    loud, quiet = (kaiming_start(NoduleCNN(), 1, last=last).eval() for last in (1.0, 0.05))
    for network in (loud, quiet):
        network.input_norm.running_var.fill_(300.0**2)
    with torch.no_grad():
        losses = [float(nn.functional.cross_entropy(net(crops), labels)) for net in (loud, quiet)]
    assert losses[1] < 0.8 < losses[0]
