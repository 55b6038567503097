"""The ways to train that `scripts/bench train` compares; each runs in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["TASKS", "Task", "Way", "begin_way", "first_losses", "measure", "write_samples"]

WEIGHTS_SEED, SAMPLES_SEED, AUGMENT_SEED = 0, 1, 2
# Voxels that a chunk of 96×96 has around the window of 64×64 in its middle.
AROUND = 16
OFFSETS = {"segmentation": 0.03, "classification": 0.1}


@dataclass(frozen=True)
class Task:
    """What is trained.

    Args:
        kind: `segmentation` or `classification`.
        network: its name in `lungmonai.networks`.
        batch_size: *Deep Learning with PyTorch*, part 2.
    """

    kind: str
    network: str
    batch_size: int


TASKS = {
    "seg": Task("segmentation", "ReferenceUNet", 16),
    "seg-default": Task("segmentation", "SegmentationUNet", 16),
    "nodule": Task("classification", "NoduleCNN", 32),
}


@dataclass(frozen=True)
class Way:
    """One way to train a network.

    Args:
        name: as the table shows it.
        task: what is trained.
        data: folder of the datalist.
        folder: for the cache of ours, and with the reference's samples.
        ours: or the reference's.
        precision: of ours.
        compiled: whether our network is.
        device: name.
        threads: of torch.
        workers: of the data loader.
        steps: in a turn.
    """

    name: str
    task: Task
    data: str
    folder: str
    ours: bool = True
    precision: str = "float32"
    compiled: bool = False
    device: str = "cpu"
    threads: int = 2
    workers: int = 0
    steps: int = 10


def write_samples(task: Task, data: Path, folder: Path, count: int) -> None:
    """Fill the reference's cache with the samples that ours draws first, once for each kind.

    What lies around a window is its mirror image: only how well it packs matters.
    """
    import numpy as np
    from reference import data as reference

    from lungmonai.networks.shapes import HU_LIMIT

    samples = _samples(task, str(data), str(folder), count)
    (folder / task.kind).mkdir(exist_ok=True)
    for index in range(count):
        sample = samples[1, index]
        hu = sample["image"].numpy().clip(-HU_LIMIT, HU_LIMIT).astype(np.float32)
        path = folder / task.kind / f"{index}_{0 if task.kind == 'segmentation' else sample['label']}.pkl.gz"
        if task.kind == "classification":
            reference.keep(path, hu[0])
            continue
        around = ((0, 0), (AROUND, AROUND), (AROUND, AROUND))
        mask = np.repeat(sample["label"].numpy() > 0, len(hu), axis=0)
        reference.keep(path, np.pad(hu, around, "reflect"), np.pad(mask, around, "reflect"))


def begin_way(way: Way) -> None:
    """Ready this process for a way; the network starts from the same weights in each."""
    import random

    import torch

    torch.set_num_threads(way.threads)
    random.seed(AUGMENT_SEED)
    torch.manual_seed(AUGMENT_SEED)
    _STATE["way"] = way
    _STATE["turn"] = _turn_of(way, way.steps + 1, augmented=True)


def first_losses(steps: int) -> list[float]:
    """Losses of the first steps from the start weights, without augmentation."""
    losses: list[float] = []
    _turn_of(_STATE["way"], steps, augmented=False).run(lambda loss: losses.append(float(loss)))
    return losses


def measure() -> dict[str, float]:
    """Seconds of a step, and of making a batch for it; a turn's first one is not counted."""
    turn: Turn = _STATE["turn"]
    whole_s = _apart(turn.run, turn.device)
    batch_s = _apart(turn.make_batches, turn.device)
    return {"step_s": whole_s, "batch_s": batch_s}


@dataclass(frozen=True, eq=False)
class Turn:
    """A number of steps that can be taken again and again.

    Args:
        run: takes them, and calls what it is given with each loss.
        make_batches: makes their batches, augmented and on the device, and calls what it is given.
        device: where.
    """

    run: Callable[[Callable[[Any], None]], None]
    make_batches: Callable[[Callable[[Any], None]], None]
    device: str


_STATE: dict[str, Any] = {}


def _apart(work: Callable[[Callable[[Any], None]], None], device: str) -> float:
    """Mean seconds from one call to the next."""
    import torch

    at: list[float] = []

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    def note(_: Any) -> None:
        if not at:
            wait()
        at.append(time.perf_counter())

    work(note)
    wait()
    return (time.perf_counter() - at[0]) / (len(at) - 1)


def _turn_of(way: Way, steps: int, *, augmented: bool) -> Turn:
    network = _network(way)
    return (_our_turn if way.ours else _reference_turn)(way, network, steps, augmented=augmented)


def _network(way: Way) -> Any:
    import torch

    from lungmonai import networks
    from lungmonai.training.kaiming import kaiming_start

    state = torch.random.get_rng_state()
    torch.manual_seed(WEIGHTS_SEED)
    network = kaiming_start(getattr(networks, way.task.network)()).to(way.device).train()
    torch.random.set_rng_state(state)
    return network


def _samples(task: Task, data: str, folder: str, count: int) -> Any:
    """Our data set: mapped volumes, a draw for each number."""
    from lungmonai.training.classification_samples import DrawnCrops
    from lungmonai.training.items import training_items
    from lungmonai.training.places import nodule_places
    from lungmonai.training.segmentation_samples import DrawnWindows

    items, cache = training_items(data), str(Path(folder) / "cache")
    if task.kind == "segmentation":
        return DrawnWindows(items, count, seed=SAMPLES_SEED, cache_dir=cache)
    balance = {"nodule": 1.0, "other": 1.0}
    return DrawnCrops(nodule_places(items), balance, count, seed=SAMPLES_SEED, cache_dir=cache)


def _our_turn(way: Way, network: Any, steps: int, *, augmented: bool) -> Turn:
    import torch
    from ignite.engine import Events
    from monai.engines import SupervisedTrainer
    from torch.utils.data import DataLoader

    from lungmonai.losses import RecallDiceLoss
    from lungmonai.training.order import SampleOrder
    from lungmonai.training.prepare import PrepareBatch
    from lungmonai.training.speed import made_quick
    from lungmonai.training.step import TrainingStep
    from lungmonai.transforms import AugmentSettings, BatchAugment

    size, segmentation = way.task.batch_size, way.task.kind == "segmentation"
    samples = _samples(way.task, way.data, way.folder, steps * size)
    loader = DataLoader(samples, size, sampler=SampleOrder(samples, size), **_loading(way))
    settings = AugmentSettings(offset=OFFSETS[way.task.kind])
    prepare = PrepareBatch(
        BatchAugment(settings, seed=AUGMENT_SEED) if augmented else None, channels_last=True
    )
    made_quick(network, compiled=way.compiled)
    device = torch.device(way.device)
    trainer = SupervisedTrainer(
        device=device,
        max_epochs=1,
        train_data_loader=loader,
        network=network,
        optimizer=_optimizer(network, segmentation=segmentation),
        loss_function=RecallDiceLoss() if segmentation else torch.nn.CrossEntropyLoss(),
        prepare_batch=prepare,
        iteration_update=TrainingStep(way.precision),
        non_blocking=True,
        decollate=False,
    )
    told: list[Callable[[Any], None]] = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda e: told[-1](e.state.output["loss"].detach()))

    def run(tell: Callable[[Any], None]) -> None:
        told.append(tell)
        trainer.run()

    def batches() -> Iterator[Any]:
        loader.sampler.set_epoch(1)
        return (prepare(batch, device, non_blocking=True) for batch in loader)

    return Turn(run, lambda tell: _each(batches(), tell), way.device)


def _reference_turn(way: Way, network: Any, steps: int, *, augmented: bool) -> Turn:
    from reference import train as reference
    from torch.utils.data import DataLoader

    segmentation = way.task.kind == "segmentation"
    paths = sorted(
        (Path(way.folder) / way.task.kind).iterdir(), key=lambda path: int(path.name.split("_")[0])
    )
    many = [paths[index % len(paths)] for index in range(steps * way.task.batch_size)]
    if segmentation:
        samples: Any = reference.Windows(many, None if augmented else [(AROUND, AROUND)] * len(many))
    else:
        labels = [int(path.name.split("_")[1][0]) for path in many]
        samples = reference.Crops(many, labels, augmented=augmented)
    loader = DataLoader(samples, way.task.batch_size, **_loading(way))
    optimizer = reference.optimizer_of(network, segmentation=segmentation)
    loss_of = reference.segmentation_loss if segmentation else reference.classification_loss

    def batches() -> Iterator[Any]:
        for images, labels in loader:
            batch = (images.to(way.device, non_blocking=True), labels.to(way.device, non_blocking=True))
            yield reference.augment_windows(*batch) if segmentation and augmented else batch

    def run(tell: Callable[[Any], None]) -> None:
        for images, labels in batches():
            tell(reference.step(network, optimizer, loss_of, images, labels))

    return Turn(run, lambda tell: _each(batches(), tell), way.device)


def _each(batches: Iterable[Any], tell: Callable[[Any], None]) -> None:
    for batch in batches:
        tell(batch)


def _optimizer(network: Any, *, segmentation: bool) -> Any:
    """The book's, as PyTorch does it in one pass over all weights."""
    import torch

    if segmentation:
        return torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    return torch.optim.SGD(network.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)


def _loading(way: Way) -> dict[str, Any]:
    return {"num_workers": way.workers, "pin_memory": way.device != "cpu"}
