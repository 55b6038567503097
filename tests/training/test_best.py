"""The best epoch's weights become a bundle's model.pt."""

import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.metrics import Metric
from monai.engines import SupervisedEvaluator
from torch import nn

from lungmonai.errors import OutputError, WeightsError
from lungmonai.files import sha256_of
from lungmonai.networks import ReferenceUNet, load_weights
from lungmonai.training.best import BestWeights


class Scores(Metric):
    """A score for each validation, as given."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = iter(scores)
        super().__init__(output_transform=lambda output: (output["pred"], output["label"]))

    def reset(self) -> None: ...

    def update(self, output: Any) -> None: ...

    def compute(self) -> float:
        return next(self.scores)


def evaluator(path: Path, scores: list[float], network: nn.Module, **more: Any) -> Any:
    return SupervisedEvaluator(
        device="cpu",
        val_data_loader=[{"image": torch.zeros(1, 7, 16, 16), "label": torch.zeros(1, 1, 16, 16)}],
        network=network,
        key_val_metric={"dice": Scores(scores)},
        val_handlers=[BestWeights(path, network, **more)],
        decollate=False,
    )


def validate_with(one: Any, network: ReferenceUNet, values: list[float]) -> None:
    """Validate once for each value, which all weights are set to before."""
    for epoch, value in enumerate(values, 1):
        for parameter in network.parameters():
            nn.init.constant_(parameter, value)
        one.run(epoch)


def weight_of(path: Path) -> float:
    loaded = load_weights(path, task="segmentation")
    return float(next(loaded.network.parameters()).flatten()[0].detach())


def test_the_weights_of_the_best_epoch_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, network = tmp_path / "run" / "model.pt", ReferenceUNet()
    one = evaluator(path, [0.2, 0.5, 0.4], network, data="/some/where/phantoms")
    with caplog.at_level(logging.INFO, "lungmonai"):
        validate_with(one, network, [0.1, 0.2, 0.3])
    assert weight_of(path) == pytest.approx(0.2)
    loaded = load_weights(path, task="segmentation")
    assert (loaded.architecture.name, loaded.stand_in) == ("seg_reference_unet", False)
    assert loaded.origin.endswith("on phantoms: dice 0.5000 in validation after epoch 2.")
    assert "where" not in loaded.origin
    assert f"dice 0.5000: saved {path}, SHA-256 {sha256_of(path)}" in caplog.text


def test_a_resumed_best_score_is_not_undercut(tmp_path: Path) -> None:
    path, network = tmp_path / "model.pt", ReferenceUNet()
    one = evaluator(path, [0.4, 0.6], network)
    one.state.best_metric, one.state.best_metric_epoch = 0.5, 7
    validate_with(one, network, [0.1])
    assert not path.exists()
    one.run(9)
    assert path.exists()


def test_what_is_wrapped_around_a_network_is_left_out(tmp_path: Path) -> None:
    path, network = tmp_path / "model.pt", ReferenceUNet()
    compiled = torch.compile(network, backend="eager")
    evaluator(path, [0.4], compiled).run(1)
    plain = load_weights(path, task="segmentation").network.state_dict()
    assert all(torch.equal(plain[name], tensor) for name, tensor in network.state_dict().items())


def test_a_network_that_cannot_be_named_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"the network is a Conv2d; wanted SegmentationUNet or ReferenceUNet"
    ):
        evaluator(tmp_path / "model.pt", [0.4], nn.Conv2d(7, 1, 1))


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """No file may grow beyond this; what writes is told so by the system, as of a full disk."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_a_full_disk_keeps_the_former_weights(tmp_path: Path) -> None:
    path, network = tmp_path / "model.pt", ReferenceUNet()
    one = evaluator(path, [0.4, 0.6], network)
    validate_with(one, network, [0.1])
    before = path.read_bytes()
    with (
        little_room(len(before) // 2),
        pytest.raises(OutputError, match=r"model\.pt could not be written: File too large"),
    ):
        one.run(2)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before
