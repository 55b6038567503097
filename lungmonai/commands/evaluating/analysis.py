"""`lungmonai evaluate analysis`: the whole analysis over a list of scans, and where each nodule was lost."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis_options import add_analysis_options, models_of, settings_of
from ..verb import FOUND, say, verb
from .shared_options import add_draw_options

if TYPE_CHECKING:
    from ...data.datalist import ScanItem
    from ...evaluation.scan_answers import ScanAnalyst
    from ...progress import Progress

__all__ = ["add"]

_STAND_IN = "These weights are a stand-in that shows how the software works: the numbers say nothing."
_CROPS = 60


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate analysis`."""
    from ...data.datalist import SPLITS

    option = verb(verbs, "analysis", _analysis, "analyse a list of scans, and tell where nodules are lost")
    option("--datalist", required=True, type=Path, metavar="FILE", help="a datalist of this project")
    option("--split", choices=SPLITS, default=SPLITS[1],
        help="which of its lists (default: %(default)s)")  # fmt: skip
    option("-o", "--output", required=True, type=Path, metavar="DIR",
        help="folder for the results; a stopped run in it goes on")  # fmt: skip
    add_analysis_options(option)
    add_draw_options(option, "the scans", seeds="the draws", none=True)
    option("--crops", type=int, default=_CROPS, metavar="N",
        help="pictures of lost nodules on the page, and of false reports (default: %(default)s)")  # fmt: skip
    option("--no-page", action="store_true", help="do not write evaluation.html")
    option("--quiet", action="store_true", help="no progress and no summary")


def _analysis(arguments: argparse.Namespace) -> int:
    from ...analysis.stored import stored_beside
    from ...data.listed import listed_items
    from ...errors import SettingsError
    from ...evaluation.result_folder import MEMORY
    from ...evaluation.scan_answers import ScanAnalyst

    if arguments.crops < 0:
        raise SettingsError(f"--crops is {arguments.crops}", wanted="0 or more", do="Give another number.")
    items = listed_items(arguments.datalist, arguments.split, needed=("nodules", "patient"))
    models = models_of(arguments)
    stored = stored_beside(models)
    threshold = stored.nodule_threshold(arguments.nodule_threshold)
    settings = settings_of(arguments, nodule_threshold=threshold)
    if models.stand_in:
        say(_STAND_IN)
    if arguments.nodule_threshold is None and not arguments.quiet:
        say(stored.why())
    analyst = ScanAnalyst(models, settings, arguments.output / MEMORY)
    if not arguments.quiet:
        for note in (*stored.notes_for(settings), *analyst.engine.notes):
            say(f"Note: {note}")
    return _run(arguments, items, analyst)


def _run(arguments: argparse.Namespace, items: Sequence[ScanItem], analyst: ScanAnalyst) -> int:
    from ...evaluation.analysis_text import analysis_text
    from ...evaluation.end_to_end import evaluate_analysis
    from ...progress import Bars

    with Bars(quiet=arguments.quiet) as bars:
        evaluation = evaluate_analysis(
            items,
            analyst,
            arguments.output,
            datalist=arguments.datalist.name,
            split=arguments.split,
            draws=arguments.bootstrap,
            seed=arguments.seed,
            page=None if arguments.no_page else partial(_write_page, arguments, items, bars),
            progress=bars,
        )
    if not arguments.quiet:
        sys.stdout.write(analysis_text(evaluation) + f"\n{arguments.output}\n")
    failed = [scan for scan in evaluation["scans"] if scan["failed"] is not None]
    for scan in failed:
        say(f"Failed: {scan['seriesuid']}: {scan['failed']}")
    return FOUND if failed else 0


def _write_page(
    arguments: argparse.Namespace, items: Sequence[ScanItem], bars: Progress, evaluation: dict[str, Any]
) -> None:
    from ...evaluation.crops import CropPictures
    from ...evaluation.page import write_page
    from ...evaluation.result_folder import PAGE

    path, picture = arguments.output / PAGE, CropPictures(items)
    write_page(evaluation, path, picture=picture, most_pictures=arguments.crops, progress=bars)
