"""Analyse a scan on disk into a folder of results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import SettingsError
from ..export import (
    restore,
    write_candidates,
    write_mask,
    write_nodules,
    write_overview,
    write_probability,
    write_record,
)
from ..files import make_folder
from ..io.read import read_ct
from ..io.scan import CTScan
from ..nodule import ScanResult
from .analyze import Progress, analyze_scan
from .models import Models
from .record import Stopwatch
from .settings import AnalysisSettings
from .stored import Stored, stored_beside

__all__ = ["STAND_IN_BANNER", "TABLE_ROWS", "VOLUME_FORMATS", "analyze_to_folder"]

STAND_IN_BANNER = "STAND-IN WEIGHTS: these are dense spots, not detections"
VOLUME_FORMATS = ("nii.gz", "mhd")
# Nodules that a screen shows; the files hold them all.
TABLE_ROWS = 20


def analyze_to_folder(
    scan: str | Path,
    output_dir: str | Path,
    *,
    models: Models | None = None,
    settings: AnalysisSettings | None = None,
    series: str | None = None,
    volume_format: str = "nii.gz",
    progress: Progress = lambda stage, done, total: None,
) -> ScanResult:
    """Read a scan, find its nodules, and write tables, volumes, a picture and the run record.

    `result.json` is removed first and written last: where it stands, the folder is whole. What is stored
    beside the weights is used: calibrations make further columns, and the record says what it was.

    Args:
        scan: anything that `read_ct` takes.
        output_dir: folder for the results, made if need be; files of an earlier run are replaced.
        models: weights; None takes those of the bundles.
        settings: see `AnalysisSettings`; None takes the defaults, with the nodule threshold that is stored
            beside the weights, if one is.
        series: DICOM series instance UID, where a folder holds several.
        volume_format: one of `VOLUME_FORMATS`, for mask and probability.
        progress: called with a stage's name, steps done and steps in all.

    Returns:
        The result; its record tells the time of reading and writing too.

    Raises:
        ScanError: the scan is refused.
        WeightsError: weights are missing or refused.
        EngineError: this machine lacks the device or engine asked for.
        OutputError: the results could not be written.
        DataError: what is stored beside the weights is damaged.
        SettingsError: no such volume format, an empty path, or a result would replace the scan.
    """
    # What can fail cheaply fails first.
    _check_names(scan, output_dir, volume_format)
    folder = make_folder(Path(output_dir))
    models = models or Models.load()
    stored = stored_beside(models)
    settings = settings or AnalysisSettings(nodule_threshold=stored.nodule_threshold())
    watch = Stopwatch()
    progress("read", 0, 1)
    with watch.stage("load"):
        ct = read_ct(scan, series=series)
        grid = _grid_of(ct)
        ct = ct.canonical()  # the stored order is not kept beside it: a scan is 150 MB
    progress("read", 1, 1)
    result = analyze_scan(ct, models, settings, progress=progress)
    result = replace(
        result,
        record={**result.record, "operating": stored.record(settings)},
        notes=(*result.notes, *stored.notes_for(settings)),
    )
    for name in ("result.json", *_volume_names()):
        (folder / name).unlink(missing_ok=True)
    with watch.stage("write"):
        _write(ct, grid, result, stored, folder, volume_format, progress)
    seconds = {name: round(value, 4) for name, value in watch.seconds.items()}
    timings = {"load": seconds["load"], **result.record["timings_s"], "write": seconds["write"]}
    result = replace(result, record={**result.record, "timings_s": timings})
    write_record(result, folder / "result.json", stored.nodule_columns(result))
    return result


def _check_names(scan: str | Path, output_dir: str | Path, volume_format: str) -> None:
    if volume_format not in VOLUME_FORMATS:
        wanted = " or ".join(VOLUME_FORMATS)
        raise SettingsError(f"volume format {volume_format!r}", wanted=wanted, do="Choose one of these.")
    if not str(scan) or not str(output_dir):
        raise SettingsError("a path is empty", wanted="a scan and an output folder", do="Name both.")
    for name in _volume_names():
        ours = Path(output_dir) / name
        if ours.exists() and Path(scan).exists() and ours.samefile(scan):
            raise SettingsError(
                f"{ours} is the scan and would be replaced by a result",
                wanted="an output folder without the scan in it",
                do="Choose another output folder.",
            )


def _volume_names() -> list[str]:
    """Every name that a volume of ours may have, in any format."""
    endings = ("nii.gz", "mhd", "zraw")
    return [f"{volume}.{ending}" for volume in ("nodules", "probability") for ending in endings]


def _grid_of(ct: CTScan) -> CTScan:
    """The scan's geometry without its voxels: one value, seen at every place."""
    return replace(ct, hu=np.broadcast_to(np.int16(0), ct.shape))


def _write(
    upright: CTScan,
    grid: CTScan,
    result: ScanResult,
    stored: Stored,
    folder: Path,
    volume_format: str,
    progress: Progress,
) -> None:
    """Write everything but the record; volumes go back onto the grid of the scan as it was stored."""
    labels, probability = result.labels, result.probability
    if labels is None or probability is None:
        return
    banner = STAND_IN_BANNER if result.record["stand_in"] else None
    jobs: tuple[Callable[[], None], ...] = (
        lambda: write_candidates(result, folder / "candidates.csv", stored.candidate_columns(result)),
        lambda: write_nodules(result, folder / "nodules.csv", stored.nodule_columns(result)),
        lambda: write_mask(grid, restore(grid, upright, labels), folder / f"nodules.{volume_format}"),
        lambda: write_probability(
            grid, restore(grid, upright, probability), folder / f"probability.{volume_format}"
        ),
        lambda: write_overview(upright, result, labels, folder / "overview.png", banner=banner),
    )
    for done, job in enumerate(jobs):
        progress("write", done, len(jobs))
        job()
    progress("write", len(jobs), len(jobs))
