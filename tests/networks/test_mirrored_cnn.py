"""The network that looks at every mirror image."""

import itertools

import pytest
import torch

from lungmonai.networks import MirroredCNN, NoduleCNN
from lungmonai.training.finetune import finetune
from lungmonai.training.kaiming import kaiming_start


@pytest.fixture(scope="module")
def crops() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn((2, 1, 32, 48, 48), generator=generator)


@pytest.fixture(scope="module")
def pair() -> tuple[MirroredCNN, NoduleCNN]:
    """The network and a plain one with its weights."""
    mirrored, plain = kaiming_start(MirroredCNN(), 1), NoduleCNN()
    plain.load_state_dict(mirrored.state_dict())
    return mirrored.eval(), plain.eval()


@torch.inference_mode()
def test_its_probability_is_the_mean_over_the_mirror_images(pair, crops) -> None:
    mirrored, plain = pair
    images = [crops]
    for axis in (2, 3, 4):
        images += [image.flip(axis) for image in images]
    each = torch.stack([plain(image).softmax(1) for image in images])
    assert len(each) == 8
    assert float(each.std(0).max()) > 0.01
    torch.testing.assert_close(mirrored(crops).softmax(1), each.mean(0))


@torch.inference_mode()
def test_a_mirrored_crop_gets_the_same_answer(pair, crops) -> None:
    answer = pair[0](crops)
    for axes in itertools.chain.from_iterable(itertools.combinations((2, 3, 4), n) for n in (1, 2, 3)):
        torch.testing.assert_close(pair[0](crops.flip(axes)), answer)


def test_in_training_it_is_the_plain_network(pair, crops) -> None:
    mirrored, plain = pair[0].train(), pair[1].train()
    torch.testing.assert_close(mirrored(crops), plain(crops))
    mirrored.eval()
    plain.eval()


@torch.inference_mode()
def test_certain_answers_stay_numbers(crops) -> None:
    network = MirroredCNN().eval()
    network.head.weight.zero_()
    network.head.bias.copy_(torch.tensor([-300.0, 300.0]))
    answer = network(crops)
    assert torch.isfinite(answer).all()
    assert answer.softmax(1)[:, 1].tolist() == [1.0, 1.0]


def test_torchscript_answers_the_same(pair, crops) -> None:
    scripted = torch.jit.script(pair[0])
    torch.testing.assert_close(scripted(crops), pair[0](crops))


def test_it_is_tuned_from_the_plain_networks_weights(tmp_path) -> None:
    from lungmonai.networks import save_weights

    start = NoduleCNN()
    save_weights(tmp_path / "n.pt", "nodule_cnn", start, stand_in=False, origin="a test")
    tuned = finetune(MirroredCNN(), tmp_path / "n.pt", 2)
    for name, tensor in tuned.blocks.state_dict().items():
        assert torch.equal(tensor, start.blocks.state_dict()[name])
