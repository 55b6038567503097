"""`write_composites`: a data set of real nodules in real backgrounds, in LUNA16's layout."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ... import __version__
from ...errors import SettingsError
from ...files import sha256_of
from ...io.read import read_ct, suffix_of
from ...io.scan import CTScan
from ...progress import Progress
from .composite import make_composite
from .make import NODULES_PER_SCAN
from .real_nodules import RealNodule, by_patient, read_nodule_table
from .records import SUBSETS, ScanRecord
from .store import DataFolder
from .write import each_missing, run_jobs

__all__ = ["background_name", "deal_patients", "write_composites"]

# Raised when the same seed begins to mean another composite.
FORMAT = 2
# The nodules of this many patients for each nodule that a scan may have at most.
_PATIENTS_PER_NODULE = 0.5


def write_composites(
    folder: Path | str,
    scans: int,
    seed: int,
    *,
    backgrounds: Sequence[Path],
    nodules: Path,
    nodules_per_scan: tuple[int, int] = NODULES_PER_SCAN,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    subsets: Collection[int] | None = None,
    dicom: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[ScanRecord]:
    """Make a data set, or what is missing of it.

    The patients whose nodules are used are dealt to the composites: none serves two of them.

    Args:
        folder: new, empty, or of the same data set.
        scans: how many it shall have; those that are there already stay.
        seed: same seed and settings: same data set.
        backgrounds: chest CTs in any format that `read_ct` reads; they are used in turn.
        nodules: table with the folders `image` and `mask` beside it.
        nodules_per_scan: fewest and most.
        only: patient ids or series UIDs whose nodules may be used; None for all.
        without: patient ids or series UIDs whose nodules are not used.
        subsets: LUNA16 subsets whose nodules may be used; None for all.
        dicom: write each scan as DICOM as well.
        workers: processes that make scans side by side.
        progress: called with ("composite", scans done, scans to do).

    Returns:
        The records of all scans in the folder.

    Raises:
        DataError: the table or the folder cannot be used.
        OutputError: something could not be written.
        ScanError: a background is refused.
        SettingsError: more scans than there are patients for, or a number that makes no sense.
    """
    if scans < 1 or workers < 1 or not backgrounds:
        raise SettingsError(
            f"{scans} scans on {len(backgrounds)} backgrounds by {workers} workers",
            wanted="at least one of each",
            do="Give other numbers.",
        )
    found = read_nodule_table(nodules, only=only, without=without, subsets=subsets)
    dealt = deal_patients(found, scans, seed, nodules_per_scan=nodules_per_scan)
    names = [background_name(path) for path in backgrounds]
    settings = {
        "kind": "composite",
        "format": FORMAT,
        "version": __version__,
        "seed": seed,
        "backgrounds": names,
        "nodules": sha256_of(nodules),
        "nodules_per_scan": list(nodules_per_scan),
        "only": None if only is None else sorted(only),
        "without": sorted(without),
        "subsets": None if subsets is None else sorted(subsets),
    }
    store = DataFolder(Path(folder), settings)
    with store.held():
        jobs = []
        for number in each_missing(store, scans, dicom=dicom):
            turn = number % len(backgrounds)
            # One subset for each background: folds by subset then keep its composites together.
            subset = names.index(names[turn]) % SUBSETS
            jobs.append(
                _Job(store, seed, number, Path(backgrounds[turn]), subset, tuple(dealt[number]), dicom)
            )
        # One background after another, so that each is read once.
        jobs.sort(key=lambda job: job.number % len(backgrounds))
        run_jobs(_make_one, jobs, workers=workers, progress=progress, stage="composite")
        return store.write_tables()


def deal_patients(
    nodules: Sequence[RealNodule], scans: int, seed: int, *, nodules_per_scan: tuple[int, int]
) -> list[list[RealNodule]]:
    """Nodules of each scan; what one scan gets does not depend on how many there are.

    Args:
        nodules: to deal.
        scans: to deal to.
        seed: shuffles the patients.
        nodules_per_scan: fewest and most.

    Raises:
        SettingsError: there are not enough patients.
    """
    patients = by_patient(nodules)
    names = sorted(patients)
    order = np.random.default_rng([seed, 4]).permutation(len(names))
    hand = max(1, round(nodules_per_scan[1] * _PATIENTS_PER_NODULE))
    if scans * hand > len(names):
        raise SettingsError(
            f"{scans} scans with the nodules of {hand} patients each",
            wanted=f"at most {len(names) // hand} scans, as {len(names)} patients may be used once each",
            do="Ask for fewer scans, or fewer nodules in each.",
        )
    dealt = []
    for number in range(scans):
        rng = np.random.default_rng([seed, 5, number])
        held = [one for i in order[number * hand : (number + 1) * hand] for one in patients[names[i]]]
        wanted = int(rng.integers(nodules_per_scan[0], nodules_per_scan[1] + 1))
        dealt.append([held[i] for i in rng.permutation(len(held))[:wanted]])
    return dealt


def background_name(path: Path) -> str:
    """A background's name: its folder's, or its file's without the suffix."""
    path = Path(path).absolute()
    return path.name.removesuffix(suffix_of(path)) if path.is_file() else path.name


@dataclass(frozen=True, eq=False)
class _Job:
    """One composite to make."""

    store: DataFolder
    seed: int
    number: int
    background: Path
    subset: int
    nodules: tuple[RealNodule, ...]
    dicom: bool


@lru_cache(maxsize=1)
def _background(path: Path) -> CTScan:
    return read_ct(path)


def _make_one(job: _Job) -> None:
    name = background_name(job.background)
    made = make_composite(_background(job.background), job.nodules, job.seed, job.number, name=name)
    record = replace(made.record, subset=job.subset)
    job.store.write_scan(made.scan, made.mask, record, dicom=job.dicom)
