"""Importing the reference project's checkpoints."""

import shutil
from pathlib import Path

import pytest
import torch

from lungmonai.errors import WeightsError
from lungmonai.networks import PUBLISHED, build_network, import_reference_weights, load_weights

SEG, CLS = PUBLISHED


def published(shared_data: Path, name: str) -> Path:
    return shared_data / "dlwpt_weights" / name


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "task", "architecture", "parameters"),
    [(SEG, "segmentation", "seg_reference_unet", 118_271), (CLS, "classification", "nodule_cnn", 222_220)],
)
def test_published_weights_are_imported(
    shared_data: Path, tmp_path: Path, name: str, task: str, architecture: str, parameters: int
) -> None:
    done = import_reference_weights(published(shared_data, name), tmp_path / "model.pt")
    assert (done.architecture, done.parameters, done.published) == (architecture, parameters, True)
    loaded = load_weights(tmp_path / "model.pt", task=task)
    assert loaded.architecture.name == architecture
    assert not loaded.stand_in
    # Every number of the checkpoint is in the network, none is left at its start.
    state = torch.load(published(shared_data, name), map_location="cpu", weights_only=True)["model_state"]
    came = sorted(float(t.double().sum()) for t in state.values())
    went = sorted(float(t.double().sum()) for t in loaded.network.state_dict().values())
    assert came == went


@pytest.mark.shared_data
def test_a_published_name_with_other_content_is_refused(shared_data: Path, tmp_path: Path) -> None:
    content = torch.load(published(shared_data, CLS), map_location="cpu", weights_only=True)
    content["epoch"] = 0
    torch.save(content, tmp_path / CLS)
    with pytest.raises(WeightsError, match=f"has SHA-256 [0-9a-f]{{64}}; wanted {PUBLISHED[CLS]}"):
        import_reference_weights(tmp_path / CLS, tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()


@pytest.mark.shared_data
def test_the_same_file_under_another_name_is_recognised(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(published(shared_data, CLS), tmp_path / "mine.state")
    assert import_reference_weights(tmp_path / "mine.state", tmp_path / "model.pt").published
    with pytest.raises(WeightsError, match="wanted abc"):
        import_reference_weights(tmp_path / "mine.state", tmp_path / "other.pt", sha256="ABC")


def reference_names(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The classifier's tensors under the reference project's names."""
    named = {}
    for name, tensor in network.state_dict().items():
        name = name.replace("input_norm.", "tail_batchnorm.").replace("head.", "head_linear.")
        for block in range(4):
            for place in range(2):
                name = name.replace(f"blocks.{block}.{place}.conv.", f"block{block + 1}.conv{place + 1}.")
        named[name] = tensor
    return named


def test_weights_of_ones_own_training_are_imported(tmp_path: Path) -> None:
    network = build_network("nodule_cnn")
    torch.save({"model_state": reference_names(network)}, tmp_path / "mine.state")
    assert not import_reference_weights(tmp_path / "mine.state", tmp_path / "model.pt").published
    loaded = load_weights(tmp_path / "model.pt", task="classification").network
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), network.parameters(), strict=True))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"epoch": 1}, "holds epoch; wanted a reference checkpoint with its weights under model_state"),
        (
            {"model_state": {"fc.weight": torch.zeros(1)}},
            "holds fc.weight, …; wanted the reference project's",
        ),
        ({"model_state": {"head_linear.weight": torch.zeros(2, 1152)}}, "lacks "),
    ],
    ids=["no weights", "another network", "incomplete"],
)
def test_other_checkpoints_are_refused(tmp_path: Path, content: dict, text: str) -> None:
    torch.save(content, tmp_path / "x.state")
    with pytest.raises(WeightsError, match=text):
        import_reference_weights(tmp_path / "x.state", tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()
