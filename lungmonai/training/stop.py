"""SIGTERM and Ctrl-C: the step is ended, the run is saved, then it stops."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from ignite.engine import Events
from monai.engines import Evaluator
from monai.engines.workflow import Workflow

from ..cli import Terminated
from .agree import any_of_all, several
from .resume import RunState

__all__ = ["StopOnSignal", "stay_until_parent_stops"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger(__name__)


class StopOnSignal:
    """End a run at the end of the current step, saved, so that it can be resumed there.

    A second signal ends it at once. In several processes all stop at the same step, whichever was
    asked. While one process validates it stops there: the checkpoint was written before.

    Args:
        run: which saves.
        evaluator: that may run for long.
    """

    def __init__(self, run: RunState, evaluator: Evaluator | None = None) -> None:
        self.run, self.evaluator = run, evaluator
        self._asked: signal.Signals | None = None
        self._former: dict[signal.Signals, Any] = {}

    def attach(self, engine: Workflow) -> None:
        """Add it to a trainer."""
        engine.add_event_handler(Events.STARTED, self._begin)
        self.run.at_end.append(self._restore_signals)

    def _begin(self, engine: Workflow) -> None:
        self._asked = None
        if threading.current_thread() is threading.main_thread():  # others cannot set it
            self._former = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        # Added now, these come after the handlers of the config.
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._stop_training)
        _leave_signals(engine)
        if self.evaluator is not None:
            _leave_signals(self.evaluator)
            self.evaluator.add_event_handler(Events.ITERATION_COMPLETED, self._stop_validating)

    def _ask(self, number: int, _: FrameType | None) -> None:
        self._asked = signal.Signals(number)
        _log.warning("%s: stopping at the end of this step; once more stops at once", self._asked.name)
        self._restore_signals()

    def _stop_training(self, engine: Workflow) -> None:
        if any_of_all(self._asked is not None, engine.state.device):
            self.run.save(engine)
            self._raise()

    def _stop_validating(self, _: Workflow) -> None:
        # Of several, only some may have been asked, and nothing may wait for the others here.
        if self._asked is not None and not several():
            self._raise()

    def _raise(self) -> None:
        self._restore_signals()
        _log.warning("saved; to go on: %s", (self.run.folder.record() or {}).get("resume", "--resume True"))
        raise KeyboardInterrupt if self._asked is signal.SIGINT else Terminated

    def _restore_signals(self) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former = {}


def stay_until_parent_stops(_: int) -> None:
    """For `DataLoader(worker_init_fn=…)`: a signal to the whole group is the parent's to answer.

    A worker that died of it would end the parent in the middle of a step. The second SIGTERM ends
    the worker: it is its parent's.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _pass_over_first)


def _pass_over_first(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave_signals(engine: Any) -> None:
    loader = engine.data_loader
    if getattr(loader, "num_workers", 0):
        loader.worker_init_fn = _both(loader.worker_init_fn, stay_until_parent_stops)


def _both(first: Callable[[int], None] | None, second: Callable[[int], None]) -> Callable[[int], None]:
    if first is None or first is second:
        return second
    return _Both(first, second)


class _Both:
    """One after the other; a class, since workers may be started with pickle."""

    def __init__(self, *calls: Callable[[int], None]) -> None:
        self.calls = calls

    def __call__(self, worker: int) -> None:
        for call in self.calls:
            call(worker)
