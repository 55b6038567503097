"""Fine-tuning: what is copied, what learns, and what stays as it is."""

import copy
import logging
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from lungmonai.errors import SettingsError, WeightsError
from lungmonai.networks import NoduleCNN, ReferenceUNet, save_weights
from lungmonai.training.finetune import finetune, parts_of, trained_parameters

PARTS = ["input_norm", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "head"]
CROPS = torch.randn(4, 1, 32, 48, 48, generator=torch.Generator().manual_seed(0)) * 300 - 500
LABELS = torch.tensor([0, 1, 1, 0])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights whose batch norm has statistics of its own."""
    path = tmp_path_factory.mktemp("weights") / "nodule.pt"
    network = NoduleCNN()
    network.input_norm.running_mean.fill_(-600.0)
    network.input_norm.running_var.fill_(90_000.0)
    save_weights(path, "nodule_cnn", network, stand_in=False, origin="a test")
    return path


def train_a_little(network: nn.Module) -> None:
    optimizer = torch.optim.SGD(trained_parameters(network), lr=1e-2, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        network.train()
        optimizer.zero_grad()
        cross_entropy(network(CROPS), LABELS).backward()
        optimizer.step()


def changed_parts(before: dict[str, torch.Tensor], network: nn.Module) -> set[str]:
    changed = {name for name, after in network.state_dict().items() if not torch.equal(before[name], after)}
    return {part for part in PARTS if any(name.startswith(f"{part}.") for name in changed)}


def test_the_parts_are_those_of_the_book() -> None:
    assert parts_of(NoduleCNN()) == PARTS


def test_all_but_the_last_layer_is_copied(trained: Path) -> None:
    network = NoduleCNN()
    own = copy.deepcopy(network.state_dict())
    came = torch.load(trained, weights_only=True)["model"]
    for name, tensor in finetune(network, trained, 1).state_dict().items():
        expected = own if name.startswith("head.") else came
        assert torch.equal(tensor, expected[name]), name
    assert not torch.equal(own["head.weight"], came["head.weight"])


@pytest.mark.parametrize("depth", [1, 2, 6])
def test_only_the_last_parts_learn_and_the_rest_keeps_even_its_statistics(trained: Path, depth: int) -> None:
    network = finetune(NoduleCNN(), trained, depth)
    before = copy.deepcopy(network.state_dict())
    train_a_little(network)
    assert changed_parts(before, network) == set(PARTS[-depth:])


def test_a_frozen_batch_norm_answers_with_its_statistics_while_the_rest_trains(trained: Path) -> None:
    network = finetune(NoduleCNN(), trained, 2).train()
    expected = (CROPS + 600.0) / (90_000.0 + network.input_norm.eps) ** 0.5
    torch.testing.assert_close(network.input_norm(CROPS), expected)
    assert not network.blocks[0].training
    assert network.blocks[3].training
    assert not network.eval().blocks[3].training


def test_frozen_parts_stay_frozen_in_a_copy_and_behind_a_wrapper(trained: Path) -> None:
    network = finetune(NoduleCNN(), trained, 2).eval()
    copied = copy.deepcopy(network)
    nn.Sequential(copied).train()
    assert (copied.head.training, copied.blocks[3].training, copied.blocks[2].training) == (True, True, False)
    assert not copied.input_norm.training
    assert not network.head.training  # the copy is another network


def test_frozen_parts_stay_frozen_when_batch_norms_are_made_to_talk(trained: Path) -> None:
    network = nn.SyncBatchNorm.convert_sync_batchnorm(finetune(NoduleCNN(), trained, 2)).train()
    assert isinstance(network.input_norm, nn.SyncBatchNorm)
    assert not network.input_norm.training
    assert not network.input_norm.weight.requires_grad


def test_the_optimiser_gets_what_trains(trained: Path) -> None:
    # 1152 × 2 + 2 of the book's linear layer; the last block's 32→64 and 64→64 convolutions.
    sizes = {}
    for depth in range(1, 7):
        parameters = trained_parameters(finetune(NoduleCNN(), trained, depth))
        sizes[depth] = sum(parameter.numel() for parameter in parameters)
    head, block = 1152 * 2 + 2, 32 * 64 * 27 + 64 + 64 * 64 * 27 + 64
    assert (sizes[1], sizes[2], sizes[6]) == (head, head + block, 222_220)
    # The table of docs/training.md.
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \|.*\| ([\d,]+) \|$", page, re.MULTILINE)
    assert {int(depth): int(size.replace(",", "")) for depth, size in rows} == sizes


def test_it_is_said_what_trains(trained: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        finetune(NoduleCNN(), trained, 1)
    assert "2,306 of 222,220 parameters are trained" in caplog.text
    assert "head: 2,306 parameters, trained" in caplog.text
    assert "blocks.3: 166,016 parameters, frozen" in caplog.text
    assert "stand-in" not in caplog.text


def test_stand_in_weights_are_said_to_be_such(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_weights(tmp_path / "m.pt", "nodule_cnn", NoduleCNN(), stand_in=True, origin="a test")
    finetune(NoduleCNN(), tmp_path / "m.pt", 1)
    assert "was not trained on patients" in caplog.text


def test_without_weights_everything_learns_from_its_own_start() -> None:
    network = NoduleCNN()
    own = copy.deepcopy(network.state_dict())
    assert finetune(network, "", 1) is network
    assert all(torch.equal(tensor, own[name]) for name, tensor in network.state_dict().items())
    assert sum(p.numel() for p in trained_parameters(network)) == 222_220


@pytest.mark.parametrize("depth", [0, 7, -1])
def test_a_wrong_depth_is_refused(trained: Path, depth: int) -> None:
    with pytest.raises(
        SettingsError, match=f"depth is {depth}; wanted 1 to 6, the parts of NoduleCNN: input"
    ):
        finetune(NoduleCNN(), trained, depth)


def test_weights_for_another_task_are_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "s.pt", "seg_reference_unet", ReferenceUNet(), stand_in=False, origin="a test")
    with pytest.raises(WeightsError, match="for segmentation; wanted weights for classification"):
        finetune(NoduleCNN(), tmp_path / "s.pt", 1)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.pt does not exist"):
        finetune(NoduleCNN(), tmp_path / "none.pt", 1)


def test_weights_of_another_classifier_are_refused(trained: Path) -> None:
    other = nn.Sequential(nn.Flatten(), nn.Linear(32 * 48 * 48, 2))
    with pytest.raises(WeightsError, match="nodule_cnn weights; wanted weights of a Sequential"):
        finetune(other, trained, 1)


def test_a_network_without_a_last_linear_layer_is_refused(trained: Path) -> None:
    with pytest.raises(SettingsError, match=r"ReferenceUNet ends in last; wanted .* linear layer"):
        finetune(ReferenceUNet(), trained, 1)
