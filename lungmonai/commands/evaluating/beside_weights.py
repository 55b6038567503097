"""Options of the verbs that write beside weights, and what they say about it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..verb import say

__all__ = ["add_weights_options", "chosen_weights", "store"]


def add_weights_options(option: Callable[..., Any], bundle: str | None) -> None:
    """Add --weights, --bundle, --replace and --dry-run.

    Args:
        option: from `verb`.
        bundle: the default of --bundle; None if there is none.
    """
    option(
        "--weights", type=Path, metavar="FILE", help="the weights that it is for; it is stored beside them"
    )
    said = " (default: %(default)s)" if bundle else ""
    option("--bundle", metavar="NAME|FOLDER", default=bundle, help=f"the bundle whose weights they are{said}")
    option("--data", metavar="TEXT", help="what the data are, for the file (default: by the tables' names)")
    option("--replace", action="store_true", help="replace a file that is damaged or for other weights")
    option("--dry-run", action="store_true", help="say it and write nothing")


def chosen_weights(arguments: argparse.Namespace) -> tuple[Path, str]:
    """The weights file and its SHA-256.

    Raises:
        SettingsError: neither weights nor a bundle are named.
        WeightsError: there is no such file.
    """
    from ...errors import SettingsError, WeightsError
    from ...files import sha256_of

    path = arguments.weights
    if path is None and arguments.bundle is None:
        raise SettingsError(
            "neither --weights nor --bundle", wanted="what the table was made with", do="Name one of them."
        )
    if path is None:
        from ...bundle_tools.layout import find_bundle

        path = find_bundle(arguments.bundle).weights
    try:
        return path, sha256_of(path)
    except OSError as error:
        raise WeightsError(
            f"{path} could not be read: {error.strerror}", wanted="a weights file", do="Check the path."
        ) from error


def store(arguments: argparse.Namespace, weights: Path, sha256: str, parts: dict[str, Any]) -> None:
    """Write the parts beside the weights, unless it is a dry run, and say where."""
    from ...analysis.operating import operating_path, write_operating

    if arguments.dry_run:
        say(f"A dry run: {operating_path(weights)} was not written.")
        return
    say(f"Written to {write_operating(weights, sha256, parts, replace=arguments.replace)}")
