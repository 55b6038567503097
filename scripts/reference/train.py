"""How the reference project trains: a plain loop in torch, over samples that are each made for themselves.

A minimal re-statement of the training of *Deep Learning with PyTorch*, part 2, written from its published
description. It exists to be measured and compared against. Samples come from gzipped pickles; crops are
augmented one after the other by their data set, windows by the whole batch with one matrix, on the device.
What the published loop counts and writes for each batch is left out, which favours the reference.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from .augment import augment_classification, draw_matrix
from .data import CHUNK_SHAPE, WINDOW, read_classification, read_segmentation

__all__ = [
    "Crops",
    "Windows",
    "augment_windows",
    "classification_loss",
    "optimizer_of",
    "segmentation_loss",
    "step",
]

NOISE_HU = 25.0
MISS_WEIGHT = 8
Sample = tuple[Tensor, Tensor]


class Crops(Dataset[Sample]):
    """Crops of classification, (1, 32, 48, 48) float32, with their class.

    Args:
        paths: where `keep` put them.
        labels: 0 or 1 for each.
        augmented: whether each is moved and gets noise.
    """

    def __init__(self, paths: Sequence[Path], labels: Sequence[int], *, augmented: bool) -> None:
        self.paths, self.labels, self.augmented = paths, labels, augmented

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Sample:
        crop = read_classification(self.paths[index])
        if self.augmented:
            crop = augment_classification(crop, noise_hu=NOISE_HU)
        return crop, torch.tensor(self.labels[index])


class Windows(Dataset[Sample]):
    """Windows of segmentation, (7, 64, 64) float32, with the mask of the middle slice.

    Args:
        paths: where `keep` put the chunks around them.
        corners: (row, column) of each window in its chunk; None draws them.
    """

    def __init__(self, paths: Sequence[Path], corners: Sequence[tuple[int, int]] | None) -> None:
        self.paths, self.corners = paths, corners

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Sample:
        free = CHUNK_SHAPE[1] - WINDOW
        drawn = (random.randrange(free), random.randrange(free))
        return read_segmentation(self.paths[index], *(self.corners[index] if self.corners else drawn))


def augment_windows(windows: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Move a batch and its masks, all by one matrix, and add noise to the windows."""
    matrix = draw_matrix(2, offset=0.03, scale=0.2)[:2].to(windows.device).expand(len(windows), -1, -1)
    grid = functional.affine_grid(matrix, list(windows.shape), align_corners=False)
    both = (windows, masks.to(torch.float32))
    moved, marked = (
        functional.grid_sample(one, grid, padding_mode="border", align_corners=False) for one in both
    )
    moved += NOISE_HU * torch.randn_like(moved)
    return moved, marked > 0.5


def segmentation_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Dice, and eight times the Dice of what is marked inside the mask."""
    probability, label = torch.sigmoid(logits), masks.to(torch.float32)
    loss = _dice_loss(probability, label) + MISS_WEIGHT * _dice_loss(probability * label, label)
    return loss.mean()


def classification_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy."""
    return functional.cross_entropy(logits, labels, reduction="none").mean()


def optimizer_of(network: nn.Module, *, segmentation: bool) -> torch.optim.Optimizer:
    """Adam for the segmentation, SGD with its weight decay for classification."""
    if segmentation:
        return torch.optim.Adam(network.parameters(), lr=1e-3)
    return torch.optim.SGD(network.parameters(), lr=1e-3, weight_decay=1e-4)


def step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
) -> Tensor:
    """One update of the weights; the loss before it."""
    optimizer.zero_grad()
    loss = loss_of(network(images), labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _dice_loss(probability: Tensor, label: Tensor) -> Tensor:
    overlap = (probability * label).sum(dim=[1, 2, 3])
    sizes = probability.sum(dim=[1, 2, 3]) + label.sum(dim=[1, 2, 3])
    return 1 - (2 * overlap + 1) / (sizes + 1)
