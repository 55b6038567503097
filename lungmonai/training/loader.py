"""Batches of samples."""

from __future__ import annotations

from typing import Any

from torch.utils.data import DataLoader, Dataset

from ..errors import SettingsError
from .order import SampleOrder

__all__ = ["evaluation_loader", "training_loader"]


def training_loader(
    dataset: Dataset[Any], batch_size: int, *, workers: int = 0, rank: int = 0, world_size: int = 1
) -> DataLoader[Any]:
    """Batches of an epoch, in an order that a resumed run and several processes share.

    Args:
        dataset: asked for (epoch, index).
        batch_size: of one process.
        workers: processes that read; 0 reads in this one, which on few cores is quickest.
        rank: of this process.
        world_size: how many processes train.
    """
    order = SampleOrder(dataset, batch_size, rank=rank, world_size=world_size)
    return DataLoader(dataset, batch_size, sampler=order, num_workers=workers)


def evaluation_loader(
    dataset: Dataset[Any], batch_size: int, *, workers: int = 0, rank: int = 0, world_size: int = 1
) -> DataLoader[Any]:
    """Batches of every sample once; of several processes each takes every so many.

    Args:
        dataset: asked for an index.
        batch_size: of one process.
        workers: processes that read.
        rank: of this process.
        world_size: how many processes evaluate.

    Raises:
        SettingsError: there are more processes than samples, so that one would have none.
    """
    if len(dataset) < world_size:  # type: ignore[arg-type]
        raise SettingsError(
            f"{len(dataset)} samples to validate in {world_size} processes",  # type: ignore[arg-type]
            wanted="at least one for each",
            do="Start fewer processes, or validate on more scans.",
        )
    share = range(rank, len(dataset), world_size)  # type: ignore[arg-type]
    return DataLoader(dataset, batch_size, sampler=list(share), num_workers=workers)
