"""What the network gets."""

import torch

from lungmonai.training.prepare import PrepareBatch
from lungmonai.transforms import AugmentSettings, BatchAugment

CPU = torch.device("cpu")
FLIP = AugmentSettings(offset=0, scale=0, rotate=False, noise_hu=0)


def test_hu_are_clamped_and_not_scaled() -> None:
    hu = torch.tensor([-2000, -300, 3000], dtype=torch.int16).reshape(1, 1, 1, 3)
    images, labels = PrepareBatch()({"image": hu, "label": torch.ones(1)}, CPU)
    assert images.flatten().tolist() == [-1000, -300, 1000]
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64


def test_the_batch_stays_as_it_is() -> None:
    batch = {"image": torch.full((1, 1, 2, 2), 3000.0), "label": torch.zeros(1)}
    assert PrepareBatch()(batch, CPU)[0].max() == 1000
    assert batch["image"].min() == 3000


def test_masks_move_with_their_images_and_classes_stay() -> None:
    images = torch.randint(-900, 100, (4, 7, 8, 8), dtype=torch.int16)
    masks = (images[:, 3:4] > -400).to(torch.uint8)
    moved, marked = PrepareBatch(BatchAugment(FLIP, seed=2))({"image": images, "label": masks}, CPU)
    assert not torch.equal(moved, images.float())
    assert torch.equal(marked > 0, moved[:, 3:4] > -400)
    crops = torch.zeros(2, 1, 4, 4, 4, dtype=torch.int16)
    batch = {"image": crops, "label": torch.tensor([1, 0])}
    _, classes = PrepareBatch(BatchAugment(FLIP, seed=2))(batch, CPU)
    assert classes.tolist() == [1, 0]


def test_the_layout_is_channels_last_where_asked() -> None:
    flat = {"image": torch.zeros(2, 7, 8, 8, dtype=torch.int16), "label": torch.zeros(2, 1, 8, 8)}
    deep = {"image": torch.zeros(2, 3, 4, 8, 8, dtype=torch.int16), "label": torch.zeros(2)}
    prepare = PrepareBatch(channels_last=True)
    assert prepare(flat, CPU)[0].is_contiguous(memory_format=torch.channels_last)
    assert prepare(deep, CPU)[0].is_contiguous(memory_format=torch.channels_last_3d)


def test_a_resumed_run_draws_on() -> None:
    hu = torch.randint(-900, 100, (3, 7, 8, 8), dtype=torch.int16)
    batch = {"image": hu, "label": torch.zeros(3, 1, 8, 8)}
    prepare = PrepareBatch(BatchAugment(seed=5))
    prepare(batch, CPU)
    state = prepare.state_dict()
    wanted = prepare(batch, CPU)[0]
    resumed = PrepareBatch(BatchAugment(seed=99))
    resumed.load_state_dict(state)
    assert torch.equal(resumed(batch, CPU)[0], wanted)
