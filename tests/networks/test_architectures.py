"""The networks: their size, their frames, and how far each of them sees."""

import pytest
import torch

from lungmonai.errors import WeightsError
from lungmonai.networks import ARCHITECTURES, architecture_named, build_network

SEGMENTATION = [a for a in ARCHITECTURES if a.task == "segmentation"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("nodule_cnn", 222_220), ("mirrored_cnn", 222_220), ("seg_reference_unet", 118_271)],
)
def test_parameter_counts_are_the_published_ones(name: str, parameters: int) -> None:
    assert sum(p.numel() for p in build_network(name).parameters()) == parameters


@pytest.mark.parametrize("architecture", SEGMENTATION, ids=lambda a: a.name)
def test_segmentation_gives_a_logit_for_each_pixel(architecture) -> None:
    network = architecture.build().eval()
    assert network(torch.zeros(2, 7, 64, 96)).shape == (2, 1, 64, 96)


def test_classifier_gives_two_logits_for_each_crop() -> None:
    assert build_network("nodule_cnn").eval()(torch.zeros(3, 1, 32, 48, 48)).shape == (3, 2)


@pytest.mark.parametrize("architecture", SEGMENTATION, ids=lambda a: a.name)
def test_the_halo_covers_what_a_pixel_sees(architecture) -> None:
    """By gradient: no input beyond the halo moves a pixel, whatever its place among the pooled ones."""
    size = 2 * architecture.halo + 4 * architecture.align
    size = -(-size // architecture.align) * architecture.align
    torch.manual_seed(0)
    network = architecture.build().eval().double()
    reach = 0
    for offset in range(architecture.align):
        centre = size // 2 // architecture.align * architecture.align + offset
        image = torch.randn(1, 7, size, size, dtype=torch.double, requires_grad=True)
        network(image)[0, 0, centre, centre].backward()
        seen = torch.nonzero(image.grad[0].abs().sum(0))
        reach = max(reach, int((seen - centre).abs().max()))
    assert reach <= architecture.halo
    # Not much further than needed, or lungs would be cropped for nothing.
    assert reach >= architecture.halo // 2


@pytest.mark.parametrize("architecture", SEGMENTATION, ids=lambda a: a.name)
def test_a_crop_with_its_halo_answers_as_the_whole(architecture) -> None:
    torch.manual_seed(1)
    network = architecture.build().eval().double()
    step = architecture.align
    halo = -(-architecture.halo // step) * step
    image = torch.randn(1, 7, 2 * halo + 8 * step, 2 * halo + 6 * step, dtype=torch.double)
    with torch.no_grad():
        whole = network(image)
        crop = network(image[..., step:, 2 * step :])
    inner = (..., slice(halo + step, None), slice(halo + 2 * step, None))
    torch.testing.assert_close(crop[..., halo:, halo:], whole[inner], atol=1e-9, rtol=0)


def test_an_unknown_architecture_is_refused_by_name() -> None:
    with pytest.raises(WeightsError, match=r"'vgg' is not known; wanted seg_basic_unet or"):
        architecture_named("vgg")
