"""Batches: who gets which sample."""

import pytest
from torch.utils.data import Dataset

from lungmonai.errors import SettingsError
from lungmonai.training.loader import evaluation_loader, training_loader


class Asked(Dataset[object]):
    """Gives back what it was asked for."""

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, key: object) -> object:
        return key


@pytest.mark.parametrize("workers", [0, 1])
def test_a_training_asks_for_epoch_and_index(workers: int) -> None:
    loader = training_loader(Asked(5), 2, workers=workers)
    loader.sampler.set_epoch(3)
    epochs, indices = zip(*((epoch.tolist(), index.tolist()) for epoch, index in loader), strict=True)
    assert epochs == ([3, 3], [3, 3])
    assert indices == ([0, 1], [2, 3])
    assert len(loader) == 2


def test_an_evaluation_sees_every_sample_once() -> None:
    assert [batch.tolist() for batch in evaluation_loader(Asked(5), 2)] == [[0, 1], [2, 3], [4]]


def test_processes_share_an_evaluation() -> None:
    loaders = [evaluation_loader(Asked(7), 2, rank=rank, world_size=3) for rank in range(3)]
    shares = [[batch.tolist() for batch in loader] for loader in loaders]
    assert shares == [[[0, 3], [6]], [[1, 4]], [[2, 5]]]


def test_more_processes_than_samples_are_refused() -> None:
    text = "2 samples to validate in 3 processes; wanted at least one for each"
    with pytest.raises(SettingsError, match=text):
        evaluation_loader(Asked(2), 2, rank=2, world_size=3)
