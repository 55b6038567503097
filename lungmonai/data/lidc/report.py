"""What a comparison with published nodules found, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ...words import many
from .agreement import Compared, averaged_by, commonest
from .nodules import LidcNodule
from .parts import READERS

__all__ = ["agreement_report", "dice_report", "disagreements"]

# A centre that is further off than any averaging of readings explains, in mm.
_FAR_MM = 1.0


def agreement_report(name: str, compared: Sequence[Compared]) -> str:
    """The table of a comparison and a line for each disagreement.

    Args:
        name: of the published table.
        compared: what `compare_published` gave.
    """
    scans = len({one.row.series_uid for one in compared})
    lines = [f"{name}: {many(len(compared), 'nodule')} in {many(scans, 'scan')}"]
    lines += [f"  {label:<36}{value}" for label, value in _figures(compared)]
    apart = list(disagreements(compared))
    lines += ["", f"{len(apart)} disagreements, with what explains them:" if apart else "No disagreement."]
    return "\n".join([*lines, *(f"  {line}" for line in apart)]) + "\n"


def _figures(compared: Sequence[Compared]) -> list[tuple[str, str]]:
    matched = [one for one in compared if one.match]
    placed = [one for one in compared if one.frame]
    by_others = sum(one.by_others for one in placed)
    scans = len({one.row.series_uid for one in placed})
    rated = [one for one in matched if one.row.ratings]
    told = [one for one in matched if one.row.commonest]
    figures = [
        ("scans whose place could be told", f"{scans}"),
        ("  nodules in them", f"{len(placed)}"),
        ("  told by boxes of other nodules", f"{by_others}, by their own {len(placed) - by_others}"),
        ("matched", f"{len(matched)}"),
        ("malignancy equal", f"{sum(_malignancy_equal(one) for one in matched)} of {len(matched)}"),
        ("ambiguous here", f"{sum(one.match.nodule.malignant is None for one in matched if one.match)}"),
    ]
    if rated:
        figures.append(("readers' ratings equal", f"{sum(map(_ratings_equal, rated))} of {len(rated)}"))
    if told:
        figures.append(("nine commonest ratings equal", f"{sum(map(_ratings_equal, told))} of {len(told)}"))
    distances = [one.match.distance_mm for one in matched if one.match]
    sizes = [abs(one.match.nodule.diameter_mm - one.row.diameter_mm) for one in matched if one.match]
    averaged = sum(averaged_by(one) > 0 for one in matched)
    return [
        *figures,
        ("distance of centres, mm", _spread(distances)),
        ("difference of diameters, mm", _spread(sizes)),
        ("both exact, averaged as LUNA16 did", f"{averaged} of {len(matched)}"),
    ]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "none"
    median, high, largest = np.percentile(values, (50, 95, 100))
    return f"median {median:.3f}, 95th percentile {high:.3f}, largest {largest:.3f}"


def _malignancy_equal(one: Compared) -> bool:
    return one.match is not None and one.match.nodule.malignant == one.row.malignant


def _ratings_equal(one: Compared) -> bool:
    """Whether the table's ratings are ours: one by one and in order, or the commonest of each."""
    if one.match is None:
        return False
    nodule = one.match.nodule
    if one.row.ratings:
        return nodule.ratings["malignancy"] == one.row.ratings
    return commonest(nodule) == one.row.commonest


def disagreements(compared: Iterable[Compared]) -> Iterable[str]:
    """One sentence on each row that is not found, or of which something else was published.

    Args:
        compared: what `compare_published` gave.
    """
    for one in compared:
        faults = list(_faults(one))
        if faults:
            patient = one.scan.patient_id if one.scan else one.row.series_uid
            yield f"{patient}, {one.row.diameter_mm:.2f} mm: {'; '.join(faults)}. {_explained(one)}"


def _faults(one: Compared) -> Iterable[str]:
    if one.scan is None:
        yield "LIDC does not hold the series"
    elif one.frame is None:
        yield "its box fits no nodule, so that the scan's place cannot be told"
    elif one.match is None:
        yield "no nodule within half the diameter"
    else:
        nodule = one.match.nodule
        if not _malignancy_equal(one):
            yield f"malignant {one.row.malignant} published, {nodule.malignant} here"
        if not _ratings_equal(one):
            yield _ratings_told(one, nodule)
        if one.match.distance_mm > _FAR_MM:
            yield f"centres {one.match.distance_mm:.2f} mm apart"


def _ratings_told(one: Compared, nodule: LidcNodule) -> str:
    if one.row.ratings:
        return f"ratings of malignancy {one.row.ratings} published, {nodule.ratings['malignancy']} here"
    ours = commonest(nodule)
    other = [name for name, value in one.row.commonest.items() if ours[name] != value]
    return ", ".join(f"{name} {one.row.commonest[name]} published, {ours[name]} here" for name in other)


def _explained(one: Compared) -> str:
    if one.row.readings > READERS:
        return f"Published from {one.row.readings} readings, where LIDC had {READERS} readers."
    count = averaged_by(one)
    if count:
        return f"LUNA16's centre is that of {count} readings, averaged in pairs, which weigh unequally."
    return "Not explained."


def dice_report(dice: Sequence[float]) -> str:
    """One paragraph on how our masks agree with published ones.

    Args:
        dice: one for each nodule, 0 to 1.
    """
    low, median, high = np.percentile(dice, (5, 50, 95))
    equal = sum(value == 1 for value in dice)
    return (
        f"Masks of what any reader marked: {equal} of {len(dice)} equal voxel by voxel; "
        f"Dice median {median:.3f}, 5th percentile {low:.3f}, 95th {high:.3f}\n"
    )
