"""`lungmonai analyze`: the nodules of one scan."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .analysis_options import add_analysis_options, models_of, settings_of
from .verb import say, verb

if TYPE_CHECKING:
    from ..nodule import ScanResult

__all__ = ["add"]

_STAND_IN = (
    "These weights are a stand-in that shows how the software works. What they mark are dense spots,\n"
    "NOT detected nodules. Give real weights with --seg and --nodule."
)


def add(verbs: Any) -> None:
    """Add `lungmonai analyze`."""
    option = verb(verbs, "analyze", _analyze, "find the nodules of a scan")
    option("scan", help=".mhd, .mha, .nii(.gz), .nrrd, a DICOM folder or a zip of one")
    option("-o", "--output", required=True, metavar="OUT", help="folder for the results")
    add_analysis_options(option)
    option("--series", metavar="UID", help="which DICOM series, where there are several")
    option(
        "--volume-format",
        choices=("nii.gz", "mhd"),
        default="nii.gz",
        help="of mask and probability (default: %(default)s)",
    )
    option("--quiet", action="store_true", help="no progress and no table")


def _analyze(arguments: argparse.Namespace) -> None:
    from ..analysis.run import analyze_to_folder
    from ..analysis.stored import stored_beside
    from ..progress import Bars

    models = models_of(arguments)
    stored = stored_beside(models)
    settings = settings_of(arguments, nodule_threshold=stored.nodule_threshold(arguments.nodule_threshold))
    if models.stand_in:
        say(_STAND_IN)
    if arguments.nodule_threshold is None and not arguments.quiet:
        say(stored.why())
    with Bars(quiet=arguments.quiet) as bars:
        result = analyze_to_folder(
            arguments.scan,
            arguments.output,
            models=models,
            settings=settings,
            series=arguments.series,
            volume_format=arguments.volume_format,
            progress=bars,
        )
    if not arguments.quiet:
        _print_result(result, Path(arguments.output), models.stand_in)


def _print_result(result: ScanResult, folder: Path, stand_in: bool) -> None:
    from ..analysis.run import TABLE_ROWS
    from ..export import nodule_table

    for note in result.notes:
        say(f"Note: {note}")
    seconds = sum(result.record["timings_s"].values())
    lines = (
        nodule_table(result, stand_in=stand_in, rows=TABLE_ROWS).rstrip(),
        "",
        f"{seconds:.1f} s. Picture: {folder / 'overview.png'}  Tables: {folder / 'nodules.csv'}",
        "For research; not a medical device.",
    )
    sys.stdout.write("\n".join(lines) + "\n")
