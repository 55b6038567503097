"""The order of samples, against batches written out by hand."""

import pytest
from torch.utils.data import DataLoader, Dataset

from lungmonai.errors import SettingsError
from lungmonai.training.order import SampleOrder


class Keys(Dataset[tuple[int, int]]):
    """Gives back what it was asked for."""

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, key: tuple[int, int]) -> tuple[int, int]:
        return key


def batches(samples: int, size: int, rank: int = 0, processes: int = 1, epoch: int = 1) -> list[list[int]]:
    order = SampleOrder(Keys(samples), size, rank=rank, world_size=processes)
    order.set_epoch(epoch)
    loader = DataLoader(order.dataset, size, sampler=order, collate_fn=list)
    seen = list(loader)
    assert len(seen) == len(loader)
    assert {key[0] for batch in seen for key in batch} == {epoch}
    return [[key[1] for key in batch] for batch in seen]


def test_two_processes_see_together_what_one_sees() -> None:
    one = batches(22, 4)
    assert one == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15], [16, 17, 18, 19]]
    first, second = batches(22, 2, 0, 2), batches(22, 2, 1, 2)
    assert [a + b for a, b in zip(first, second, strict=True)] == one


def test_it_starts_in_the_middle_once() -> None:
    order = SampleOrder(Keys(6), 2)
    order.set_epoch(3)
    order.start_at(2)
    assert list(order) == [(3, 4), (3, 5)]
    assert len(list(order)) == 6


def test_an_epoch_without_a_batch_is_refused() -> None:
    text = "3 samples an epoch for batches of 2 in 2 processes; wanted at least 4"
    with pytest.raises(SettingsError, match=text):
        SampleOrder(Keys(3), 2, world_size=2)
