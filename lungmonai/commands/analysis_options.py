"""The options of verbs that run the whole analysis, and what they come to."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..analysis.models import Models
    from ..analysis.settings import AnalysisSettings

__all__ = ["add_analysis_options", "add_running_options", "add_thin_option", "models_of", "settings_of"]

# In place of a malignancy file.
_NONE = "none"


def add_analysis_options(option: Callable[..., Any]) -> None:
    """Add weights, thresholds, merging, region, masses, engine, precision and device.

    Args:
        option: what `verb` gave.
    """
    from ..analysis.settings import REGIONS, AnalysisSettings

    default = AnalysisSettings()
    for name, what in (("seg", "segmentation"), ("nodule", "nodule")):
        option(f"--{name}", type=Path, metavar="FILE", help=f"{what} weights (default: the {name} bundle's)")
    option("--malignancy", type=Path, metavar="FILE",
        help="malignancy weights, or none (default: the bundle's, without --seg and --nodule)")  # fmt: skip
    option("--no-merge", action="store_true", help="keep detections apart, as the reference project does")
    option("--merge-radius-mm", type=float, default=default.merge_radius_mm, metavar="MM",
        help="detections this near are one nodule (default: %(default)g)")  # fmt: skip
    option("--nodule-threshold", type=float, metavar="P",
        help="a nodule is more probable than this (default: what is stored beside the weights, else "
        f"{default.nodule_threshold:g})")  # fmt: skip
    option("--mark-threshold", type=float, default=default.mark_threshold, metavar="P",
        help="a voxel is marked when more probable than this (default: %(default)g)")  # fmt: skip
    add_thin_option(option)
    option("--region", choices=REGIONS, default=default.region,
        help="look everywhere, or in the lungs only (default: %(default)s)")  # fmt: skip
    option("--no-masses", action="store_true", help="do not look a second time for what is over 30 mm")
    add_running_options(option)


def add_thin_option(option: Callable[..., Any]) -> None:
    """Add what becomes of groups that erosion would remove.

    Args:
        option: what `verb` gave.
    """
    from ..analysis.settings import AnalysisSettings

    option("--keep-thin-mm", type=float, default=AnalysisSettings().keep_thin_mm, metavar="MM",
        help="keep a group that erosion would remove whole, if its volume is that of a sphere this wide; "
        "0 keeps none, as the reference project does (default: %(default)g)")  # fmt: skip


def add_running_options(option: Callable[..., Any]) -> None:
    """Add engine, precision and device.

    Args:
        option: what `verb` gave.
    """
    from ..analysis.settings import ENGINES, PRECISIONS, AnalysisSettings

    default = AnalysisSettings()
    option("--engine", choices=ENGINES, default=default.engine,
        help="what runs the networks (default: %(default)s)")  # fmt: skip
    option("--precision", choices=PRECISIONS, default=default.precision,
        help="auto: by the device; mixed: segmentation in float32 (default: %(default)s)")  # fmt: skip
    option("--device", default=default.device, metavar="DEVICE",
        help="auto, cpu, cuda, cuda:1 and so on (default: %(default)s)")  # fmt: skip


def settings_of(arguments: argparse.Namespace, *, nodule_threshold: float) -> AnalysisSettings:
    """The settings that the options come to.

    Args:
        arguments: parsed.
        nodule_threshold: the one that is used, given or stored.
    """
    from ..analysis.settings import AnalysisSettings

    same = ("engine", "precision", "device", "region", "merge_radius_mm", "mark_threshold", "keep_thin_mm")
    return AnalysisSettings(
        **{name: getattr(arguments, name) for name in same},
        merge=not arguments.no_merge,
        masses=not arguments.no_masses,
        nodule_threshold=nodule_threshold,
    )


def models_of(arguments: argparse.Namespace) -> Models:
    """The weights that the options name; the bundles' belong together, and are not added to others unasked.

    Args:
        arguments: parsed.
    """
    from ..analysis.models import Models
    from ..bundles import default_weights

    malignancy: Path | None = arguments.malignancy
    if malignancy is None and not (arguments.seg or arguments.nodule):
        malignancy = default_weights("malignancy")
    given = None if str(malignancy) == _NONE else malignancy
    return Models.load(arguments.seg, arguments.nodule, given)
