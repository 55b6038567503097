"""Progress bars with an estimate, one for each stage."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["Bars", "Progress"]

# What long work calls with (stage, steps done, steps in all); `Bars` is one.
Progress = Callable[[str, int, int], None]

_NAMES = {
    "read": "Reading the scan",
    "prepare": "Preparing networks",
    "segment": "Segmenting slices",
    "classify": "Classifying crops",
    "masses": "Looking for masses",
    "malignancy": "Judging malignancy",
    "write": "Writing results",
    "phantom": "Making phantoms",
    "composite": "Making composites",
    "warm": "Filling the cache",
    "verify": "Checking entries",
    "group": "Grouping readings",
    "compare": "Comparing nodules",
    "masks": "Comparing masks",
    "check": "Checking",
}
_WIDTH = max(map(len, _NAMES.values()))


class Bars:
    """Draws a bar on the error stream for each stage that it is called with.

    Args:
        quiet: draw nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._stage = ""
        self._bar: tqdm[object] | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that so many steps of a stage are done."""
        if self._quiet:
            return
        if stage != self._stage or self._bar is None:
            self._close()
            name = _NAMES.get(stage, stage).ljust(_WIDTH)
            from tqdm import tqdm

            # A log file gets a line now and then instead of hundreds.
            interval = 0.1 if sys.stderr.isatty() else 10.0
            self._bar = tqdm(
                total=total,
                initial=done,  # what an earlier run did must not enter the estimate
                desc=name,
                file=sys.stderr,
                mininterval=interval,
                dynamic_ncols=True,
            )
            self._stage = stage
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
