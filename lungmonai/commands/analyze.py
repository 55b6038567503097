"""`lungmonai analyze`: the nodules of one scan."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from ..analysis.settings import ENGINES, PRECISIONS, REGIONS, AnalysisSettings

    default = AnalysisSettings()
    option = verb(verbs, "analyze", _analyze, "find the nodules of a scan")
    option("scan", help=".mhd, .mha, .nii(.gz), .nrrd, a DICOM folder or a zip of one")
    option("-o", "--output", required=True, metavar="OUT", help="folder for the results")
    option("--seg", type=Path, metavar="FILE", help="segmentation weights (default: the seg bundle's)")
    option("--nodule", type=Path, metavar="FILE", help="nodule weights (default: the nodule bundle's)")
    option("--malignancy", type=Path, metavar="FILE",
        help="malignancy weights, or none (default: the bundle's, without --seg and --nodule)")  # fmt: skip
    option("--no-merge", action="store_true", help="keep detections apart, as the reference project does")
    option("--merge-radius-mm", type=float, default=default.merge_radius_mm, metavar="MM",
        help="detections this near are one nodule (default: %(default)g)")  # fmt: skip
    option("--nodule-threshold", type=float, default=default.nodule_threshold, metavar="P",
        help="a nodule is more probable than this (default: %(default)g)")  # fmt: skip
    option("--mark-threshold", type=float, default=default.mark_threshold, metavar="P",
        help="a voxel is marked when more probable than this (default: %(default)g)")  # fmt: skip
    option(
        "--region",
        choices=REGIONS,
        default=default.region,
        help="look everywhere, or in the lungs only (default: %(default)s)",
    )
    option(
        "--engine",
        choices=ENGINES,
        default=default.engine,
        help="what runs the networks (default: %(default)s)",
    )
    option("--precision", choices=PRECISIONS, default=default.precision,
        help="auto: by the device; mixed: segmentation in float32 (default: %(default)s)")  # fmt: skip
    option(
        "--device",
        default=default.device,
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:1 and so on (default: %(default)s)",
    )
    option("--series", metavar="UID", help="which DICOM series, where there are several")
    option(
        "--volume-format",
        choices=("nii.gz", "mhd"),
        default="nii.gz",
        help="of mask and probability (default: %(default)s)",
    )
    option("--quiet", action="store_true", help="no progress and no table")


def _analyze(arguments: argparse.Namespace) -> None:
    from ..analysis.models import Models
    from ..analysis.run import analyze_to_folder
    from ..analysis.settings import AnalysisSettings
    from ..progress import Bars

    settings = AnalysisSettings(
        engine=arguments.engine,
        precision=arguments.precision,
        device=arguments.device,
        region=arguments.region,
        merge=not arguments.no_merge,
        merge_radius_mm=arguments.merge_radius_mm,
        mark_threshold=arguments.mark_threshold,
        nodule_threshold=arguments.nodule_threshold,
    )
    models = Models.load(arguments.seg, arguments.nodule, _malignancy(arguments))
    if models.stand_in:
        say(_STAND_IN)
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


def _malignancy(arguments: argparse.Namespace) -> Path | None:
    """The bundles' weights belong together; to somebody else's networks ours are not added unasked."""
    from ..bundles import default_weights

    if arguments.malignancy is not None:
        return None if str(arguments.malignancy) == "none" else arguments.malignancy
    return None if arguments.seg or arguments.nodule else default_weights("malignancy")
