"""`lungmonai phantom`: a data set in LUNA16's layout that needs no download."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .verb import verb

if TYPE_CHECKING:
    from ..data.phantom.records import ScanRecord

__all__ = ["add"]

_DEFAULT_SCANS = 10


def add(verbs: Any) -> None:
    """Add `lungmonai phantom`."""
    option = verb(verbs, "phantom", _phantom, "make a data set of synthetic scans, in LUNA16's layout")
    option("folder", metavar="DIR", type=Path, help="new, empty, or begun with the same settings")
    option("--scans", type=int, default=_DEFAULT_SCANS, metavar="N", help="how many (default: %(default)s)")
    option("--seed", type=int, default=0, metavar="S", help="same seed, same data set (default: %(default)s)")
    option("--small", action="store_true", help="scans of 96 × 256 × 256 voxels, for tests")
    option("--dicom", action="store_true", help="write each scan as DICOM as well")
    option("--without", type=Path, metavar="FILE",
        help="CSV with patient_id or seriesuid: their nodules are not used")  # fmt: skip
    option("--nodules-per-scan", type=_range, default=(1, 8), metavar="FEW-MOST",
        help="default: 1-8; of phantoms one in ten has none")  # fmt: skip
    option("--background", type=Path, nargs="+", metavar="SCAN",
        help="blend real nodules into these scans instead of making phantoms")  # fmt: skip
    option("--nodules", type=Path, metavar="NODULES.csv",
        help="with --background: table of real nodules, image/ and mask/ beside it")  # fmt: skip
    option("--only", type=Path, metavar="FILE",
        help="with --background: CSV with patient_id or seriesuid: only their nodules are used")  # fmt: skip
    option("--subset", type=_numbers, metavar="N,N",
        help="with --background: only nodules of these LUNA16 subsets")  # fmt: skip
    option("--workers", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    option("--quiet", action="store_true", help="no progress and no table")


def _phantom(arguments: argparse.Namespace) -> None:
    from ..progress import Bars

    _check(arguments)
    with Bars(quiet=arguments.quiet) as bars:
        make = _phantoms if arguments.background is None else _composites
        records = make(arguments, bars)
    if not arguments.quiet:
        sys.stdout.write(_summary(records, arguments.folder))


def _phantoms(arguments: argparse.Namespace, bars: Any) -> list[ScanRecord]:
    from ..data.phantom import read_names, write_phantoms

    return write_phantoms(
        arguments.folder,
        arguments.scans,
        arguments.seed,
        small=arguments.small,
        nodules_per_scan=arguments.nodules_per_scan,
        without=read_names(arguments.without) if arguments.without else (),
        dicom=arguments.dicom,
        workers=arguments.workers,
        progress=bars,
    )


def _composites(arguments: argparse.Namespace, bars: Any) -> list[ScanRecord]:
    from ..data.phantom import read_names, write_composites

    return write_composites(
        arguments.folder,
        arguments.scans,
        arguments.seed,
        backgrounds=arguments.background,
        nodules=arguments.nodules,
        nodules_per_scan=arguments.nodules_per_scan,
        only=read_names(arguments.only) if arguments.only else None,
        without=read_names(arguments.without) if arguments.without else (),
        subsets=arguments.subset,
        dicom=arguments.dicom,
        workers=arguments.workers,
        progress=bars,
    )


def _check(arguments: argparse.Namespace) -> None:
    """Options that belong together."""
    from ..errors import SettingsError

    if arguments.background and not arguments.nodules:
        raise SettingsError(
            "--background was given without --nodules",
            wanted="a table of the nodules to blend in",
            do="Add --nodules NODULES.csv.",
        )
    alone = [f"--{name}" for name in ("nodules", "only", "subset") if getattr(arguments, name)]
    if not arguments.background and alone:
        raise SettingsError(
            f"{' and '.join(alone)} was given without --background",
            wanted="scans to blend nodules into",
            do="Add --background SCAN, or leave it out.",
        )
    if arguments.background and arguments.small:
        raise SettingsError(
            "--small was given with --background",
            wanted="one of them: a composite is as large as its background",
            do="Leave --small out.",
        )


def _summary(records: list[ScanRecord], folder: Path) -> str:
    from ..words import many

    nodules = [nodule for record in records for nodule in record.nodules]
    candidates = Counter(one.label for record in records for one in record.candidates)
    textures = Counter(nodule.texture for nodule in nodules)
    places = Counter(nodule.place for nodule in nodules)
    sizes = sorted(nodule.diameter_mm for nodule in nodules)
    malignant = sum(nodule.malignant for nodule in nodules)
    spread = f"{sizes[0]:.1f} to {sizes[-1]:.1f} mm" if sizes else "none"
    lines = (
        f"{many(len(records), 'scan')} in {folder}",
        f"{many(len(nodules), 'nodule')}, {malignant:,} malignant, {spread}",
        f"  {_counted(textures)}",
        f"  {_counted(places)}",
        f"{candidates[1]:,} candidates on nodules, {candidates[0]:,} elsewhere",
        "SYNTHETIC: what works on these scans says little about real ones.",
        f"Next: lungmonai prepare luna16 --root {folder}",
    )
    return "\n".join(lines) + "\n"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common()) or "none"


def _range(text: str) -> tuple[int, int]:
    """`1-8`, or `3` for exactly three."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r}; wanted a range such as 1-8")
    return int(found[1]), int(found[2] or found[1])


def _numbers(text: str) -> tuple[int, ...]:
    """`7` or `6,7`."""
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise argparse.ArgumentTypeError(f"{text!r}; wanted numbers such as 7 or 6,7")
    return tuple(int(number) for number in text.split(","))
