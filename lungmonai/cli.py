"""The `lungmonai` command: thin verbs over the library; what is heavy loads inside the verb."""

from __future__ import annotations

import argparse
import io
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from . import __version__
from .commands import VERBS
from .commands.verb import say
from .errors import (
    DataError,
    EngineError,
    LungmonaiError,
    OutputError,
    ScanError,
    SettingsError,
    WeightsError,
)

__all__ = ["Terminated", "build_parser", "main", "run_or_exit"]

# Also in the README; a run that was stopped gives 128 plus the signal's number, as in a shell.
EXIT_CODES: tuple[tuple[type[LungmonaiError], int], ...] = (
    (SettingsError, 2),
    (ScanError, 3),
    (WeightsError, 4),
    (OutputError, 5),
    (EngineError, 6),
    (DataError, 7),
)
_INTERRUPTED, _TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    Args:
        argv: words after `lungmonai`; None takes those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name or a dash that the terminal cannot show
    arguments = build_parser().parse_args(argv)
    if threading.current_thread() is threading.main_thread():  # others cannot set it
        signal.signal(signal.SIGTERM, _terminate)
    return _exit_code(lambda: arguments.run(arguments))


def run_or_exit(work: Callable[[], object]) -> None:
    """Run a bundle's work; what goes wrong is one line and an exit code, as for a command.

    MONAI and ignite wrap an error in tracebacks of their own, at whose end ours is not seen.

    Args:
        work: called without arguments.

    Raises:
        SystemExit: one of ours went wrong, or it was stopped.
    """
    code = _exit_code(work)
    if code:
        raise SystemExit(code)


def build_parser() -> argparse.ArgumentParser:
    """The command line, with every verb and option."""
    parser = argparse.ArgumentParser(
        prog="lungmonai", description="Lung nodules in a chest CT. For research; not a medical device."
    )
    parser.add_argument("--version", action="version", version=f"lungmonai {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    return parser


def _exit_code(work: Callable[[], object]) -> int:
    try:
        found = work()
    except KeyboardInterrupt as stop:
        say("lungmonai: stopped; no file was left half-written.")
        return _TERMINATED if isinstance(stop, Terminated) else _INTERRUPTED
    except Exception as error:
        ours = _ours(error)
        if ours is None:
            raise
        say(f"lungmonai: {ours}")
        return next((code for kind, code in EXIT_CODES if isinstance(ours, kind)), 1)
    return found if isinstance(found, int) else 0


def _ours(error: BaseException | None) -> LungmonaiError | None:
    """The error of ours that an error is or was caused by."""
    while error is not None and not isinstance(error, LungmonaiError):
        error = error.__cause__
    return error


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does."""


def _terminate(*_: object) -> None:
    raise Terminated


if __name__ == "__main__":
    sys.exit(main())
