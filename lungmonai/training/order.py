"""In which order samples are drawn: the same whatever the number of processes, and wherever one begins."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import Dataset, DistributedSampler

from ..errors import SettingsError

__all__ = ["SampleKey", "SampleOrder"]

# (epoch from 1, index in the epoch): all that a sample depends on, beside the data set's seed.
SampleKey = tuple[int, int]


class SampleOrder(DistributedSampler[SampleKey]):
    """Keys of the samples of an epoch, for one of several processes.

    Batch b of W processes with B samples each is made of the indices b·B·W to (b + 1)·B·W, the first
    B for rank 0, and so on: together they see what one process with batches of B·W sees. What does
    not fill a batch of all processes is left out. MONAI's engines call `set_epoch` on every
    `DistributedSampler`, which is why it is one.

    Args:
        dataset: with the length of an epoch.
        batch_size: B, of one process.
        rank: of this process.
        world_size: W.

    Raises:
        SettingsError: an epoch would have no batch.
    """

    def __init__(
        self, dataset: Dataset[object], batch_size: int, *, rank: int = 0, world_size: int = 1
    ) -> None:
        super().__init__(dataset, num_replicas=world_size, rank=rank, shuffle=False)
        self.batch_size = batch_size
        samples = len(dataset)  # type: ignore[arg-type]
        together = batch_size * world_size
        if batch_size < 1 or samples < together:
            raise SettingsError(
                f"{samples} samples an epoch for batches of {batch_size} in {world_size} processes",
                wanted=f"at least {max(together, 1)} samples, and batches of 1 or more",
                do="Raise samples_per_epoch or lower batch_size.",
            )
        self.batches = samples // together
        self._from_batch = 0

    def start_at(self, batch: int) -> None:
        """Leave out the first batches of the next epoch that is begun, and only of that one."""
        self._from_batch = batch

    def __len__(self) -> int:
        return self.batches * self.batch_size

    def __iter__(self) -> Iterator[SampleKey]:
        first, self._from_batch = self._from_batch, 0
        together = self.batch_size * self.num_replicas
        for batch in range(first, self.batches):
            begin = batch * together + self.rank * self.batch_size
            for index in range(begin, begin + self.batch_size):
                yield self.epoch, index
