"""A training of seconds with all that a real one has, for the tests of what survives a stop.

    python tests/tiny_training.py OUTPUT_DIR [--key value …]

Samples, augmentation, drop-out, optimizer, schedule and validation all draw or keep something that a
resumed run must have.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Events
from ignite.metrics import Average
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.engines.workflow import Workflow
from monai.handlers import LrScheduleHandler
from torch import nn
from torch.utils.data import Dataset

from lungmonai.losses import RecallDiceLoss
from lungmonai.training.loader import evaluation_loader, training_loader
from lungmonai.training.prepare import PrepareBatch
from lungmonai.training.resume import RunState
from lungmonai.training.step import TrainingStep
from lungmonai.training.stop import StopOnSignal
from lungmonai.training.validate import Validate
from lungmonai.transforms import BatchAugment

SIDE, BATCH = 8, 4


class Blobs(Dataset[dict[str, Any]]):
    """Windows that depend on seed, epoch and index alone."""

    def __init__(self, samples: int, seed: int) -> None:
        self.samples, self.seed = samples, seed

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, key: Any) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        draw = np.random.default_rng((self.seed, epoch, index))
        hu = draw.normal(-800, 100, (7, SIDE, SIDE))
        label = np.zeros((1, SIDE, SIDE), np.float32)
        row, column = draw.integers(0, SIDE - 3, 2)
        label[:, row : row + 3, column : column + 3] = 1
        hu += 800 * label
        return {
            "image": torch.from_numpy(hu.astype(np.int16)),
            "label": torch.from_numpy(label),
            "id": f"{epoch}/{index}",
        }


class TinyNet(nn.Sequential):
    """Batch norm and drop-out: what changes beside the weights, and what draws."""

    def __init__(self) -> None:
        super().__init__(
            nn.BatchNorm2d(7), nn.Conv2d(7, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(4), nn.Dropout(0.2),
            nn.Conv2d(4, 1, 1),
        )  # fmt: skip


def tiny_trainer(
    folder: Path,
    *,
    max_epochs: int = 3,
    resume: bool = False,
    every: int = 2,
    samples: int = 20,
    seed: int = 1,
    learning_rate: float = 0.01,
    workers: int = 0,
    slow: float = 0.0,
    slow_validation: float = 0.0,
    rank: int = 0,
    world_size: int = 1,
    data: Dataset[dict[str, Any]] | None = None,
    batch_size: int = BATCH,
) -> SupervisedTrainer:
    """A trainer with 5 steps an epoch; its network is `.network`, its handlers are those of a bundle.

    Args:
        folder: for the checkpoints.
        slow: seconds to wait in each step, so that a test can stop it there.
        slow_validation: the same for each step of the validation.
    """
    torch.manual_seed(seed)
    network: nn.Module = TinyNet()
    if world_size > 1:
        network = nn.parallel.DistributedDataParallel(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(max_epochs, 4) * 5)
    prepare, step = PrepareBatch(BatchAugment(seed=seed + rank)), TrainingStep()
    evaluator = SupervisedEvaluator(
        device="cpu",
        val_data_loader=evaluation_loader(Blobs(3, seed + 100), 1),
        network=network,
        prepare_batch=PrepareBatch(),
        key_val_metric={"minus_loss": Average(lambda x: -RecallDiceLoss()(x["pred"], x["label"]))},
        decollate=False,
    )
    if slow_validation:
        wait_in_steps(evaluator, slow_validation)
    run = RunState(
        folder,
        {
            "network": network,
            "optimizer": optimizer,
            "scheduler": scheduler,
            "prepare": prepare,
            "step": step,
        },
        evaluator=evaluator,
        resume=resume,
        every=every,
        settings={"seed": seed, "learning_rate": learning_rate},
        bundle="tiny",
    )
    trainer = SupervisedTrainer(
        device="cpu",
        max_epochs=max_epochs,
        train_data_loader=training_loader(
            data or Blobs(samples, seed), batch_size, workers=workers, rank=rank, world_size=world_size
        ),
        network=network,
        optimizer=optimizer,
        loss_function=RecallDiceLoss(),
        prepare_batch=prepare,
        iteration_update=step,
        train_handlers=[
            run,
            StopOnSignal(run, evaluator),
            Validate(evaluator, every=2),
            LrScheduleHandler(scheduler, print_lr=False, epoch_level=False),
        ],
        decollate=False,
    )
    trainer.evaluator, trainer.run_state = evaluator, run
    if slow:
        wait_in_steps(trainer, slow)
    return trainer


def wait_in_steps(engine: Workflow, seconds: float) -> None:
    """Wait in each step, after it was told: who reads that has these seconds to stop it there."""

    def wait(_: Workflow) -> None:
        time.sleep(seconds)

    def add(_: Workflow) -> None:
        if not engine.has_event_handler(wait, Events.ITERATION_STARTED):
            engine.add_event_handler(Events.ITERATION_STARTED, wait)

    # Added when the run starts, it comes after all that was added before.
    engine.add_event_handler(Events.STARTED, add)


def main() -> None:
    """As a bundle's config does it; each step is told, so that a test knows where it is."""
    from lungmonai.cli import run_or_exit

    torch.set_num_threads(1)
    words = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    settings = {
        name.removeprefix("--"): float(value) if "." in value else int(value) for name, value in words.items()
    }
    trainer = tiny_trainer(Path(sys.argv[1]), **settings)  # type: ignore[arg-type]
    told = Events.ITERATION_STARTED if settings.get("slow") else Events.ITERATION_COMPLETED
    trainer.add_event_handler(told, lambda engine: tell(f"step {engine.state.iteration}"))
    trainer.evaluator.add_event_handler(Events.ITERATION_STARTED, lambda _: tell("validating"))
    run_or_exit(trainer.run)


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
