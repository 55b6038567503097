"""`lungmonai weights`: weights from other projects."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .verb import verb

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai weights import`."""
    parser = verbs.add_parser("weights", help="import weights", description="import weights")
    option = verb(
        parser.add_subparsers(required=True, metavar="VERB"),
        "import",
        _import_weights,
        "turn a checkpoint of the reference project into a model.pt",
    )
    option("checkpoint", type=Path, help="a .state file of Deep Learning with PyTorch, part 2")
    option("-o", "--output", required=True, metavar="FILE", type=Path, help="the weights file to write")
    option("--sha256", metavar="HEX", help="refuse the checkpoint unless its SHA-256 is this")


def _import_weights(arguments: argparse.Namespace) -> None:
    from ..files import make_folder
    from ..networks import import_reference_weights

    make_folder(arguments.output.parent)
    done = import_reference_weights(arguments.checkpoint, arguments.output, sha256=arguments.sha256)
    known = "one of the published files" if done.published else "not one of the published files"
    sys.stdout.write(
        f"{arguments.output}: {done.architecture}, {done.parameters:,} parameters\n"
        f"from {arguments.checkpoint.name}, {known}, SHA-256 {done.sha256}\n"
    )
