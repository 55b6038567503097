"""A second, coarse look for masses: what is over 30 mm is too large for the networks in a scan's own voxels.

They learnt from nodules: what fills the field of the segmentation, or the whole crop of the classifier, is
none of these. In voxels of about 2.5 mm a mass looks to them as a nodule does in the scan's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..io.scan import CTScan
from ..networks.shapes import CROP_SHAPE
from ..nodule import LOCATIONS, Candidate
from ..progress import Progress
from .classify import classify_crops
from .coarse import CoarseScan, blocks_for
from .engine import Engine
from .group import Groups, group_voxels, voxels_of_sphere
from .lungs import LungMask
from .measure import grow_back
from .models import Models
from .segment import Window
from .segmenter import Segmenter
from .settings import AnalysisSettings

__all__ = ["MASS_MM", "Mass", "SecondLook", "look_for_masses"]

# Fleischner Society, glossary of terms for thoracic imaging (Hansell and others, Radiology 2008;246:697):
# an opacity up to 30 mm is a nodule, a larger one a mass.
MASS_MM = 30.0
# These three were chosen on scans that are none of the test's: docs/analysis.md, "Masses", has the numbers.
_COARSE_MM = (2.5, 2.5, 2.5)
# A mass is more probable than this, and than what a nodule has to be.
_LEAST_PROB = 0.5
# Share of its voxels in or about one lung. The heart and the great vessels, which look like masses, lie
# between the two.
_LEAST_IN_LUNG = 0.9
# What a coarse mask holds of the lung at its border is none of the mass; the limit of our nodule masks, which
# is that of Deep Learning with PyTorch, part 2. Not imported: that module loads MONAI, the analysis need not.
_LUNG_HU = -700
# `CTScan` wants so many voxels along each axis.
_LEAST_VOXELS = 3


@dataclass(frozen=True, eq=False)
class Mass:
    """One mass.

    Args:
        candidate: centre and voxels in the scan; its probability is the classifier's of a coarse crop.
        voxels: (M,) int64, ascending flat indices in the scan.
        near: (K,) int64, the same of all within one coarse voxel of it: its border is not known better.
    """

    candidate: Candidate
    voxels: NDArray[np.int64]
    near: NDArray[np.int64]


@dataclass(frozen=True)
class SecondLook:
    """What the second look found.

    Args:
        masses: most probable first.
        record: what was done, as JSON types.
    """

    masses: tuple[Mass, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Large:
    """A group over 30 mm.

    Args:
        center_vox: (3,) float, (slice, row, column) in the coarse scan.
        numbers: (B,) int64, ascending flat indices in the coarse scan.
        voxels: (M,) int64, ascending flat indices in the scan.
        location: the lung that most of it lies in or about.
        in_lung: share of it that does.
    """

    center_vox: NDArray[np.float64]
    numbers: NDArray[np.int64]
    voxels: NDArray[np.int64]
    location: str
    in_lung: float


def look_for_masses(
    scan: CTScan,
    lungs: LungMask,
    models: Models,
    engine: Engine,
    settings: AnalysisSettings,
    *,
    progress: Progress = lambda stage, done, total: None,
) -> SecondLook:
    """Segment, group and classify a scan in larger voxels, and keep what is a mass in a lung.

    A scan without lungs, or whose voxels are that large already, is not looked at again.

    Args:
        scan: upright.
        lungs: of it.
        models: the segmentation and the nodule classifier are used; its crops have the coarse voxels.
        engine: what runs them.
        settings: the thresholds, and whether to look at all.
        progress: called with `masses`, coarse slices done and coarse slices in all.
    """
    blocks = blocks_for(scan.spacing_mm, _COARSE_MM)
    why = _why_not(scan, blocks, lungs, settings)
    if why:
        return SecondLook(record={"looked": False, "why": why})
    coarse = CoarseScan.of(scan, blocks)
    segmenter = Segmenter(models.seg, engine, settings.mark_threshold)
    window = Window.whole(coarse.means.shape, models.seg.architecture.align)
    marks = segmenter(coarse.means.hu, window, partial(progress, "masses"))
    groups = group_voxels(marks.marked, coarse.means.hu)
    large = list(_large(groups, marks.marked, coarse, lungs))
    in_lung = [one for one in large if one.in_lung >= _LEAST_IN_LUNG]
    probs = _probs(in_lung, coarse.means, models, engine)
    least = max(_LEAST_PROB, settings.nodule_threshold)
    masses = [_mass(*pair, coarse) for pair in zip(in_lung, probs, strict=True) if pair[1] > least]
    record = {
        "looked": True,
        "spacing_mm": list(coarse.means.spacing_mm),
        "groups": len(groups),
        "over_30_mm": len(large),
        "in_a_lung": len(in_lung),
        "kept": len(masses),
        "more_probable_than": least,
    }
    return SecondLook(tuple(sorted(masses, key=lambda mass: -mass.candidate.nodule_prob)), record)


def _why_not(scan: CTScan, blocks: Sequence[int], lungs: LungMask, settings: AnalysisSettings) -> str:
    """Why a scan is not looked at again; empty if it is."""
    if not settings.masses:
        return "not asked for"
    if not lungs.found:
        return "no lungs were found"
    if blocks[1] == blocks[2] == 1:
        return "its pixels are as large already"
    if min(size // block for size, block in zip(scan.shape, blocks, strict=True)) < _LEAST_VOXELS:
        return "it is too small"
    return ""


def _large(
    groups: Groups, marked: NDArray[np.bool_], coarse: CoarseScan, lungs: LungMask
) -> Iterator[_Large]:
    """Groups over 30 mm, with and without the air at their border."""
    least, own_least = (voxels_of_sphere(MASS_MM, one.spacing_mm) for one in (coarse.means, coarse.own))
    hu = coarse.own.hu.reshape(-1)
    for group in range(len(groups)):
        numbers = grow_back(groups.voxels_of(group), marked)
        if len(numbers) < least:
            continue
        voxels = coarse.own_voxels(numbers)
        voxels = voxels[hu[voxels] > _LUNG_HU]
        if len(voxels) >= own_least:
            yield _Large(groups.center_vox[group], numbers, voxels, *_side(numbers, coarse, lungs))


def _side(numbers: NDArray[np.int64], coarse: CoarseScan, lungs: LungMask) -> tuple[str, float]:
    """The lung that most blocks lie in or about, and their share."""
    places = coarse.own_vox(np.stack(np.unravel_index(numbers, coarse.means.shape), axis=1))
    # However far from the lung's air: inside a mass there is none.
    counts = Counter(lungs.locations(places, np.full(len(places), np.inf)))
    side = max(LOCATIONS[:2], key=lambda name: counts[name])
    return side, counts[side] / len(numbers)


def _probs(large: Sequence[_Large], means: CTScan, models: Models, engine: Engine) -> list[float]:
    """Probability of each being a nodule, from the crop of coarse voxels around it."""
    if not large:
        return []
    answers = classify_crops(
        means,
        np.stack([one.center_vox for one in large]),
        engine.prepare(models.nodule, (engine.crops, 1, *CROP_SHAPE)),
        crop_spacing_mm=None,
        crops_per_call=engine.crops,
        progress=lambda done, total: None,
    )
    return [float(prob) for prob in answers]


def _mass(large: _Large, prob: float, coarse: CoarseScan) -> Mass:
    center_vox = coarse.own_vox(large.center_vox)
    z, y, x = (float(at) for at in center_vox)
    lps_x, lps_y, lps_z = (float(at) for at in coarse.own.lps_from_vox(center_vox))
    crop_vox = round(z), round(y), round(x)
    candidate = Candidate((lps_x, lps_y, lps_z), (z, y, x), crop_vox, len(large.voxels), prob, large.location)
    mask = np.zeros(coarse.means.shape, np.bool_)
    mask.reshape(-1)[large.numbers] = True
    near = ndimage.binary_dilation(mask, np.ones((3, 3, 3)))
    return Mass(candidate, large.voxels, coarse.own_voxels(np.flatnonzero(near)))
