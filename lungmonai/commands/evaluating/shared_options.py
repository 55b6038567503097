"""Options that several verbs of `lungmonai evaluate` have."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

__all__ = [
    "DRAWS",
    "Report",
    "add_draw_options",
    "add_output_options",
    "add_permutations",
    "add_truth_options",
    "write_outputs",
]

# numberOfBootstrapSamples of LUNA16's script.
DRAWS = 1000


class Report(Protocol):
    """What a verb found."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""


_Found = TypeVar("_Found", bound=Report)


def add_truth_options(option: Callable[..., Any], *, scans: str, only_with: str = "") -> None:
    """Add --annotations, --excluded and --scans.

    Args:
        option: from `verb`.
        scans: what the list of scans is for.
        only_with: the option beside which they are needed; always where there is none.
    """
    when = f"with {only_with}: " if only_with else ""
    option("--annotations", required=not only_with, type=Path, metavar="FILE",
        help=f"{when}the nodules (seriesuid, coordX, coordY, coordZ, diameter_mm)")  # fmt: skip
    option("--excluded", type=Path, metavar="FILE", help=f"{when}findings on which marks count neither way")
    option("--scans", type=Path, metavar="FILE", help=f"{when}series UIDs, one a line; {scans}")


def add_draw_options(option: Callable[..., Any], drawn: str, *, seeds: str, none: bool = False) -> None:
    """Add --bootstrap and --seed.

    Args:
        option: from `verb`.
        drawn: what is drawn.
        seeds: what the seed is of.
        none: there may be no draws, and then no intervals.
    """
    zero = "; 0 for none" if none else ""
    option("--bootstrap", type=int, default=DRAWS, metavar="N",
        help=f"draws of {drawn} for the intervals{zero} (default: %(default)s)")  # fmt: skip
    option("--seed", type=int, default=0, metavar="N", help=f"of {seeds} (default: %(default)s)")


def add_permutations(option: Callable[..., Any], of: str) -> None:
    """Add --permutations.

    Args:
        option: from `verb`.
        of: the tests.
    """
    option("--permutations", type=int, default=DRAWS, metavar="N",
        help=f"of {of}; 0 for none (default: %(default)s)")  # fmt: skip


def add_output_options(option: Callable[..., Any], files: str) -> None:
    """Add --json and --output.

    Args:
        option: from `verb`.
        files: what is written into the folder.
    """
    option("--json", type=Path, metavar="FILE", help="write everything as JSON")
    option("-o", "--output", type=Path, metavar="DIR", help=f"write {files} there")


def write_outputs(
    arguments: argparse.Namespace, report: _Found, write_folder: Callable[[Path, _Found], None]
) -> None:
    """Write what --json and --output ask for.

    Args:
        arguments: parsed.
        report: what the verb found.
        write_folder: called with the folder of --output and the report.

    Raises:
        OutputError: a file cannot be written.
    """
    from ...json_file import write_json

    if arguments.json is not None:
        write_json(arguments.json, report.as_dict())
    if arguments.output is not None:
        write_folder(arguments.output, report)
