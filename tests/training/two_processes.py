"""What two processes of one training agree on; `torchrun` starts this, and each prints a JSON line."""

import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events
from test_step import batches, network, trainer
from tiny_training import tiny_trainer
from torch import distributed, nn

from lungmonai.errors import LungmonaiError
from lungmonai.training.agree import any_of_all, from_first, of_all
from lungmonai.training.checkpoints import checkpoint_files
from lungmonai.training.step import TrainingStep


def skipping(rank: int) -> dict[str, Any]:
    """Only the second process meets a batch that is not finite."""
    net = nn.parallel.DistributedDataParallel(network())
    step = TrainingStep("float16")
    one = trainer(batches({1} if rank else set(), 3), step, net)
    weights: list[list[torch.Tensor]] = []
    one.add_event_handler(
        Events.ITERATION_COMPLETED, lambda _: weights.append([p.detach().clone() for p in net.parameters()])
    )
    one.run()
    return {
        "skipped": step.skipped,
        "kept": all(torch.equal(a, b) for a, b in zip(weights[0], weights[1], strict=True)),
        "went_on": any(not torch.equal(a, b) for a, b in zip(weights[1], weights[2], strict=True)),
        "finite": all(bool(torch.isfinite(tensor).all()) for tensor in net.state_dict().values()),
        "scale": step.state_dict()["scaler"]["scale"],
    }


def resuming(rank: int, folder: Path) -> dict[str, Any]:
    """One run as a whole, one that the second process was asked to stop, and it resumed."""
    shared: dict[str, Any] = {"rank": rank, "world_size": 2, "batch_size": 2}
    whole = tiny_trainer(folder / "whole", **shared)
    whole.run()
    stopped = tiny_trainer(folder / "run", **shared)
    if rank == 1:
        stopped.add_event_handler(
            Events.ITERATION_STARTED(once=7), lambda _: os.kill(os.getpid(), signal.SIGTERM)
        )
    try:
        stopped.run()
        raise AssertionError("it was not stopped")
    except KeyboardInterrupt:
        at = stopped.state.iteration
    resumed = tiny_trainer(folder / "run", resume=True, **shared)
    resumed.run()
    states = zip(whole.network.state_dict().values(), resumed.network.state_dict().values(), strict=True)
    return {
        "stopped_at": at,
        "equal": all(torch.equal(a, b) for a, b in states),
        "files": len(checkpoint_files(folder / "run" / "checkpoints")),
        "refused": refused(folder, shared),
    }


def stopping_in_validation(rank: int, folder: Path) -> int:
    """The second process is asked while both validate; the step at which this one stops."""
    trainer = tiny_trainer(folder / "validating", rank=rank, world_size=2, batch_size=2)
    if rank == 1:
        trainer.evaluator.add_event_handler(
            Events.ITERATION_STARTED(once=2), lambda _: os.kill(os.getpid(), signal.SIGTERM)
        )
    try:
        trainer.run()
    except KeyboardInterrupt:
        return int(trainer.state.iteration)
    raise AssertionError("it was not stopped")


def refused(folder: Path, shared: dict[str, Any]) -> str:
    """What each process is told of a folder that is in use."""
    try:
        tiny_trainer(folder / "run", **shared).run()
    except LungmonaiError as error:
        return str(error)
    return ""


def main() -> None:
    """Print what this process found."""
    torch.set_num_threads(1)
    logging.disable(logging.ERROR)
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    found = {
        "rank": rank,
        "first": from_first(lambda: f"of {rank}"),
        "all": of_all(rank * 10),
        "any": any_of_all(rank == 1, torch.device("cpu")),
        "none": any_of_all(False, torch.device("cpu")),
        **skipping(rank),
        **resuming(rank, Path(sys.argv[1])),
        "validating_stopped_at": stopping_in_validation(rank, Path(sys.argv[1])),
    }
    Path(sys.argv[1], f"found{rank}.json").write_text(json.dumps(found))
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
