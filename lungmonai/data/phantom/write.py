"""`write_phantoms`: a data set of phantoms in LUNA16's layout; a second run does what is missing."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

from ... import __version__
from ...errors import SettingsError
from ...progress import Progress
from .make import NODULES_PER_SCAN, make_phantom
from .records import ScanRecord
from .store import DataFolder

__all__ = ["FORMAT", "each_missing", "run_jobs", "write_phantoms"]

# Raised when the same seed begins to mean another scan.
FORMAT = 1
_Job = TypeVar("_Job")


def write_phantoms(
    folder: Path | str,
    scans: int,
    seed: int,
    *,
    small: bool = False,
    nodules_per_scan: tuple[int, int] = NODULES_PER_SCAN,
    without: Collection[str] = (),
    dicom: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[ScanRecord]:
    """Make a data set, or what is missing of it.

    Args:
        folder: new, empty, or of the same data set.
        scans: how many it shall have; those that are there already stay.
        seed: same seed and settings: same data set.
        small: scans of 96 × 256 × 256 voxels.
        nodules_per_scan: fewest and most nodules; one scan in ten has none.
        without: LIDC patient ids or series UIDs whose nodules are not used.
        dicom: write each scan as DICOM as well.
        workers: processes that make scans side by side.
        progress: called with ("phantom", scans done, scans to do).

    Returns:
        The records of all scans in the folder.

    Raises:
        DataError: the folder holds something else, or another data set.
        OutputError: something could not be written.
        SettingsError: a number that makes no sense.
    """
    if scans < 1 or workers < 1:
        raise SettingsError(
            f"{scans} scans by {workers} workers", wanted="at least one of each", do="Give other numbers."
        )
    settings = {
        "kind": "phantom",
        "format": FORMAT,
        "version": __version__,
        "seed": seed,
        "small": small,
        "nodules_per_scan": list(nodules_per_scan),
        "without": sorted(without),
    }
    store = DataFolder(Path(folder), settings)
    with store.held():
        jobs = [
            (store, seed, number, small, nodules_per_scan, tuple(without), dicom)
            for number in each_missing(store, scans, dicom=dicom)
        ]
        run_jobs(_make_one, jobs, workers=workers, progress=progress, stage="phantom")
        return store.write_tables()


def each_missing(store: DataFolder, scans: int, *, dicom: bool) -> Iterator[int]:
    """Numbers of the scans that are not there, or lack the DICOM files asked for."""
    there = {
        record.number for record in store.records() if record.facts["dicom_slices"] or not dicom
    }
    return (number for number in range(scans) if number not in there)


def run_jobs(
    work: Callable[[_Job], None],
    jobs: Sequence[_Job],
    *,
    workers: int,
    progress: Progress | None,
    stage: str,
) -> None:
    """Do jobs in this process, or in several; the first error ends it.

    Args:
        work: a function of a module, so that other processes find it.
        jobs: what it is called with.
        workers: how many processes.
        progress: told how many are done.
        stage: its name for that.
    """
    tell = progress or (lambda *_: None)
    tell(stage, 0, len(jobs))
    if workers == 1 or len(jobs) < 2:
        for done, job in enumerate(jobs, start=1):
            work(job)
            tell(stage, done, len(jobs))
        return
    # Forking a process that has threads can hang; a new one costs a second.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        try:
            for done, one in enumerate(as_completed([pool.submit(work, job) for job in jobs]), start=1):
                one.result()
                tell(stage, done, len(jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _make_one(
    job: tuple[DataFolder, int, int, bool, tuple[int, int], tuple[str, ...], bool],
) -> None:
    store, seed, number, small, nodules_per_scan, without, dicom = job
    phantom = make_phantom(seed, number, small=small, nodules_per_scan=nodules_per_scan, without=without)
    store.write_scan(phantom.scan, phantom.mask, phantom.record, dicom=dicom)
