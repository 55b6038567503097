"""Which scans train, which validate, which test: by patient, never by series.

A patient with two scans has the same chest twice; a split by series would test on what it trained on.
Patients are put in the order of their strata (size of the largest nodule, malignancy), and that one
stream is dealt out so that after any number of patients no list is a whole patient away from its share.
A stratum is a stretch of the stream, so that its shares hold too.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from ..errors import DataError, SettingsError
from .datalist import SPLITS, NoduleItem, ScanItem

__all__ = ["SHARES", "SIZE_STRATA", "assign_folds", "assign_splits", "size_stratum"]

# Of training, validation and test, in patients.
SHARES = (0.7, 0.15, 0.15)

# By the largest nodule. Below 6 mm the Fleischner guidelines (2017) ask for no routine follow-up; the
# other limit divides LUNA16's patients with larger ones in halves, 212 and 223 (docs/splits.md).
SIZE_STRATA = ("no nodule", "< 6 mm", "6-10 mm", "> 10 mm")
_SMALL_MM, _LARGE_MM = 6.0, 10.0

_Patients = dict[str, list[ScanItem]]


def assign_splits(
    items: Sequence[ScanItem], *, seed: int, shares: Sequence[float] = SHARES
) -> dict[str, str]:
    """Deal the patients to training, validation and test.

    Depends on the seed and on the set of scans, not on their order, the machine or NumPy's version.
    Every list with a share gets a patient with nodules where there are as many such patients as lists.

    Args:
        items: scans of a datalist; scans with the same `patient` stay together.
        seed: another seed, other patients.
        shares: of training, validation and test, counted in patients; they add up to 1.

    Returns:
        name of its list for each series.

    Raises:
        SettingsError: `shares` are no shares.
        DataError: a series is said to be of two patients.
    """
    _check_shares(shares)
    patients = _by_patient(items)
    lists = [split for split, share in zip(SPLITS, shares, strict=True) if share > 0]
    order = _stream(patients, seed)
    turns = _turns([share for share in shares if share > 0], len(order))
    dealt = {patient: lists[turn] for patient, turn in zip(order, turns, strict=True)}
    _give_each_a_nodule(dealt, patients, lists)
    return {item["seriesuid"]: dealt[patient] for patient, scans in patients.items() for item in scans}


def assign_folds(
    items: Sequence[ScanItem],
    *,
    by: Literal["subset", "patient"],
    folds: int = 10,
    seed: int,
    move: bool = False,
) -> tuple[dict[str, int], list[str]]:
    """The fold of each series, for cross-validation.

    Args:
        items: scans of a datalist.
        by: "subset" takes LUNA16's subsets, as published results do; "patient" deals the patients out
            as `assign_splits` does, evenly.
        folds: how many, where they are dealt out.
        seed: of the dealing.
        move: put all scans of a patient that has them in two subsets into the lowest of these.

    Returns:
        number of its fold for each series, and one sentence on each patient with scans in two subsets.

    Raises:
        SettingsError: an unknown `by`, or fewer than two folds.
        DataError: a scan without a subset, or a series that is said to be of two patients.
    """
    patients = _by_patient(items)
    if by == "subset":
        return _folds_by_subset(patients, move)
    if by != "patient":
        raise SettingsError(f"folds by {by!r}", wanted="'subset' or 'patient'", do="Choose one of these.")
    if folds < 2:
        raise SettingsError(f"{folds} folds", wanted="2 or more", do="LUNA16 has 10.")
    order = _stream(patients, seed)
    dealt = dict(zip(order, _turns([1 / folds] * folds, len(order)), strict=True))
    return {item["seriesuid"]: dealt[item["patient"]] for item in items}, []


def size_stratum(nodules: Iterable[NoduleItem]) -> str:
    """The one of `SIZE_STRATA` that the largest of some nodules lies in."""
    largest = max((nodule["diameter_mm"] for nodule in nodules), default=None)
    if largest is None:
        return SIZE_STRATA[0]
    return SIZE_STRATA[1 + (largest >= _SMALL_MM) + (largest > _LARGE_MM)]


def _check_shares(shares: Sequence[float]) -> None:
    right = len(shares) == len(SPLITS) and all(0 <= share <= 1 for share in shares)
    if not right or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise SettingsError(
            f"the shares {', '.join(f'{share:g}' for share in shares)}",
            wanted=f"shares of {', '.join(SPLITS)} that add up to 1",
            do="For example 0.7, 0.15, 0.15.",
        )


def _by_patient(items: Iterable[ScanItem]) -> _Patients:
    """The scans of each patient, in an order that does not depend on theirs."""
    patient_of: dict[str, str] = {}
    patients: _Patients = defaultdict(list)
    for item in sorted(items, key=lambda item: (item["seriesuid"], item["patient"])):
        series, patient = item["seriesuid"], item["patient"]
        if patient_of.setdefault(series, patient) != patient:
            raise DataError(
                f"series {series} is said to be of the patients {patient_of[series]} and {patient}",
                wanted="one patient for each series",
                do="Correct the list of patients.",
            )
        patients[patient].append(item)
    return patients


def _stream(patients: _Patients, seed: int) -> list[str]:
    """The patients, stratum after stratum, shuffled within."""
    return sorted(patients, key=lambda patient: (*_stratum(patients[patient]), _shuffled(patient, seed)))


def _stratum(scans: list[ScanItem]) -> tuple[int, int]:
    """Place of a patient's stratum in the stream: size of the largest nodule, then malignancy."""
    nodules = [nodule for scan in scans for nodule in scan["nodules"]]
    size = SIZE_STRATA.index(size_stratum(nodules))
    calls = {nodule["malignant"] for nodule in nodules}
    malignancy = 2 if True in calls else 1 if None in calls else 0
    # To and fro: neighbouring sizes then meet at the same malignancy, and its shares hold better.
    return size, malignancy if size % 2 else -malignancy


def _shuffled(patient: str, seed: int) -> bytes:
    """A number that orders patients at random, and the same way for ever."""
    return hashlib.sha256(f"{seed}:{patient}".encode()).digest()


def _turns(shares: Sequence[float], count: int) -> Iterator[int]:
    """Whose turn it is, `count` times, so that nobody is ever a whole turn from its share.

    The rule of R. Tijdeman, The chairman assignment problem, Discrete Mathematics 32 (1980): of those
    who are owed at least `least`, the one that would first be owed too much. After any number of turns
    each has had its share to within `1 - least`; for three lists that is 0.75.
    """
    least = 1 / (2 * len(shares) - 2) if len(shares) > 1 else 0.0
    had = [0] * len(shares)
    for turn in range(1, count + 1):
        owed = [share * turn - got for share, got in zip(shares, had, strict=True)]
        # The tolerance: sums of shares that are equal on paper differ in the last bit.
        ready = [who for who, much in enumerate(owed) if much >= least - 1e-9]
        chosen = min(ready, key=lambda who: round((1 - least - owed[who]) / shares[who], 6))
        had[chosen] += 1
        yield chosen


def _give_each_a_nodule(dealt: dict[str, str], patients: _Patients, lists: Sequence[str]) -> None:
    """Change `dealt` so that each list has a patient with nodules, where there are enough of them.

    Only small data sets need it. A patient without nodules goes the other way, where there is one.
    """
    has_nodule = {patient: any(scan["nodules"] for scan in scans) for patient, scans in patients.items()}
    holders = {name: [p for p in dealt if dealt[p] == name and has_nodule[p]] for name in lists}
    if sum(has_nodule.values()) < len(lists):
        return
    for poor in lists:
        if holders[poor]:
            continue
        rich = max(lists, key=lambda name: len(holders[name]))
        given = holders[rich].pop()
        back = next((p for p in dealt if dealt[p] == poor and not has_nodule[p]), None)
        holders[poor].append(given)
        dealt[given] = poor
        if back is not None:
            dealt[back] = rich


def _folds_by_subset(patients: _Patients, move: bool) -> tuple[dict[str, int], list[str]]:
    folds: dict[str, int] = {}
    notes: list[str] = []
    for patient, scans in patients.items():
        subsets = {scan["seriesuid"]: _subset_of(scan) for scan in scans}
        lowest, several = min(subsets.values()), len(set(subsets.values())) > 1
        folds |= dict.fromkeys(subsets, lowest) if move else subsets
        if several:
            notes.append(_two_subsets(patient, sorted(set(subsets.values())), move))
    return folds, notes


def _subset_of(item: ScanItem) -> int:
    subset = item.get("subset")
    if subset is None:
        raise DataError(
            f"series {item['seriesuid']} lies in no subset folder",
            wanted="scans in folders subset0 to subset9",
            do="Make the folds by patient instead (--folds patient).",
        )
    return subset


def _two_subsets(patient: str, subsets: list[int], move: bool) -> str:
    where = " and ".join(map(str, subsets))
    said = f"Patient {patient} has scans in subsets {where}"
    if move:
        return f"{said}; all of them are in fold {subsets[0]} now."
    return f"{said} and so in as many folds; move them (--move-patients) to keep the folds apart."
