"""What becomes one nodule: its candidates and its voxels; detections and masses of the same place are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..nodule import Candidate
from .group import Groups, split_by_label
from .masses import Mass
from .measure import NoduleSize, grow_back, measure_voxels

__all__ = ["Finding", "findings_of", "measured", "numbered", "with_masses"]

# Of the smaller one's voxels: what two findings share if they are the same.
_SAME_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Finding:
    """One nodule in the making.

    Args:
        candidates: places in the list of candidates; the first gives centre and probability.
        voxels: (M,) int64, ascending flat indices in the scan.
        is_mass: whether the second look found it.
    """

    candidates: tuple[int, ...]
    voxels: NDArray[np.int64]
    is_mass: bool = False


def findings_of(
    members: Sequence[tuple[int, ...]], groups: Groups, marked: NDArray[np.bool_]
) -> list[Finding]:
    """Merged detections with the voxels of their groups, grown back by what the erosion took.

    Args:
        members: places of groups, as from `merge_detections`.
        groups: of the scan.
        marked: (slices, rows, columns) bool, before erosion.
    """
    findings = []
    for nodule in members:
        voxels = [grow_back(groups.voxels_of(group), marked) for group in nodule]
        findings.append(Finding(nodule, np.unique(np.concatenate(voxels))))
    return findings


def with_masses(
    findings: Sequence[Finding], masses: Sequence[Mass], candidates: Sequence[Candidate]
) -> list[Finding]:
    """Add masses; each takes over the findings that are the same as it, or parts of it.

    That is where half of the smaller one's voxels are shared, the mass taken one coarse voxel larger; and
    where several that share less could leave nothing of the mass. Of what it takes over, a mass does not get
    the voxels of another mass: every finding has some of its own.

    Args:
        findings: most probable first.
        masses: the more probable of two takes first.
        candidates: of the scan, those of the masses last and in the same order.

    Returns:
        All, most probable first.
    """
    left, added = list(findings), []
    of_masses = np.concatenate([np.zeros(0, np.int64), *(mass.voxels for mass in masses)])
    for number, mass in enumerate(masses, start=len(candidates) - len(masses)):
        same = _same(left, mass)
        taken = [one for one, is_same in zip(left, same, strict=True) if is_same]
        left = [one for one, is_same in zip(left, same, strict=True) if not is_same]
        places = [place for one in taken for place in one.candidates]
        places.sort(key=lambda place: -candidates[place].nodule_prob)
        further = np.concatenate([np.zeros(0, np.int64), *(one.voxels for one in taken)])
        voxels = np.union1d(mass.voxels, np.setdiff1d(further, of_masses))
        added.append(Finding((number, *places), voxels, is_mass=True))
    return sorted([*left, *added], key=lambda one: -candidates[one.candidates[0]].nodule_prob)


def _same(findings: Sequence[Finding], mass: Mass) -> NDArray[np.bool_]:
    """Which findings a mass takes over."""
    shared = np.array([_shared(one.voxels, mass.near) for one in findings], np.int64)
    sizes = np.array([len(one.voxels) for one in findings], np.int64)
    same: NDArray[np.bool_] = shared >= _SAME_SHARE * np.minimum(sizes, len(mass.voxels))
    if shared[~same].sum() >= len(mass.voxels):
        same |= shared > 0
    return same


def _shared(some: NDArray[np.int64], ascending: NDArray[np.int64]) -> int:
    places = np.searchsorted(ascending, some).clip(max=len(ascending) - 1)
    return int(np.count_nonzero(ascending[places] == some))


def numbered(findings: Sequence[Finding], shape: tuple[int, int, int]) -> NDArray[np.unsignedinteger]:
    """Number the voxels of each finding from 1.

    A voxel that two could claim goes to the earlier one, and to a nodule rather than to a mass, whose border
    is coarse.

    Args:
        findings: most probable first.
        shape: (slices, rows, columns) of the scan.

    Returns:
        (slices, rows, columns) unsigned; 0 where there is none.
    """
    labels = np.zeros(shape, dtype=np.min_scalar_type(len(findings)))
    flat = labels.reshape(-1)
    last_first = sorted(enumerate(findings, start=1), key=lambda one: (not one[1].is_mass, -one[0]))
    for number, finding in last_first:
        flat[finding.voxels] = number
    return labels


def measured(
    labels: NDArray[np.unsignedinteger], count: int, spacing_mm: tuple[float, float, float]
) -> list[NoduleSize]:
    """The size of each finding.

    Args:
        labels: (slices, rows, columns) unsigned, as from `numbered`.
        count: of the findings.
        spacing_mm: between columns, rows and slices.
    """
    slices, rows, columns = labels.shape
    flat = np.flatnonzero(labels)
    voxels = split_by_label(flat, labels.reshape(-1)[flat], count + 1)
    return [measure_voxels(one, (slices, rows, columns), spacing_mm) for one in voxels[1:]]
