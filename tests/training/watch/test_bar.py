"""Lines and bars, with a clock that is set by hand."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ignite.engine import Events
from tiny_engines import Brightness, make_evaluator, make_trainer

from lungmonai.metrics import ClassScore
from lungmonai.training.resume import RunState
from lungmonai.training.validate import Validate
from lungmonai.training.watch import TrainingBar


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Ten seconds pass with each step of training."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def attach(self, engine: Any) -> None:
        engine.add_event_handler(Events.ITERATION_STARTED, lambda: setattr(self, "now", self.now + 10))


def shown(stream: StringIO, *, log_seconds: float = 15, **more: Any) -> list[str]:
    """What a run of 2 epochs of 3 steps says."""
    network, clock = Brightness("class"), Clock()
    validator = make_evaluator("class", network, key_val_metric={"auc": ClassScore("auc")})
    bar = TrainingBar(validator, log_seconds=log_seconds, stream=stream, clock=clock)
    trainer = make_trainer("class", network, [clock, bar, Validate(validator, 1)])
    for name, value in more.items():
        setattr(trainer.state, name, value)
    trainer.run()
    return re.sub(r"\d\.\d{4}", "0.1234", stream.getvalue()).splitlines()


def test_a_log_file_gets_a_line_now_and_then() -> None:
    assert shown(StringIO()) == [
        "Epoch 1/2: step 2 of 3, loss 0.1234; epoch 00:10 left, run 00:40 left",
        "Epoch 1/2: done in 00:30, loss 0.1234; run 00:30 left",
        "Validation after epoch 1: auc 0.1234; best auc 0.1234 of epoch 1",
        "Epoch 2/2: step 2 of 3, loss 0.1234; epoch 00:10 left, run 00:10 left",
        "Epoch 2/2: done in 00:30, loss 0.1234; run 00:00 left",
        "Validation after epoch 2: auc 0.1234; best auc 0.1234 of epoch 1",
    ]


def test_a_resumed_run_is_judged_by_its_own_speed() -> None:
    lines = shown(StringIO(), log_seconds=0, epoch=1, iteration=4)
    assert lines[0] == "Epoch 2/2: step 2 of 3, loss 0.1234; epoch 00:10 left, run 00:10 left"


def test_what_a_resumed_run_makes_up_for_has_no_line() -> None:
    stream, network = StringIO(), Brightness("class")
    trainer = make_trainer("class", network, [])
    trainer.add_event_handler(Events.STARTED, lambda: trainer.fire_event(Events.EPOCH_COMPLETED))
    TrainingBar(stream=stream).attach(trainer)
    trainer.run()
    assert len(stream.getvalue().splitlines()) == 2


def test_a_terminal_gets_a_bar() -> None:
    stream = Terminal()
    shown(stream)
    assert "Epoch 2/2: 100%" in stream.getvalue()
    assert re.search(r"3/3 .*loss \d\.\d{4}, run 00:00", stream.getvalue())
    assert "Validation after epoch 2: auc" in stream.getvalue()


def test_an_error_leaves_no_bar_open(tmp_path: Path) -> None:
    stream, network = Terminal(), Brightness("class")
    run = RunState(tmp_path, {"network": network})
    trainer = make_trainer("class", network, [run, TrainingBar(run=run, stream=stream)])

    @trainer.on(Events.ITERATION_COMPLETED(once=2))
    def _fail() -> None:
        raise ValueError("gone astray")

    with pytest.raises(ValueError, match="gone astray"):
        trainer.run()
    # A bar that is closed ends its line; what comes next would be written over it otherwise.
    assert stream.getvalue().endswith("\n")


def test_only_the_first_process_shows_it() -> None:
    stream = StringIO()
    network = Brightness("class")
    trainer = make_trainer("class", network, [])
    trainer.state.rank = 1
    TrainingBar(stream=stream, log_seconds=0).attach(trainer)
    trainer.run()
    assert stream.getvalue() == ""


def test_the_running_loss_is_that_of_the_last_steps_that_were_finite() -> None:
    stream, losses = StringIO(), iter([float("nan"), 2.0, 4.0, 9.0, 9.0, 9.0])
    trainer = make_trainer("class", Brightness("class"), [])
    bar = TrainingBar(stream=stream, log_seconds=0)

    @trainer.on(Events.ITERATION_COMPLETED)
    def _other_loss() -> None:
        trainer.state.output["loss"] = trainer.state.output["loss"].detach() * 0 + next(losses)

    bar.attach(trainer)
    trainer.run()
    said = re.findall(r"step \d of 3, loss ([^;]+);", stream.getvalue())
    assert said[:3] == ["not finite", "2.0000", "3.0000"]
