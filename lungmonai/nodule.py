"""What an analysis finds: candidates, nodules, and the record of one scan."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import SettingsError

__all__ = ["LOCATIONS", "Candidate", "Nodule", "ScanResult"]

# Where a centre lies by the lung mask; sides are the patient's.
LOCATIONS = ("left lung", "right lung", "outside the lungs")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One group of voxels that the segmentation marked.

    Args:
        center_lps_mm: HU-weighted centroid, LPS mm.
        center_vox: the same as (slice, row, column), fractional, in the analysed orientation.
        crop_vox: (slice, row, column) of the voxel that the classifier's crop is centred on.
        voxels: how many voxels the group holds after erosion; of a mass all that belong to it.
        nodule_prob: probability of being a nodule, 0 to 1.
        location: one of `LOCATIONS`.

    Raises:
        SettingsError: a value outside its range.
    """

    center_lps_mm: tuple[float, float, float]
    center_vox: tuple[float, float, float]
    crop_vox: tuple[int, int, int]
    voxels: int
    nodule_prob: float
    location: str

    def __post_init__(self) -> None:
        _check_prob("nodule_prob", self.nodule_prob)
        _check_location(self.location)


@dataclass(frozen=True, slots=True)
class Nodule:
    """One nodule: a candidate over the threshold, with the detections merged into it.

    Args:
        center_lps_mm: centroid of its first candidate, LPS mm.
        center_vox: the same as (slice, row, column), fractional, in the analysed orientation.
        nodule_prob: probability of being a nodule, 0 to 1, of its first candidate.
        malignancy_prob: probability of being malignant, 0 to 1; None without that model, and over 30 mm,
            where that model says nothing.
        volume_mm3: volume of its voxels.
        equivalent_diameter_mm: diameter of the sphere of that volume.
        long_axis_mm: longest diameter within one axial slice, between outer voxel edges.
        location: one of `LOCATIONS`.
        candidates: positions in `ScanResult.candidates`, most probable first; of a mass that the second look
            found, its own before them.

    Raises:
        SettingsError: a value outside its range.
    """

    center_lps_mm: tuple[float, float, float]
    center_vox: tuple[float, float, float]
    nodule_prob: float
    malignancy_prob: float | None
    volume_mm3: float
    equivalent_diameter_mm: float
    long_axis_mm: float
    location: str
    candidates: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_prob("nodule_prob", self.nodule_prob)
        if self.malignancy_prob is not None:
            _check_prob("malignancy_prob", self.malignancy_prob)
        _check_location(self.location)


@dataclass(frozen=True)
class ScanResult:
    """Everything that the analysis of one scan answers.

    Args:
        series_uid: DICOM series instance UID, or the file's name without suffix.
        candidates: every group, in scan order (lowest slice first), then the masses of the second look.
        nodules: most probable first.
        record: the run record: versions, device, hashes, settings, timings; JSON types only.
        notes: what the reader and the analysis want the user to know, one sentence each.
        labels: (slices, rows, columns) unsigned in the analysed orientation: 0, or the number of
            the nodule, from 1, that holds the voxel.
        probability: (slices, rows, columns) uint8 in the analysed orientation: the
            segmentation's answer in steps of 1/255.
    """

    series_uid: str
    candidates: tuple[Candidate, ...]
    nodules: tuple[Nodule, ...]
    record: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    labels: NDArray[np.unsignedinteger] | None = field(default=None, repr=False, compare=False)
    probability: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        found = f"{len(self.nodules)} nodules of {len(self.candidates)} candidates"
        return f"ScanResult({self.series_uid}: {found})"


def _check_prob(name: str, value: float) -> None:
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise SettingsError(
            f"{name} is {value}", wanted="a probability from 0 to 1", do="Check the model's output."
        )


def _check_location(value: str) -> None:
    if value not in LOCATIONS:
        raise SettingsError(f"location is {value!r}", wanted=" or ".join(LOCATIONS), do="Use one of these.")
