"""An epoch's numbers against their definitions, computed from all samples at once."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lungmonai.losses import RecallDiceLoss
from lungmonai.training.watch.answers import Answers

NAMES = {
    "loss/all",
    "loss/pos",
    "loss/neg",
    "correct/all",
    "correct/pos",
    "correct/neg",
    "pr/precision",
    "pr/recall",
    "pr/f1_score",
    "auc",
}


def classes(samples: int, seed: int = 0) -> dict[str, torch.Tensor]:
    make = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 2, (samples,), generator=make)
    pred = torch.randn(samples, 2, generator=make)
    pred[:, 1] += label
    return {"image": torch.zeros(samples, 1, 4, 4, 4), "label": label, "pred": pred}


def masks(samples: int) -> dict[str, torch.Tensor]:
    make = torch.Generator().manual_seed(1)
    label = (torch.rand(samples, 1, 8, 8, generator=make) < 0.2).float()
    label[::3] = 0
    pred = torch.randn(samples, 1, 8, 8, generator=make) + 2 * label - 1
    return {"image": torch.zeros(samples, 7, 8, 8), "label": label, "pred": pred}


def collected(loss: Any, output: dict[str, torch.Tensor], worst: int = 2) -> Answers:
    """Answers after batches of 4."""
    answers = Answers(loss, worst)
    for first in range(0, len(output["label"]), 4):
        part = {key: value[first : first + 4] for key, value in output.items()}
        answers.add({"id": [f"sample {index}" for index in range(first, first + 4)]}, part)
    return answers


def test_numbers_of_crops() -> None:
    output = classes(40)
    found = collected(nn.CrossEntropyLoss(), output).scalars()
    label = output["label"].numpy() == 1
    probability = torch.softmax(output["pred"].double(), 1).numpy()
    losses = -np.log(probability[np.arange(40), output["label"].numpy()])
    said = probability[:, 1] > 0.5
    precision, recall = label[said].mean(), said[label].mean()
    pairs = probability[label, 1][:, None] - probability[~label, 1][None]
    assert found == pytest.approx(
        {
            "loss/all": losses.mean(),
            "loss/pos": losses[label].mean(),
            "loss/neg": losses[~label].mean(),
            "correct/all": 100 * (said == label).mean(),
            "correct/pos": 100 * recall,
            "correct/neg": 100 * (~said[~label]).mean(),
            "pr/precision": precision,
            "pr/recall": recall,
            "pr/f1_score": 2 * precision * recall / (precision + recall),
            "auc": (pairs > 0).mean(),
        },
        abs=2e-3,
        rel=1e-5,
    )


def test_numbers_of_masks() -> None:
    output = masks(12)
    found = collected(RecallDiceLoss(), output).scalars()
    label, marked = output["label"].numpy() > 0, output["pred"].numpy() > 0
    assert set(found) == NAMES | {"percent_all/tp", "percent_all/fn", "percent_all/fp"}
    assert found["percent_all/tp"] == pytest.approx(100 * (label & marked).sum() / label.sum())
    assert found["percent_all/fn"] == pytest.approx(100 * (label & ~marked).sum() / label.sum())
    assert found["percent_all/fp"] == pytest.approx(100 * (marked & ~label).sum() / label.sum())
    assert found["pr/precision"] == pytest.approx(label[marked].mean())
    empty = ~label.reshape(12, -1).any(1)
    one_by_one = np.array([float(RecallDiceLoss()(p[None], q[None])) for p, q in zip(
        output["pred"], output["label"], strict=True)])  # fmt: skip
    assert found["loss/neg"] == pytest.approx(one_by_one[empty].mean(), rel=1e-5)
    assert found["loss/pos"] == pytest.approx(one_by_one[~empty].mean(), rel=1e-5)


def test_what_cannot_be_said_is_left_out() -> None:
    output = {
        **classes(4),
        "label": torch.zeros(4, dtype=torch.int64),
        "pred": torch.tensor([[1.0, 0.0]] * 4),
    }
    found = collected(nn.CrossEntropyLoss(), output).scalars()
    assert set(found) == {"loss/all", "loss/neg", "correct/all", "correct/neg"}
    assert Answers(nn.CrossEntropyLoss(), 1).scalars() == {}


def test_a_loss_that_is_not_finite_does_not_take_the_epochs_mean_away() -> None:
    output = classes(8)
    good = collected(nn.CrossEntropyLoss(), {key: value[:4] for key, value in output.items()}).scalars()
    output["pred"][4:] = float("nan")
    answers = collected(nn.CrossEntropyLoss(), output)
    assert answers.scalars()["loss/all"] == pytest.approx(good["loss/all"])
    assert {one.name for one in answers.worst.examples()} <= {f"sample {index}" for index in range(4, 8)}


def test_losses_that_the_step_gives_are_taken() -> None:
    output = {**classes(4), "sample_loss": torch.tensor([1.0, 2.0, 3.0, 6.0])}
    assert collected(nn.CrossEntropyLoss(), output).scalars()["loss/all"] == 3


def test_it_goes_on_from_a_checkpoint_that_torch_trusts() -> None:
    output = classes(16)
    whole = collected(nn.CrossEntropyLoss(), output)
    half = collected(nn.CrossEntropyLoss(), {key: value[:8] for key, value in output.items()})
    file = BytesIO()
    torch.save(half.state_dict(), file)
    file.seek(0)
    resumed = Answers(nn.CrossEntropyLoss(), 2)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for first in (8, 12):
        part = {key: value[first : first + 4] for key, value in output.items()}
        resumed.add({"id": [f"sample {index}" for index in range(first, first + 4)]}, part)
    assert resumed.scalars() == whole.scalars()
    assert [one.name for one in resumed.worst.examples()] == [one.name for one in whole.worst.examples()]
    # A state is a copy: what is collected later is not in it.
    assert half.state_dict()["samples"].sum() == 8
