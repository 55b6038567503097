"""What goes wrong in `python -m monai.bundle run` is one line, not a wall.

A config asks for it: `"$from lungmonai.bundle_tools.one_line import one_line_errors"` in its
`imports`, and `"initialize": ["$one_line_errors()"]`, which MONAI evaluates before all else.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from pprint import pformat
from traceback import walk_tb
from types import TracebackType
from typing import Any

import monai.bundle
from monai.bundle import ConfigComponent, ReferenceResolver

from ..cli import EXIT_CODES
from ..commands.verb import say
from ..errors import LungmonaiError, SettingsError
from .command_line import BundleCommand, bundle_command, check_run_id
from .config import Config, shown
from .expressions import is_expression
from .problems import config_problems
from .targets import full_name

__all__ = ["one_line_errors", "plain_error"]

# Set to anything, the whole traceback is shown.
TRACEBACK = "LUNGMONAI_TRACEBACK"
_HINT = f"{TRACEBACK}=1 shows where it happened."
# What MONAI 1.6's `instantiate` and `ConfigExpression.evaluate` raise.
_NOT_MADE = re.compile(r"Failed to instantiate component '(?P<target>.+?)' with keywords: (?P<names>.*)")
_NOT_EVALUATED = "Failed to evaluate ConfigExpression: \n"
_MONAI_BUNDLE = Path(monai.bundle.__file__).parent


def one_line_errors() -> None:
    """Check the command line and the config before anything is built; errors end the run in one line.

    Does nothing unless the process is `python -m monai.bundle run`.

    Raises:
        SettingsError: an unknown override, a value of the wrong kind, or a broken config.
    """
    command = bundle_command(sys.argv)
    if command is None:
        return
    if not os.environ.get(TRACEBACK):
        hook = _Hook(command)
        sys.excepthook = hook
        # Loggers are made while the config is built, each with a handler of its own.
        logging.setLogRecordFactory(hook.record)
    config = command.config()
    check_run_id(config, str(command.arguments.get("run_id", "run")))
    for problem in config_problems(config):
        raise problem.error()


def plain_error(
    error: BaseException, config: Config | None, run_ids: tuple[str, ...]
) -> LungmonaiError | None:
    """An error of a bundle's run as one of ours; None where its traceback says more.

    Args:
        error: what ended the run.
        config: what was run, where it could be read.
        run_ids: keys that hold what is run: what fails there is no error of the config.
    """
    chain = list(_chain(error))
    ours = next((e for e in chain if isinstance(e, LungmonaiError)), None)
    if ours is not None or config is None:
        return ours
    missing = next((e for e in chain if isinstance(e, FileNotFoundError) and e.filename), None)
    if missing is not None:
        return _missing_file(missing, config)
    for one in chain:
        found = _not_made(one, config) or _not_evaluated(one, config, run_ids)
        if found is not None:
            return found
    return _resolver_error(error, config)


class _Hook:
    """A `sys.excepthook` for the time of one run."""

    def __init__(self, command: BundleCommand) -> None:
        self._command = command
        self._previous = sys.excepthook
        self._previous_record = logging.getLogRecordFactory()

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        line = self._plain(error) if isinstance(error, Exception) else None
        if line is None:
            self._previous(kind, error, trace)
            return
        say(f"lungmonai: {line}")
        # The interpreter takes the exit code from here.
        raise SystemExit(next((code for ours, code in EXIT_CODES if isinstance(line, ours)), 1))

    def record(self, *given: Any, **named: Any) -> logging.LogRecord:
        """A record for the log, without the traceback of an error that will be said in one line."""
        record = self._previous_record(*given, **named)
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Exception) and self._plain(error) is not None:
            record.exc_info = None
        return record

    def _plain(self, error: BaseException) -> LungmonaiError | None:
        arguments = self._command.arguments
        run_ids = tuple(str(arguments.get(f"{a}_id", b)) for a, b in (("run", "run"), ("final", "finalize")))
        try:
            config = self._command.config()
        except LungmonaiError:
            config = None
        return plain_error(error, config, run_ids)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from or while handling, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _missing_file(error: FileNotFoundError, config: Config) -> SettingsError:
    name = str(error.filename)
    key = next((key for key, value in config.items().items() if value == name), None)
    who = f"{config.file_of(key)}: {shown(key)} names {name}, which" if key else name
    return SettingsError(f"{who} does not exist", wanted="a file", do=f"Check the path. {_HINT}")


def _not_made(error: BaseException, config: Config) -> SettingsError | None:
    found = _NOT_MADE.match(str(error))
    if found is None or not isinstance(error, RuntimeError):
        return None
    names = set(filter(None, found["names"].splitlines()[0].split(","))) if found["names"] else set()
    keys = [
        key
        for key, value in config.items().items()
        if ConfigComponent.is_instantiable(value)
        and full_name(str(value["_target_"]), config.parser.locator) == found["target"]
        and value.keys() - ConfigComponent.non_arg_keys == names
    ]
    what = f"({found['target'].rpartition('.')[2]}) could not be made: {_cause(error)}"
    return _config_error(config, keys, what, "arguments that it accepts")


def _not_evaluated(error: BaseException, config: Config, run_ids: tuple[str, ...]) -> SettingsError | None:
    text = str(error)
    if not text.startswith(_NOT_EVALUATED):
        return None
    values = config.items()
    refs = dict.fromkeys(values, "")
    keys = [
        key
        for key, value in values.items()
        if is_expression(value)
        and text == _NOT_EVALUATED + pformat(ReferenceResolver.update_refs_pattern(value, refs))
    ]
    if any(key.partition(ReferenceResolver.sep)[0] in run_ids for key in keys):
        return None
    return _config_error(
        config, keys, f"could not be evaluated: {_cause(error)}", "an expression that can be"
    )


def _resolver_error(error: BaseException, config: Config) -> SettingsError | None:
    """What MONAI's parser raised of its own accord, such as a circle of references."""
    frames = list(walk_tb(error.__traceback__))
    if (
        str(error).startswith(_NOT_EVALUATED)
        or not frames
        or Path(frames[-1][0].f_code.co_filename).parent != _MONAI_BUNDLE
    ):
        return None
    return SettingsError(
        f"{config.named}: {_first_line(error)}", wanted="a config that MONAI can resolve", do=_HINT
    )


def _config_error(config: Config, keys: list[str], what: str, wanted: str) -> SettingsError:
    file = config.file_of(keys[0]) if keys else config.named
    named = " or ".join(map(shown, keys)) or "a value"
    return SettingsError(f"{file}: {named} {what}", wanted=wanted, do=f"Mend it. {_HINT}")


def _cause(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {_first_line(cause)}"


def _first_line(error: Any) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return next(iter(text.strip().splitlines()), "no reason given").rstrip(".")
