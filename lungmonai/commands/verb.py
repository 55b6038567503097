"""What every verb of the command line is made with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["FOUND", "say", "verb"]

# The exit code of a check that ran well and found something wrong.
FOUND = 8


def verb(
    verbs: Any, name: str, run: Callable[[argparse.Namespace], int | None], what: str
) -> Callable[..., Any]:
    """Add a verb; returns the function that adds its options.

    Args:
        verbs: what `ArgumentParser.add_subparsers` gave.
        name: the word after `lungmonai`.
        run: called with the parsed options; what it returns, if anything, is the exit code.
        what: one line for `--help`.
    """
    parser = verbs.add_parser(name, help=what, description=what)
    parser.set_defaults(run=run)
    option: Callable[..., Any] = parser.add_argument
    return option


def say(line: str) -> None:
    """Write one line to the error stream: what a person reads, and no other program."""
    sys.stderr.write(line + "\n")
