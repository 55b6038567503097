"""Checkpoints of a whole training run, and going on from them as if nothing had happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Events
from monai.engines import Evaluator
from monai.engines.workflow import Workflow
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..errors import SettingsError
from .agree import from_first, is_first, of_all
from .checkpoints import newest_checkpoint, write_checkpoint
from .command import run_command
from .random_state import random_states, restore_random_states
from .run_folder import RunFolder, now, versions
from .run_settings import check_settings, order_of, settings_of
from .unwrapped import unwrapped

__all__ = ["RunState"]

# About twice an epoch of the shipped configs.
EVERY = 500
# How long a schedule is follows from max_epochs, which may be raised.
_SCHEDULE_LENGTHS = ("t_total", "T_max", "total_steps", "total_iters")

_log = logging.getLogger(__name__)


class RunState:
    """Save all that a run depends on, and go on from there exactly.

    At the end of each epoch, after the validation, and every so many steps a checkpoint goes to
    `OUTPUT_DIR/checkpoints`; `OUTPUT_DIR/run.json` tells how far the run is. A resumed run makes
    the same steps as one that was never stopped: on the CPU its weights are equal bit by bit.

    MONAI's `CheckpointSaver` knows neither the place in an epoch nor random states, and a trainer
    cannot be in its own `save_dict`.

    It must be the first of a trainer's handlers: what it restores is then there when the others
    start. Its own saving comes after all of theirs.

    Args:
        output_dir: of this run alone.
        save_dict: objects with `state_dict` and `load_state_dict`: the network, the optimizer, and
            whatever changes while training. Networks, optimizers and schedules are the same in
            all processes; the others are saved for each.
        evaluator: whose best score is kept.
        resume: go on with the run in `output_dir`; otherwise it must hold none.
        every: steps between checkpoints; 0 saves at the end of epochs only.
        settings: plain values that a resumed run must share.
        files: that a resumed run must find with the same content; empty names are passed over.
        bundle: the name that `lungmonai runs` shows.

    Raises:
        SettingsError: `every` is negative or `output_dir` is empty.
    """

    def __init__(
        self,
        output_dir: str | float | Path,
        save_dict: Mapping[str, Any],
        *,
        evaluator: Evaluator | None = None,
        resume: bool = False,
        every: int = EVERY,
        settings: Mapping[str, Any] | None = None,
        files: Mapping[str, str | float | Path] | None = None,
        bundle: str = "",
    ) -> None:
        if every < 0 or not str(output_dir):
            raise SettingsError(
                f"output_dir is {str(output_dir)!r} and checkpoint_every is {every}",
                wanted="a folder, and steps from 0 up",
                do="Add `--output_dir DIR`, or change --checkpoint_every.",
            )
        self.folder = RunFolder(str(output_dir))
        self.parts, self.evaluator = dict(save_dict), evaluator
        self.resume, self.every, self.bundle = bool(resume), every, bundle
        self.settings, self.files = dict(settings or {}), dict(files or {})
        # Called when the run ends, well or not: of several handlers of an error ignite calls only the
        # first that raises.
        self.at_end: list[Callable[[], None]] = []
        self._open = False
        self._saved_at = -1
        self._again: Mapping[str, Any] | None = None
        self._end_of_epoch_due = False

    def attach(self, engine: Workflow) -> None:
        """Add it to a trainer."""
        engine.add_event_handler(Events.STARTED, self._begin)
        engine.add_event_handler(Events.EPOCH_STARTED, self._end_former_epoch)
        engine.add_event_handler(Events.GET_BATCH_STARTED, self._restore_again)
        engine.add_event_handler(Events.COMPLETED, self._end_former_epoch)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._failed)

    def save(self, engine: Workflow) -> None:
        """Write a checkpoint of the steps so far, unless there is one; in several processes call it in all.

        Raises:
            OutputError: it could not be written; the former ones stay.
        """
        if self._saved_at != engine.state.iteration:
            self._save(engine, epochs=engine.state.epoch - 1)

    def _begin(self, engine: Workflow) -> None:
        now_settings = settings_of(engine, self.parts, self.settings, self.files)
        checkpoint = from_first(lambda: self._taken(now_settings))
        self._open = is_first()
        if checkpoint is not None:
            self._restore(engine, checkpoint)
        # Added now, these come after the handlers of the config: after the validation, for one.
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step_made)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._epoch_ended)
        engine.add_event_handler(Events.COMPLETED, self._finished)
        # The epoch too: where the newest checkpoint was damaged, the record is ahead of the run.
        self._record(engine, epoch=checkpoint["trainer"]["epochs"] if checkpoint else 0)

    def _taken(self, settings: dict[str, Any]) -> dict[str, Any] | None:
        """The folder is ours; what its newest checkpoint holds."""
        former = self.folder.open(resume=self.resume)
        try:
            checkpoint = self._newest(settings)
            self.folder.write_begin(self.bundle, former)
        except BaseException:
            self.folder.close()  # the error's traceback would hold the lock, in a notebook for ever
            raise
        return checkpoint

    def _newest(self, settings: dict[str, Any]) -> dict[str, Any] | None:
        found = None
        if self.resume:
            found = newest_checkpoint(self.folder.checkpoints)
            if found is None:
                _log.warning("%s holds no checkpoint yet: the run begins again", self.folder.path)
            else:
                check_settings(found[1]["settings"], settings, self.folder.path)
                _log.info("going on from %s", found[0])
        return found[1] if found else None

    def _restore(self, engine: Workflow, checkpoint: Mapping[str, Any]) -> None:
        for name, part in self.parts.items():
            if name in checkpoint["shared"]:
                _load(part, checkpoint["shared"][name])
        own = checkpoint["own"][engine.state.rank]
        self._restore_own(own)
        place = checkpoint["trainer"]
        length = engine.state.epoch_length
        engine.state.iteration, engine.state.epoch = place["iteration"], place["iteration"] // length
        self._saved_at = place["iteration"]
        # The steps of an epoch were all made, and what follows an epoch was not done.
        self._end_of_epoch_due = engine.state.epoch > place["epochs"]
        if place["iteration"] % length:
            order_of(engine).start_at(place["iteration"] % length)
            self._again = own
        if self.evaluator is not None and place["best_epoch"] != -1:
            self.evaluator.state.best_metric = place["best_score"]
            self.evaluator.state.best_metric_epoch = place["best_epoch"]
        self._say_place(engine)

    def _restore_own(self, own: Mapping[str, Any]) -> None:
        for name, state in own["parts"].items():
            if name in self.parts:
                _load(self.parts[name], state)
        restore_random_states(own["random"])

    def _restore_again(self, engine: Workflow) -> None:
        """In mid-epoch: beginning the epoch anew has drawn a random number, and may have reset parts."""
        own, self._again = self._again, None
        if own is not None:
            self._restore_own(own)

    def _end_former_epoch(self, engine: Workflow) -> None:
        """Do what follows an epoch whose last step was made when the run stopped."""
        if not self._end_of_epoch_due:
            return
        self._end_of_epoch_due = False
        epoch, length = engine.state.epoch, engine.state.epoch_length
        engine.state.epoch = engine.state.iteration // length
        engine.fire_event(Events.EPOCH_COMPLETED)
        engine.state.epoch = epoch

    def _say_place(self, engine: Workflow) -> None:
        done, wanted = engine.state.epoch, engine.state.max_epochs
        if done >= wanted and not self._end_of_epoch_due:
            _log.info("already complete: %d of %d epochs; raise --max_epochs to go on", done, wanted)
        else:
            _log.info("resumed at step %d, after %d of %d epochs", engine.state.iteration, done, wanted)

    def _step_made(self, engine: Workflow) -> None:
        step, length = engine.state.iteration, engine.state.epoch_length
        # At the end of an epoch too: a stop while validating then loses nothing.
        if step % length == 0 or (self.every and step % self.every == 0):
            self.save(engine)

    def _epoch_ended(self, engine: Workflow) -> None:
        self._save(engine, epochs=engine.state.epoch)

    def _save(self, engine: Workflow, *, epochs: int) -> None:
        own = {
            "parts": {name: part.state_dict() for name, part in self.parts.items() if not _is_shared(part)},
            "random": random_states(),
        }
        every_own = of_all(own)
        self._saved_at = engine.state.iteration
        if not is_first():
            return
        path, digest = write_checkpoint(
            self.folder.checkpoints,
            {
                "shared": {n: _bare(part).state_dict() for n, part in self.parts.items() if _is_shared(part)},
                "own": every_own,
                "trainer": {
                    "epochs": epochs,
                    "iteration": engine.state.iteration,
                    "epoch_length": engine.state.epoch_length,
                    **self._best(),
                },
                "settings": settings_of(engine, self.parts, self.settings, self.files),
                "about": {
                    "command": run_command(),
                    "saved": now(),
                    "samples_seen": _samples_seen(engine),
                    "versions": versions(),
                },
            },
            epochs=epochs,
            steps=engine.state.iteration,
        )
        _log.info("saved %s, SHA-256 %s", path, digest)
        self._record(engine, epoch=epochs, checkpoint=path.name, checkpoint_sha256=digest)

    def _best(self) -> dict[str, Any]:
        if self.evaluator is None or self.evaluator.state.best_metric_epoch == -1:
            return {"metric": "", "best_score": None, "best_epoch": -1}
        state = self.evaluator.state
        return {
            "metric": state.key_metric_name,
            "best_score": float(state.best_metric),
            "best_epoch": int(state.best_metric_epoch),
        }

    def _record(self, engine: Workflow, **said: Any) -> None:
        if is_first():
            facts = {"iteration": engine.state.iteration, "samples_seen": _samples_seen(engine)}
            self.folder.write(max_epochs=engine.state.max_epochs, **facts, **self._best(), **said)

    def _finished(self, engine: Workflow) -> None:
        self._record(engine, state="finished")
        self._close()

    def _failed(self, engine: Workflow, error: BaseException) -> None:
        """Note why, and let the error go on: ignite swallows it otherwise."""
        if self._open:
            stopped = isinstance(error, KeyboardInterrupt)
            try:
                why = "" if stopped else str(error) or type(error).__name__
                self._record(engine, state="stopped" if stopped else "failed", error=why)
            except Exception:
                _log.warning("%s could not be noted in %s", error, self.folder.path)
        self._close()
        raise error

    def _close(self) -> None:
        for call in self.at_end:
            call()
        if self._open:
            self.folder.close()
        self._open = False


def _samples_seen(engine: Workflow) -> int:
    order = order_of(engine)
    return int(engine.state.iteration * order.batch_size * order.num_replicas)


def _is_shared(part: Any) -> bool:
    return isinstance(part, nn.Module | Optimizer | LRScheduler)


def _bare(part: Any) -> Any:
    return unwrapped(part) if isinstance(part, nn.Module) else part


def _load(part: Any, state: Mapping[str, Any]) -> None:
    if isinstance(part, LRScheduler):
        state = {name: value for name, value in state.items() if name not in _SCHEDULE_LENGTHS}
    _bare(part).load_state_dict(state)
