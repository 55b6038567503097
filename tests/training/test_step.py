"""One step of training, and what it does with numbers that are not finite."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from torch import Tensor, nn

from lungmonai.errors import DataError, SettingsError
from lungmonai.training.step import TrainingStep

Batch = dict[str, Any]


def batches(bad: set[int] = frozenset(), count: int = 6, value: float = float("nan")) -> list[Batch]:  # type: ignore[assignment]
    """Batches of 4 with ids; the bad ones hold one value that is not finite."""
    draw = torch.Generator().manual_seed(3)
    made = []
    for number in range(count):
        image = torch.randn(4, 3, 6, 6, generator=draw)
        if number in bad:
            image[2, 1, 3, 3] = value
        label = (torch.rand(4, 1, 6, 6, generator=draw) > 0.5).float()
        made.append({"image": image, "label": label, "id": [f"{number}-{i}" for i in range(4)]})
    return made


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1)
    )


def trainer(
    data: list[Batch], step: Callable[..., Any] | None, net: nn.Module | None = None, **more: Any
) -> Any:
    net = net or network()
    made = SupervisedTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=data,
        network=net,
        optimizer=torch.optim.Adam(net.parameters(), lr=0.01),
        loss_function=more.pop("loss", nn.BCEWithLogitsLoss()),
        iteration_update=step,
        decollate=False,
        **more,
    )
    made.logger.setLevel(logging.INFO)
    return made


def after(data: list[Batch], step: TrainingStep) -> list[Tensor]:
    one = trainer(data, step)
    one.run()
    return list(one.network.state_dict().values())


def test_float32_is_what_monai_does() -> None:
    ours, theirs = trainer(batches(), TrainingStep()), trainer(batches(), None)
    for one in (ours, theirs):
        one.run()
    for mine, other in zip(
        ours.network.state_dict().values(), theirs.network.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, other)
    assert torch.equal(ours.state.output["loss"], theirs.state.output["loss"])
    assert torch.equal(ours.state.output["pred"], theirs.state.output["pred"])


def test_the_events_of_monai_come_in_its_order() -> None:
    orders: list[list[str]] = []
    for step in (TrainingStep(), None):
        one, order = trainer(batches(count=1), step), []
        for event in IterationEvents:
            one.add_event_handler(event, lambda _, order=order, event=event: order.append(event.name))
        one.run()
        orders.append(order)
    assert orders[0] == orders[1] != []


def test_the_loss_of_each_sample_is_told() -> None:
    one = trainer(batches(), TrainingStep())
    one.run()
    output = one.state.output
    expected = nn.functional.binary_cross_entropy_with_logits(
        output["pred"], output["label"], reduction="none"
    ).mean(dim=(1, 2, 3))
    assert torch.allclose(output["sample_loss"], expected)
    assert not output["sample_loss"].requires_grad


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_low_precision_is_near(precision: str) -> None:
    seen: list[torch.dtype] = []
    one = trainer(batches(), TrainingStep(precision))
    one.network[1].register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    one.run()
    assert set(seen) == {getattr(torch, precision)}
    assert one.state.output["pred"].dtype == torch.float32
    whole = trainer(batches(), TrainingStep())
    whole.run()
    assert one.state.output["loss"].item() == pytest.approx(whole.state.output["loss"].item(), abs=0.02)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_batch_that_is_not_finite_leaves_no_trace(precision: str, value: float) -> None:
    """The same weights, batch-norm statistics and moments as without the batch."""
    good = batches(count=5)
    bad = [*good[:2], *batches({0}, 1, value), *good[2:]]
    step = TrainingStep(precision)
    with_bad = after(bad, step)
    assert (step.skipped, step.skipped_in_a_row) == (1, 0)
    without = after(good, TrainingStep(precision))
    for one, other in zip(with_bad, without, strict=True):
        # A halved scale of float16 rounds the gradients of later steps otherwise.
        assert torch.allclose(one, other, atol=1e-3 if precision == "float16" else 0, rtol=0)


def test_an_infinite_gradient_of_a_finite_loss_is_skipped() -> None:
    # The slope of a square root is infinite at 0.
    def loss(predicted: Tensor, label: Tensor) -> Tensor:
        return (predicted - predicted.detach()).abs().sum().sqrt()

    step = TrainingStep()
    one = trainer(batches(count=2), step, loss=loss)
    before = [tensor.clone() for tensor in one.network.state_dict().values()]
    one.run()
    assert step.skipped == 2
    assert all(torch.equal(a, b) for a, b in zip(before, one.network.state_dict().values(), strict=True))


def test_a_skipped_step_is_said_and_lowers_the_scale(caplog: pytest.LogCaptureFixture) -> None:
    step = TrainingStep("float16")
    one = trainer(batches({1, 2}, 4), step)
    with caplog.at_level(logging.WARNING):
        one.run()
    # torch begins at 2^16 and halves.
    assert step.state_dict()["scaler"]["scale"] == 2.0**14
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said == [
        "step 2: a loss of nan is not finite, step skipped (1 in a row, 1 in all); the scale is now 32768",
        "step 3: a loss of nan is not finite, step skipped (2 in a row, 2 in all); the scale is now 16384",
    ]


def test_a_loss_that_only_the_loss_shows_lowers_the_scale_too() -> None:
    def loss(predicted: Tensor, label: Tensor) -> Tensor:
        return predicted.mean() + torch.tensor(float("inf"))

    step = TrainingStep("float16")
    trainer(batches(count=1), step, loss=loss).run()
    assert step.state_dict()["scaler"]["scale"] == 2.0**15


def test_after_the_limit_the_run_ends_with_the_ids() -> None:
    step = TrainingStep(skip_limit=3)
    one = trainer(batches({1, 2, 3, 4, 5}), step)
    with pytest.raises(
        DataError,
        match=r"3 steps in a row were not finite; the last batch was 3-0, 3-1, 3-2, 3-3; wanted a finite",
    ):
        one.run()
    assert one.state.iteration == 4


def test_a_good_step_begins_the_count_again() -> None:
    step = TrainingStep(skip_limit=2)
    trainer(batches({0, 2, 4}), step).run()
    assert (step.skipped, step.skipped_in_a_row) == (3, 0)


def test_counts_and_scale_are_taken_up() -> None:
    first = TrainingStep("float16")
    trainer(batches({1}, 2), first).run()
    second = TrainingStep("float16")
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
    trainer(batches({0}, 1), second).run()
    assert (second.skipped, second.skipped_in_a_row) == (2, 2)
    assert second.state_dict()["scaler"]["scale"] == 2.0**14


def test_an_unknown_precision() -> None:
    with pytest.raises(SettingsError, match=r"precision is 'float64'; wanted float32 or bfloat16 or float16"):
        TrainingStep("float64")
