"""`lungmonai bundle`: check a bundle, pack it."""

from __future__ import annotations

import argparse
import logging
import sys
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .verb import FOUND, verb

if TYPE_CHECKING:
    from ..bundle_tools import Check

__all__ = ["add"]

_WORDS = {True: "pass", False: "FAIL", None: "not checked"}
_WIDTH = max(map(len, _WORDS.values()))


def add(verbs: Any) -> None:
    """Add `lungmonai bundle check|pack`."""
    parser = verbs.add_parser("bundle", help="check or pack a bundle", description="check or pack a bundle")
    bundle = parser.add_subparsers(required=True, metavar="VERB")
    option = verb(bundle, "check", _check, "check a bundle, offline; exit status 8 if something is wrong")
    option("bundle", metavar="NAME|FOLDER", help="a bundle that came with lungmonai, or a bundle's folder")
    option("--quiet", action="store_true", help="say only what is wrong")
    option = verb(bundle, "pack", _pack, "write a bundle as MONAI's standard archive")
    option("bundle", metavar="NAME|FOLDER", help="a bundle that came with lungmonai, or a bundle's folder")
    option("-o", "--output", required=True, type=Path, metavar="FILE.zip|FOLDER",
        help="the archive, or the folder to make the bundle's folder in")  # fmt: skip
    option("--torchscript", action="store_true", help="with the network exported as models/model.ts")


def _check(arguments: argparse.Namespace) -> int:
    from ..bundle_tools import check_bundle, find_bundle
    from ..progress import Bars

    bundle = find_bundle(arguments.bundle)
    _still_monai()
    with warnings.catch_warnings(), Bars(quiet=arguments.quiet) as bars:
        warnings.simplefilter("ignore")  # MONAI's and torch's, of exporting
        checks = check_bundle(bundle, bars)
    failed = [check for check in checks if check.passed is False]
    sys.stdout.write(_table(failed if arguments.quiet else checks))
    left = sum(check.passed is None for check in checks)
    sys.stdout.write(f"{bundle.name}: {len(checks)} checks, {len(failed)} failed, {left} not made\n")
    return FOUND if failed else 0


def _pack(arguments: argparse.Namespace) -> None:
    from ..bundle_tools import find_bundle, pack_bundle

    bundle = find_bundle(arguments.bundle)
    _still_monai()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = pack_bundle(bundle, arguments.output, torchscript=arguments.torchscript)
    sys.stdout.write("".join(f"{name}\n" for name in names) + f"{arguments.output}: {len(names)} files\n")


def _still_monai() -> None:
    """Keep MONAI's log of its own calls out of the table."""
    logging.disable(logging.ERROR)


def _table(checks: list[Check]) -> str:
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        start = f"{_WORDS[check.passed]:{_WIDTH}}  {check.name:{width}}  "
        lines.append(start + textwrap.indent(check.reason, " " * len(start)).lstrip() + "\n")
    return "".join(lines)
