"""One training in several processes, as `torchrun` starts them: each has a share of every batch."""

from __future__ import annotations

import logging
import os

import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.utils.enums import CommonKeys
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import EngineError, SettingsError

__all__ = [
    "MeanLoss",
    "SameBuffers",
    "in_processes",
    "process_count",
    "process_device",
    "process_rank",
    "start_processes",
    "stop_processes",
]

# What torchrun tells each process that it starts.
_TOLD = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def start_processes(device: torch.device | str) -> None:
    """Let the processes that `torchrun` started find each other; only the first goes on to log.

    Args:
        device: of this process; NCCL serves GPUs, gloo serves CPUs.

    Raises:
        SettingsError: `torchrun` did not start this process.
    """
    missing = [name for name in _TOLD if name not in os.environ]
    if missing:
        raise SettingsError(
            f"the environment lacks {', '.join(missing)}",
            wanted="a process that torchrun started",
            do="Run `torchrun --nproc_per_node 2 -m monai.bundle run …`, or leave multi_gpu_train.json out.",
        )
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if process_rank():
        logging.disable(logging.INFO)


def stop_processes() -> None:
    """The end of what `start_processes` began; nothing where it did not."""
    if distributed.is_initialized():
        # A group that is taken down while a peer's last message is under way can wait for ever (gloo).
        distributed.barrier()
        distributed.destroy_process_group()
        logging.disable(logging.NOTSET)


def process_rank() -> int:
    """Number of this process among all, from 0."""
    return int(os.environ.get("RANK", "0"))


def process_count() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_device() -> torch.device:
    """The GPU of this process; the CPU where the machine has no GPU.

    Raises:
        EngineError: the machine has GPUs, but fewer than processes.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    local, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if local >= there:
        raise EngineError(
            f"process {local} of this machine has no GPU of its own",
            wanted=f"at most {there} processes, one for each GPU",
            do=f"Change to `--nproc_per_node {there}`, or hide the GPUs with CUDA_VISIBLE_DEVICES=.",
        )
    return torch.device("cuda", local)


def in_processes(network: nn.Module, device: torch.device | str) -> DistributedDataParallel:
    """A network whose gradients are the mean over all processes.

    On GPUs its batch norms see the batches of all processes together; on CPUs each sees its own, since
    torch has no other.

    Args:
        network: on `device`.
        device: of this process.
    """
    if torch.device(device).type != "cuda":
        return DistributedDataParallel(network)
    talking = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return DistributedDataParallel(talking, device_ids=[device])


class MeanLoss:
    """Make the loss that is logged that of all processes' samples together, not of the first one's share."""

    def attach(self, engine: Engine) -> None:
        """Add it to a trainer."""
        engine.add_event_handler(IterationEvents.MODEL_COMPLETED, self)

    def __call__(self, engine: SupervisedTrainer) -> None:
        """Average the loss of the step that was just done; the update does not need it any more."""
        if distributed.is_initialized():
            output = engine.state.output
            loss = output[CommonKeys.LOSS].detach() / distributed.get_world_size()
            distributed.all_reduce(loss)
            output[CommonKeys.LOSS] = loss


class SameBuffers:
    """Give every process the first one's batch-norm statistics before it evaluates its share.

    An evaluator takes the network without its wrapper: the wrapper waits for the others at every batch,
    and shares may differ by one.

    Args:
        network: the same in all processes, but for its buffers.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Add it to an evaluator."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Send the buffers of rank 0."""
        if distributed.is_initialized():
            for buffer in self.network.buffers():
                distributed.broadcast(buffer, 0)
