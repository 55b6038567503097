"""`lungmonai prepare`: a data set on disk to a datalist."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .verb import verb

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai prepare luna16`."""
    what = "make the datalist that training reads"
    parser = verbs.add_parser("prepare", help=what, description=what)
    option = verb(
        parser.add_subparsers(required=True, metavar="DATASET"),
        "luna16",
        _prepare_luna16,
        "check a LUNA16 download, any number of its subsets, and write its datalist",
    )
    option("--root", required=True, type=Path, metavar="DIR", help="the folder that holds subset0 and so on")
    option("-o", "--output", type=Path, metavar="FILE", help="the datalist (default: DIR/datalist.json)")
    option("--seed", type=int, default=0, metavar="N", help="of the splits (default: %(default)s)")
    tables = {
        "annotations": "table of nodules",
        "candidates": "table of candidates (default: candidates_V2.csv, else candidates.csv)",
        "excluded": "table of findings that count neither way",
        "malignancy": "annotations_with_malignancy.csv (default: the LIDC database where it is not found)",
    }
    for name, said in tables.items():
        option(f"--{name}", type=Path, metavar="FILE", help=f"{said}, if it lies elsewhere")
    option("--folds", choices=("subset", "patient"), default="subset",
        help="LUNA16's subsets, or dealt out by patient (default: %(default)s)")  # fmt: skip
    option("--move-patients", action="store_true",
        help="put the scans of a patient who is in two subsets into one fold")  # fmt: skip
    option("--workers", type=int, metavar="N", help="scans to check at a time (default: by the machine)")
    option("--quiet", action="store_true", help="neither progress nor a summary")


def _prepare_luna16(arguments: argparse.Namespace) -> None:
    from ..data.luna16.prepare import prepare_luna16
    from ..data.luna16.summary import summary_of
    from ..progress import Bars

    with Bars(quiet=arguments.quiet) as bars:
        prepared = prepare_luna16(
            arguments.root,
            arguments.output,
            annotations=arguments.annotations,
            candidates=arguments.candidates,
            excluded=arguments.excluded,
            malignancy=arguments.malignancy,
            seed=arguments.seed,
            folds=arguments.folds,
            move_patients=arguments.move_patients,
            workers=arguments.workers,
            progress=bars,
        )
    if not arguments.quiet:
        sys.stdout.write(summary_of(prepared) + "\n")
