"""`lungmonai mine`: the candidates that a segmentation finds, as a table to train the classifier on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .analysis_options import add_running_options, add_thin_option
from .verb import FOUND, say, verb

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai mine`."""
    from ..analysis.settings import AnalysisSettings
    from ..data.datalist import SPLITS
    from ..data.listed import EVERY

    threshold = AnalysisSettings().mark_threshold
    option = verb(verbs, "mine", _mine, "find candidates in a datalist's scans, to train the classifier on")
    option("datalist", type=Path, help="a datalist of this project")
    option("-o", "--output", required=True, type=Path, metavar="FILE", help="the table to write (CSV)")
    option("--split", choices=(*SPLITS, EVERY), default=SPLITS[0],
        help="which list, or all of them (default: %(default)s)")  # fmt: skip
    option("--seg", type=Path, metavar="FILE", help="segmentation weights (default: the seg bundle's)")
    option("--mark-threshold", type=float, default=threshold, metavar="P",
        help="a voxel is marked when more probable than this (default: %(default)g)")  # fmt: skip
    # Its former name, which scripts may hold.
    option("--threshold", dest="mark_threshold", type=float, help=argparse.SUPPRESS)
    add_thin_option(option)
    option("--most", type=int, default=1000, metavar="N",
        help="false candidates kept of a scan, drawn at random (default: %(default)s)")  # fmt: skip
    option("--seed", type=int, default=0, metavar="N", help="of that draw (default: %(default)s)")
    option("--workers", type=int, default=1, metavar="N", help="scans at a time (default: %(default)s)")
    add_running_options(option)
    option("--quiet", action="store_true", help="neither progress nor a summary")


def _mine(arguments: argparse.Namespace) -> int:
    from ..analysis.candidates import CandidateFinder
    from ..analysis.mine import mine_scans
    from ..analysis.mined_table import check_draw, missed_path, write_mined
    from ..analysis.models import ModelFile
    from ..analysis.settings import AnalysisSettings
    from ..bundles import default_weights
    from ..data.listed import listed_items
    from ..progress import Bars

    settings = AnalysisSettings(
        engine=arguments.engine,
        precision=arguments.precision,
        device=arguments.device,
        mark_threshold=arguments.mark_threshold,
        keep_thin_mm=arguments.keep_thin_mm,
    )
    check_draw(arguments.most, arguments.seed)
    items = listed_items(arguments.datalist, arguments.split)
    seg = ModelFile.open(arguments.seg or default_weights("seg"), task="segmentation")
    if seg.stand_in:
        say("These weights are a stand-in: what they mark is no help in training.")
    output: Path = arguments.output
    parts = output.with_name(output.name + ".parts")
    with Bars(quiet=arguments.quiet) as bars:
        finder = CandidateFinder(seg, settings)
        mined = mine_scans(items, finder, parts, workers=arguments.workers, progress=bars)
    for why in mined.failed.values():
        say(f"Left out: {why}")
    counts = write_mined(output, items, mined.found, most=arguments.most, seed=arguments.seed)
    if not arguments.quiet:
        missed = f"missed nodules: {missed_path(output)}\n"
        sys.stdout.write(f"{counts}\n{output}\n{missed if counts.found < counts.nodules else ''}")
    return FOUND if mined.failed else 0
