"""How far a training run has come."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from math import isfinite
from statistics import fmean
from typing import Any, TextIO

from ignite.engine import Events
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.utils.enums import CommonKeys
from tqdm import tqdm

from ..resume import RunState

__all__ = ["TrainingBar"]

# Between two lines of a log file.
LOG_SECONDS = 60.0
# Steps whose mean is the running loss.
LOSS_STEPS = 50


class TrainingBar:
    """A bar for each epoch with the running loss and the time left, and a line for each validation.

    On a terminal it is drawn; a log file gets a line now and then instead. Of several processes only
    rank 0 shows it. The time left of the run counts what validations took so far. MONAI's
    `StatsHandler` logs losses and scores without an estimate, and ignite's `ProgressBar` has none of
    the whole run.

    Args:
        validator: the evaluator that the trainer's validation runs.
        run: which says when the run ends, with an error too, so that no bar is left open.
        log_seconds: between two lines of a log file.
        stream: where to write; None for the error stream.
        clock: seconds that pass.
    """

    def __init__(
        self,
        validator: SupervisedEvaluator | None = None,
        *,
        run: RunState | None = None,
        log_seconds: float = LOG_SECONDS,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.validator, self.run, self.log_seconds, self.clock = validator, run, log_seconds, clock
        self.stream: TextIO = stream or sys.stderr
        self._bar: tqdm[Any] | None = None
        self._losses: deque[float] = deque(maxlen=LOSS_STEPS)
        # Time and iteration at which the run, and this epoch, were begun or resumed.
        self._run_from: tuple[float, int] | None = None
        self._epoch_from = (0.0, 0)
        self._last_line = 0.0

    def attach(self, engine: SupervisedTrainer) -> None:
        """Add it to a trainer, and to the validator."""
        if engine.state.rank != 0:
            return
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)
        if self.validator is not None:
            self.validator.add_event_handler(Events.EPOCH_COMPLETED, self._say_scores)
        if self.run is not None:
            self.run.at_end.append(self._close)

    def _begin_epoch(self, engine: SupervisedTrainer) -> None:
        state = engine.state
        self._epoch_from = (self.clock(), state.iteration)
        self._run_from = self._run_from or self._epoch_from
        self._last_line = self._epoch_from[0]
        if self.stream.isatty():
            self._bar = tqdm(
                total=state.epoch_length,
                initial=state.iteration % state.epoch_length,
                desc=f"Epoch {state.epoch}/{state.max_epochs}",
                file=self.stream,
                dynamic_ncols=True,
            )

    def _step(self, engine: SupervisedTrainer) -> None:
        loss = engine.state.output[CommonKeys.LOSS].item()
        # The training step leaves out what is not finite, and says so.
        if isfinite(loss):
            self._losses.append(loss)
        if self._bar is not None:
            run = f"loss {self._shown_loss()}, run {self._left(engine, self._run_from, whole=True)}"
            self._bar.set_postfix_str(run, refresh=False)
            self._bar.update()
        elif self.clock() - self._last_line >= self.log_seconds:
            self._last_line = self.clock()
            self._write(self._line(engine))

    def _end_epoch(self, engine: SupervisedTrainer) -> None:
        if self._bar is not None:
            self._close()
            return
        if self._run_from is None:  # a resumed run that first ends the former one's epoch
            return
        state, took = engine.state, self.clock() - self._epoch_from[0]
        self._write(
            f"Epoch {state.epoch}/{state.max_epochs}: done in {tqdm.format_interval(took)}, "
            f"loss {self._shown_loss()}; run {self._left(engine, self._run_from, whole=True)} left"
        )

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _line(self, engine: SupervisedTrainer) -> str:
        state = engine.state
        done = (state.iteration - 1) % state.epoch_length + 1
        return (
            f"Epoch {state.epoch}/{state.max_epochs}: step {done} of {state.epoch_length}, "
            f"loss {self._shown_loss()}; epoch {self._left(engine, self._epoch_from, whole=False)} left, "
            f"run {self._left(engine, self._run_from, whole=True)} left"
        )

    def _shown_loss(self) -> str:
        return f"{fmean(self._losses):.4f}" if self._losses else "not finite"

    def _left(self, engine: SupervisedTrainer, begun: tuple[float, int] | None, *, whole: bool) -> str:
        """Time to the end of the run or of the epoch, at the speed since `begun`."""
        state = engine.state
        since, first = begun or self._epoch_from
        end = state.epoch_length * (state.max_epochs if whole else state.epoch)
        done = max(state.iteration - first, 1)
        return str(tqdm.format_interval((self.clock() - since) / done * max(end - state.iteration, 0)))

    def _say_scores(self, engine: SupervisedEvaluator) -> None:
        state = engine.state
        line = f"Validation after epoch {state.epoch}: {_listed(state.metrics)}"
        if state.key_metric_name is not None and state.best_metric_epoch > 0:
            best = f"{state.key_metric_name} {state.best_metric:.4f} of epoch {state.best_metric_epoch}"
            line += f"; best {best}"
        self._write(line)

    def _write(self, line: str) -> None:
        # Puts itself above a bar that is being drawn.
        tqdm.write(line, file=self.stream)
        self.stream.flush()


def _listed(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {float(value):.4f}" for name, value in metrics.items())
