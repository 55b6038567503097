"""The worst samples against a sorted list, and their pictures."""

from typing import Any

import numpy as np
import pytest
import torch

from lungmonai.training.watch.worst import FIELD, Worst


def crops(samples: int) -> dict[str, torch.Tensor]:
    """Black crops with one white voxel in the middle."""
    image = torch.full((samples, 1, 6, 8, 10), -1000.0)
    image[:, 0, 3, 4, 5] = 1000
    return {"image": image, "label": torch.arange(samples) % 2, "pred": torch.zeros(samples, 2)}


def names(samples: int, first: int = 0) -> dict[str, Any]:
    return {"id": [f"sample {first + index}" for index in range(samples)]}


def test_the_highest_losses_of_all_batches_are_kept_in_order() -> None:
    losses = torch.from_numpy(np.random.default_rng(0).random(40))
    worst = Worst(5)
    for first in range(0, 40, 8):
        worst.add_batch(losses[first : first + 8], names(8, first), crops(8))
    expected = losses.argsort(descending=True)[:5].tolist()
    assert [one.name for one in worst.examples()] == [f"sample {index}" for index in expected]


def test_a_loss_that_is_not_finite_is_the_worst() -> None:
    worst = Worst(2)
    worst.add_batch(torch.tensor([3.0, float("nan"), 9.0]), names(3), crops(3))
    assert [one.name for one in worst.examples()] == ["sample 1", "sample 2"]


def test_none_are_kept_when_none_are_wanted() -> None:
    worst = Worst(0)
    worst.add_batch(torch.ones(3), names(3), crops(3))
    assert worst.examples() == []


def test_a_crop_shows_its_three_middle_planes() -> None:
    worst = Worst(1)
    worst.add_batch(torch.ones(1), names(1), {**crops(1), "pred": torch.tensor([[0.0, 3.0]])})
    (one,) = worst.examples()
    assert one.answer == "P(1) 0.953, label 0"
    assert one.panels.shape == (3, 10, 10, 3)
    assert [(panel[..., 0] == 255).sum() for panel in one.panels] == [1, 1, 1]


def test_feet_are_at_the_bottom() -> None:
    batch = crops(1)
    batch["image"][0, 0, 0] = 1000
    worst = Worst(1)
    worst.add_batch(torch.ones(1), names(1), batch)
    coronal = worst.examples()[0].panels[1][..., 0]
    bright = (coronal == 255).all(1) | (coronal[:, 1] == 255)
    rows = np.flatnonzero((coronal == 255).sum(1) >= 8)
    assert bright.any()
    # Six slices lie in the middle of ten rows; the first slice is the lowest.
    assert rows.tolist() == [7]


@pytest.mark.parametrize("side", [16, 300])
def test_a_window_shows_slice_label_and_prediction_where_the_label_is(side: int) -> None:
    label, pred = torch.zeros(1, 1, side, side), torch.full((1, 1, side, side), -9.0)
    row = side - 10
    label[0, 0, row, 5:9] = 1
    pred[0, 0, row, 7:10] = 9
    image = torch.full((1, 7, side, side), -1000.0)
    worst = Worst(1)
    worst.add_batch(torch.ones(1), names(1), {"image": image, "label": label, "pred": pred})
    (one,) = worst.examples()
    assert one.answer == "label 4 voxels, found 2, false 1"
    assert one.panels.shape == (3, min(side, FIELD), min(side, FIELD), 3)
    colours = [{tuple(pixel) for pixel in panel.reshape(-1, 3).tolist()} for panel in one.panels]
    black, green, red, orange = (0, 0, 0), (0, 128, 0), (128, 0, 0), (128, 64, 0)
    assert colours == [{black}, {black, green}, {black, green, red, orange}]
