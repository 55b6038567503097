"""A network made quick is the same network: same weights, same answers, same gradients."""

import copy

import pytest
import torch
from torch import nn

from lungmonai.networks import NoduleCNN, ReferenceUNet, SegmentationUNet
from lungmonai.training.quick_layers import PlainMaxPool3d, SlicedConv3d
from lungmonai.training.speed import made_quick

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}
NETWORKS = {NoduleCNN: (2, 1, 32, 48, 48), ReferenceUNet: (2, 7, 32, 32), SegmentationUNet: (2, 7, 32, 32)}


@pytest.mark.parametrize(
    ("kind", "shape"), NETWORKS.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_it_learns_as_before(kind, shape) -> None:
    torch.manual_seed(0)
    usual = kind()
    # In float64, so that what is left is no rounding.
    usual.double()
    quick = made_quick(copy.deepcopy(usual))
    images = torch.randn(shape, dtype=torch.float64)
    last = images.contiguous(memory_format=LAYOUTS[images.ndim])
    found, wanted = quick(last), usual(images)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    for answer in (found, wanted):
        answer.square().sum().backward()
    for name, parameter in usual.named_parameters():
        gradient = dict(quick.named_parameters())[name].grad
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-7, atol=1e-9, msg=name)


@pytest.mark.parametrize("kind", NETWORKS)
def test_weights_keep_their_names_and_values(kind) -> None:
    network = kind()
    before = copy.deepcopy(network.state_dict())
    parameters = list(network.parameters())
    assert made_quick(network) is network
    assert list(network.state_dict()) == list(before)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    # An optimizer that was made before holds the same objects.
    assert all(one is other for one, other in zip(network.parameters(), parameters, strict=True))
    kind().load_state_dict(network.state_dict())


def test_weights_of_convolutions_lie_channels_last() -> None:
    network = made_quick(nn.Sequential(nn.Conv3d(3, 4, 3), nn.ConvTranspose2d(4, 2, 3), nn.Linear(2, 2)))
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert network[1].weight.is_contiguous(memory_format=torch.channels_last)
    assert network[2].weight.is_contiguous()


def test_the_layers_of_the_nodule_cnn_are_replaced_once() -> None:
    network = made_quick(made_quick(NoduleCNN()))
    kinds = [type(layer) for layer in network.modules()]
    assert kinds.count(SlicedConv3d) == 1
    assert kinds.count(PlainMaxPool3d) == 4
    assert kinds.count(nn.MaxPool3d) == 0
