"""The quick layers answer, and learn, what PyTorch's do."""

import copy

import pytest
import torch
from torch import Tensor, nn

from lungmonai.training.quick_layers import PlainMaxPool3d, SlicedConv3d


def answered(layer: nn.Module, crops: Tensor) -> list[Tensor]:
    """The answer and the gradients of weights and input, for an arbitrary loss."""
    crops = crops.clone().requires_grad_()
    answer = layer(crops)
    loss = (answer * torch.linspace(-1, 1, answer.numel()).reshape(answer.shape)).sum()
    loss.backward()
    return [answer.detach(), crops.grad, *(parameter.grad for parameter in layer.parameters())]


@pytest.fixture
def crops() -> Tensor:
    return torch.randn((2, 1, 6, 9, 8), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("kernel", "padding"), [(3, 1), (3, 0), ((1, 3, 5), (0, 1, 2)), ((5, 1, 3), (1, 0, 2))]
)
def test_a_sliced_convolution_learns_as_the_convolution(crops, kernel, padding, bias) -> None:
    torch.manual_seed(0)
    usual = nn.Conv3d(1, 4, kernel, padding=padding, bias=bias)
    quick = SlicedConv3d(copy.deepcopy(usual))
    assert list(quick.state_dict()) == list(usual.state_dict())
    for found, wanted in zip(answered(quick, crops), answered(usual, crops), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-4)


def test_it_shares_the_weights_and_the_mode() -> None:
    usual = nn.Conv3d(1, 2, 3).eval()
    quick = SlicedConv3d(usual)
    assert quick.weight is usual.weight
    assert quick.bias is usual.bias
    assert not quick.training


def test_in_evaluation_the_answer_is_the_same_to_the_bit(crops) -> None:
    usual = nn.Conv3d(1, 4, 3, padding=1).eval()
    assert torch.equal(SlicedConv3d(usual)(crops), usual(crops))


def test_its_answer_lies_channels_last(crops) -> None:
    answer = SlicedConv3d(nn.Conv3d(1, 4, 3, padding=1))(crops)
    assert answer.is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv3d(2, 4, 3),
        nn.Conv3d(1, 4, 3, stride=2),
        nn.Conv3d(1, 4, 3, dilation=2),
        nn.Conv3d(1, 4, 3, padding="same"),
        nn.Conv3d(1, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(1, 4, 3),
        SlicedConv3d(nn.Conv3d(1, 4, 3)),
    ],
)
def test_other_convolutions_are_left_alone(layer) -> None:
    assert not SlicedConv3d.replaces(layer)


def test_a_plain_pool_keeps_bfloat16_and_every_maximum(crops) -> None:
    usual = nn.MaxPool3d(2, ceil_mode=True)
    low = crops.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found, wanted = PlainMaxPool3d(usual)(low), usual(low)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found.float(), wanted.float())


def test_a_pool_with_indices_is_left_alone() -> None:
    assert PlainMaxPool3d.replaces(nn.MaxPool3d(2))
    assert not PlainMaxPool3d.replaces(nn.MaxPool3d(2, return_indices=True))
    assert not PlainMaxPool3d.replaces(nn.MaxPool2d(2))
