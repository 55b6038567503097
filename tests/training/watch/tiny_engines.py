"""Engines that train tiny networks on noise in a fraction of a second, and what they write, read back."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.data import Dataset

from lungmonai.losses import RecallDiceLoss
from lungmonai.training.loader import evaluation_loader, training_loader
from lungmonai.training.prepare import PrepareBatch
from lungmonai.training.step import TrainingStep

BATCH, SAMPLES, VALIDATED = 4, 12, 6
LOSSES: dict[str, Any] = {"mask": RecallDiceLoss(), "class": nn.CrossEntropyLoss()}


class Noise(Dataset[dict[str, Any]]):
    """Noise whose label can be guessed from its brightness: windows with masks, or crops with classes."""

    def __init__(self, kind: str, samples: int = SAMPLES) -> None:
        self.kind, self.samples = kind, samples

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        rng = np.random.default_rng([epoch, index])
        name = f"series {index}"
        if self.kind == "class":
            label = index % 2
            crop = rng.normal(-400 + 200 * label, 150, (1, 8, 10, 12))
            return {"image": torch.from_numpy(crop.astype(np.int16)), "label": label, "id": name}
        window = rng.normal(-500, 300, (7, 16, 16)).astype(np.int16)
        # Every third window has nothing to find.
        mask = (rng.normal(window[3:4], 100) > 0) & (index % 3 > 0)
        return {
            "image": torch.from_numpy(window),
            "label": torch.from_numpy(mask.astype(np.uint8)),
            "id": name,
        }


class Brightness(nn.Module):
    """Answers by how bright the middle slice, or the crop, is."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.scale = nn.Parameter(torch.tensor(0.01))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if self.kind == "mask":
            return image[:, image.shape[1] // 2][:, None] * self.scale
        mean = image.flatten(1).mean(1)
        return torch.stack([torch.zeros_like(mean), (mean + 300) * self.scale], 1)


def make_evaluator(kind: str, network: nn.Module, **more: Any) -> SupervisedEvaluator:
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=evaluation_loader(Noise(kind, VALIDATED), 2),
        network=network,
        prepare_batch=PrepareBatch(),
        decollate=False,
        **more,
    )


def make_trainer(
    kind: str,
    network: nn.Module,
    handlers: Sequence[Any],
    *,
    epochs: int = 2,
    batch: int = BATCH,
    rank: int = 0,
    processes: int = 1,
) -> SupervisedTrainer:
    """A trainer whose network stays as it is, so that runs can be compared whatever their order of sums."""
    loader = training_loader(Noise(kind), batch, rank=rank, world_size=processes)
    return SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=loader,
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), 0.0),
        loss_function=LOSSES[kind],
        prepare_batch=PrepareBatch(),
        iteration_update=TrainingStep(),
        train_handlers=handlers,
        decollate=False,
    )


def events(folder: Path) -> EventAccumulator:
    """What TensorBoard reads from a folder; nothing is thinned out."""
    read = EventAccumulator(str(folder), {"scalars": 0, "images": 0, "histograms": 0})
    read.Reload()
    return read


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    read = events(folder)
    return {tag: [(one.step, one.value) for one in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def pictures(folder: Path, tag: str) -> dict[int, np.ndarray[Any, Any]]:
    """Pictures by step, (rows, columns, 3)."""
    found = events(folder).Images(tag)
    return {one.step: np.asarray(Image.open(BytesIO(one.encoded_image_string))) for one in found}
