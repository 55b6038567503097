"""Several processes: they find each other, share a validation, and agree on losses and buffers."""

import logging
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine
from monai.engines import SupervisedEvaluator
from monai.engines.utils import IterationEvents
from torch import distributed, nn

from lungmonai.errors import EngineError, SettingsError
from lungmonai.metrics import ClassScore
from lungmonai.training.loader import evaluation_loader
from lungmonai.training.processes import (
    MeanLoss,
    SameBuffers,
    in_processes,
    process_count,
    process_device,
    process_rank,
    start_processes,
    stop_processes,
)

TOLD = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
LEVELS = (logging.INFO, logging.WARNING)
IMAGES = torch.tensor([[2.0], [-1.0], [3.0], [-2.0], [0.5]])
LABELS = [1, 0, 0, 0, 1]


def network() -> nn.Module:
    """Its answer depends on the statistics of the batch norm."""
    net = nn.Sequential(nn.BatchNorm1d(1, affine=False), nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor([[-1.0], [1.0]]))
    return net.eval()


def score(net: nn.Module, rank: int, world_size: int, *handlers: Any) -> float:
    samples = [{"image": image, "label": label} for image, label in zip(IMAGES, LABELS, strict=True)]
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=evaluation_loader(samples, 1, rank=rank, world_size=world_size),
        network=net,
        key_val_metric={"f1_score": ClassScore("f1_score")},
        val_handlers=list(handlers) or None,
        decollate=False,
    )
    evaluator.run()
    return float(evaluator.state.metrics["f1_score"])


def one_of_two(rank: int, port: int, folder: Path) -> None:
    """What each process does; its findings go to a file."""
    told = {
        "RANK": rank,
        "WORLD_SIZE": 2,
        "LOCAL_RANK": rank,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    os.environ.update({name: str(value) for name, value in told.items()})
    torch.set_num_threads(1)
    logging.getLogger().setLevel(logging.INFO)
    start_processes("cpu")
    found: dict[str, Any] = {"rank": process_rank(), "count": process_count()}
    found["logs"] = [logging.getLogger("lungmonai").isEnabledFor(level) for level in LEVELS]

    engine = Engine(lambda engine, batch: None)
    engine.register_events(*IterationEvents)
    MeanLoss().attach(engine)
    engine.state.output = {"loss": torch.tensor([1.0, 4.0][rank], requires_grad=True) * 1}
    engine.fire_event(IterationEvents.MODEL_COMPLETED)
    found["loss"] = float(engine.state.output["loss"])

    net = network()
    wrapped = in_processes(net, "cpu").eval()
    net[0].running_mean.fill_([1.0, 100.0][rank])
    found["score"] = score(wrapped.module, rank, 2, SameBuffers(wrapped.module))
    found["mean"] = float(net[0].running_mean)

    wrapped.train()
    wrapped(IMAGES[rank : rank + 2]).square().sum().backward()
    found["gradient"] = net[1].weight.grad.tolist()
    stop_processes()
    found["logs after"] = logging.getLogger("lungmonai").isEnabledFor(logging.INFO)
    torch.save(found, folder / f"{rank}.pt")


def run_two(folder: Path) -> None:
    """Two processes, once more where they hang: gloo does so now and then when a group ends."""
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        context = torch.multiprocessing.spawn(one_of_two, (port, folder), nprocs=2, join=False)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if context.join(timeout=2):
                return
        for process in context.processes:
            process.kill()
    pytest.fail("two processes did not end in three tries")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("processes")
    run_two(folder)
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def test_each_process_knows_its_number(found: list[dict[str, Any]]) -> None:
    assert [(one["rank"], one["count"]) for one in found] == [(0, 2), (1, 2)]


def test_the_loss_becomes_the_mean_of_all(found: list[dict[str, Any]]) -> None:
    assert [one["loss"] for one in found] == [2.5, 2.5]


def test_a_validation_is_shared_although_the_shares_differ(found: list[dict[str, Any]]) -> None:
    """Five samples: three for one process and two for the other; the score is that of all five."""
    net = network()
    net[0].running_mean.fill_(1.0)
    alone = score(net, 0, 1)
    assert [one["score"] for one in found] == [alone, alone]
    # By hand, with 1 subtracted: 2 is found, 3 is false, 0.5 is missed.
    assert alone == 0.5


def test_all_validate_with_the_statistics_of_the_first(found: list[dict[str, Any]]) -> None:
    assert [one["mean"] for one in found] == [1.0, 1.0]


def test_gradients_are_the_mean_of_all(found: list[dict[str, Any]]) -> None:
    gradients = []
    for rank in (0, 1):
        net = network().train()
        net(IMAGES[rank : rank + 2]).square().sum().backward()
        gradients.append(net[1].weight.grad)
    expected = torch.stack(gradients).mean(0)
    for one in found:
        torch.testing.assert_close(torch.tensor(one["gradient"]), expected)


def test_only_the_first_logs_how_it_goes(found: list[dict[str, Any]]) -> None:
    assert [one["logs"] for one in found] == [[True, True], [False, True]]
    assert all(one["logs after"] for one in found)


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TOLD:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("untold")
def test_without_torchrun_it_is_said_what_starts_the_processes() -> None:
    with pytest.raises(
        SettingsError, match=r"lacks RANK, WORLD_SIZE, .*torchrun --nproc_per_node 2 -m monai"
    ):
        start_processes("cpu")
    assert not distributed.is_initialized()


@pytest.mark.usefixtures("untold")
def test_a_process_alone_is_the_first_of_one() -> None:
    assert (process_rank(), process_count()) == (0, 1)
    stop_processes()  # nothing to stop


def test_without_processes_losses_and_buffers_stay() -> None:
    net = network()
    net[0].running_mean.fill_(7.0)
    SameBuffers(net)(Engine(lambda engine, batch: None))
    assert float(net[0].running_mean) == 7.0


@pytest.mark.parametrize(
    ("gpus", "local", "device"), [(0, "1", "cpu"), (2, "0", "cuda:0"), (2, "1", "cuda:1")]
)
def test_each_process_has_a_gpu_of_its_own(
    monkeypatch: pytest.MonkeyPatch, gpus: int, local: str, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setenv("LOCAL_RANK", local)
    assert process_device() == torch.device(device)


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(EngineError, match=r"process 2 .* no GPU of its own; wanted at most 2 processes"):
        process_device()
