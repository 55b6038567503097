"""The loss against its formula, written out with plain numbers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lungmonai.errors import SettingsError
from lungmonai.losses import RecallDiceLoss


def by_the_book(marked: list[float], label: list[int], weight: float, smooth: float) -> float:
    """Dice(p, g) + weight · Dice(p·g, g), one sample, in a loop."""

    def dice_loss(p: list[float], g: list[int]) -> float:
        overlap = sum(a * b for a, b in zip(p, g, strict=True))
        return 1 - (2 * overlap + smooth) / (sum(p) + sum(g) + smooth)

    return dice_loss(marked, label) + weight * dice_loss(
        [a * b for a, b in zip(marked, label, strict=True)], label
    )


@given(
    st.lists(st.tuples(st.floats(-6, 6), st.integers(0, 1)), min_size=1, max_size=12),
    st.floats(0, 10),
    st.floats(0.1, 5),
)
def test_it_is_the_formula(voxels: list[tuple[float, int]], weight: float, smooth: float) -> None:
    logits, label = torch.tensor(voxels, dtype=torch.float64).T
    loss = RecallDiceLoss(weight, smooth)(logits[None, None], label[None, None])
    probabilities = [1 / (1 + math.exp(-x)) for x, _ in voxels]
    wanted = by_the_book(probabilities, [g for _, g in voxels], weight, smooth)
    assert float(loss) == pytest.approx(wanted, 1e-4)


def test_the_default_is_the_books() -> None:
    loss = RecallDiceLoss()
    assert (loss.weight, loss.smooth) == (8, 1)


def test_a_missed_voxel_costs_more_than_a_false_one() -> None:
    label = torch.zeros(1, 1, 4, 4)
    label[..., :2, :2] = 1
    missed, false = label.clone(), label.clone()
    missed[..., 0, 0] = 0
    false[..., 3, 3] = 1
    loss = RecallDiceLoss(sigmoid=False)
    assert loss(missed, label) > 3 * loss(false, label)


def test_reductions_agree_and_samples_do_not_mix() -> None:
    logits, label = torch.randn(3, 1, 5, 5), (torch.rand(3, 1, 5, 5) > 0.7).float()
    each = RecallDiceLoss(reduction="none")(logits, label)
    assert each.shape == (3,)
    alone = torch.stack([RecallDiceLoss()(a[None], b[None]) for a, b in zip(logits, label, strict=True)])
    assert torch.allclose(each, alone)
    assert torch.allclose(RecallDiceLoss(reduction="sum")(logits, label), each.sum())
    assert torch.allclose(RecallDiceLoss()(logits, label), each.mean())


def test_an_empty_label_costs_what_is_marked() -> None:
    nothing = torch.zeros(1, 1, 4, 4)
    loss = RecallDiceLoss(sigmoid=False)
    assert float(loss(nothing, nothing)) == 0
    assert float(loss(nothing + 1, nothing)) == pytest.approx(1 - 1 / 17)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(SettingsError, match="weight -1 and smooth 1"):
        RecallDiceLoss(weight=-1)
    with pytest.raises(SettingsError, match="smooth above 0"):
        RecallDiceLoss(smooth=0)
    with pytest.raises(SettingsError, match=r"shape is \(1, 2, 3\).*Check the network's channels"):
        RecallDiceLoss()(torch.zeros(1, 2, 3), torch.zeros(1, 1, 3))
