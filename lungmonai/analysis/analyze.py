"""The end-to-end analysis of one scan."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..io.scan import CTScan
from ..networks.architectures import Architecture
from ..networks.shapes import CROP_SHAPE
from ..nodule import Candidate, Nodule, ScanResult
from ..progress import Progress
from .classify import classify_crops
from .engine import Engine, start_engine
from .group import Groups, group_voxels, split_by_label
from .lungs import LungMask, find_lungs
from .measure import grow_back, measure_voxels
from .merge import merge_detections
from .models import ModelFile, Models
from .record import Stopwatch, run_record
from .segment import Window
from .segmenter import Segmenter
from .settings import AnalysisSettings

__all__ = ["Progress", "analyze_scan"]


def analyze_scan(
    scan: CTScan,
    models: Models,
    settings: AnalysisSettings | None = None,
    *,
    engine: Engine | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> ScanResult:
    """Find the nodules of a scan: segment, group, classify, merge, measure.

    Args:
        scan: any orientation; positions come out in its own LPS frame.
        models: weights for each step.
        settings: see `AnalysisSettings`; None takes the defaults.
        engine: what runs the networks, such as a `KeptEngine` for many scans; None starts the settings'.
        progress: called with a stage's name, steps done and steps in all.

    Raises:
        EngineError: this machine lacks the device or engine asked for.
    """
    settings = settings or AnalysisSettings()
    watch = Stopwatch()

    # 1. Choose what runs the networks; turn the scan upright.
    engine = engine or start_engine(settings)
    with watch.stage("orient"):
        scan = scan.canonical()

    # 2. Find the lungs, and from them what to look at.
    progress("prepare", 0, 1)
    with watch.stage("lungs"):
        lungs = find_lungs(scan)
        window = _window(scan.shape, lungs, models.seg.architecture, settings.region)

    # 3. Mark voxels slice by slice.
    with watch.stage("prepare"):
        segmenter = Segmenter(models.seg, engine, settings.mark_threshold)
        segmenter.prepare(window)
    progress("prepare", 1, 1)
    with watch.stage("segment"):
        marks = segmenter(scan.hu, window, partial(progress, "segment"))

    # 4. Group marked voxels into candidates.
    with watch.stage("group"):
        groups = group_voxels(marks.marked, scan.hu)
        if settings.region == "lungs" and lungs.found:
            groups = groups.only(lungs.inside(groups.center_vox))
        centers_lps_mm = scan.lps_from_vox(groups.center_vox)
        # By way of millimetres, as the reference project goes: rounding may fall the other way.
        centers_vox = scan.vox_from_lps(centers_lps_mm)
        crops_vox = np.round(centers_vox).astype(np.int64)

    # 5. Classify the crop around each candidate.
    classify = partial(_classify, scan, engine=engine, watch=watch, progress=progress)
    nodule_probs = classify("classify", centers_vox, models.nodule)
    locations = _locations(groups, lungs, scan)
    candidates = _candidates(groups, centers_lps_mm, crops_vox, nodule_probs, locations)

    # 6. Merge detections of one nodule; judge malignancy if there is a model for it.
    over = np.flatnonzero(nodule_probs > settings.nodule_threshold)
    radius_mm = settings.merge_radius_mm if settings.merge else 0.0
    merged = merge_detections(centers_lps_mm[over], nodule_probs[over], radius_mm)
    members = [tuple(int(over[i]) for i in nodule) for nodule in merged]
    malignancy_probs: NDArray[np.float32] | None = None
    if models.malignancy is not None:
        firsts = np.array([nodule[0] for nodule in members], dtype=np.int64)
        malignancy_probs = classify("malignancy", centers_vox[firsts], models.malignancy)

    # 7. Measure each nodule from its voxels.
    with watch.stage("measure"):
        labels = _nodule_labels(members, groups, marks.marked)
        nodules = _nodules(members, candidates, labels, malignancy_probs, scan)

    # 8. Write down what ran.
    record = run_record(scan, models, settings, engine, watch)
    notes = (*scan.notes, *engine.notes, *filter(None, [lungs.note]))
    return ScanResult(scan.series_uid, candidates, nodules, record, notes, labels, marks.probability)


def _window(shape: tuple[int, int, int], lungs: LungMask, architecture: Architecture, region: str) -> Window:
    """The whole scan, or the lungs' box with the halo that makes its inside exact."""
    box = lungs.box(shape) if region == "lungs" else None
    if region == "scan" or box is None:
        return Window.whole(shape, architecture.align)
    _, rows, columns = shape
    inner_slices, inner_rows, inner_columns = box
    shown_rows = _with_halo(inner_rows, rows, architecture)
    shown_columns = _with_halo(inner_columns, columns, architecture)
    return Window(shown_rows, shown_columns, inner_rows, inner_columns, inner_slices, architecture.align)


def _with_halo(inner: tuple[int, int], size: int, architecture: Architecture) -> tuple[int, int]:
    align = architecture.align
    low = max(0, inner[0] - architecture.halo) // align * align
    high = -(-(inner[1] + architecture.halo) // align) * align
    return low, min(high, size)


def _classify(
    scan: CTScan,
    stage: str,
    centers_vox: NDArray[np.float64],
    model: ModelFile,
    *,
    engine: Engine,
    watch: Stopwatch,
    progress: Progress,
) -> NDArray[np.float32]:
    if not len(centers_vox):
        return np.zeros(0, dtype=np.float32)
    with watch.stage("prepare"):
        run = engine.prepare(model, (engine.crops, 1, *CROP_SHAPE))
    with watch.stage(stage):
        return classify_crops(
            scan,
            centers_vox,
            run,
            crop_spacing_mm=model.crop_spacing_mm,
            crops_per_call=engine.crops,
            progress=partial(progress, stage),
        )


def _locations(groups: Groups, lungs: LungMask, scan: CTScan) -> list[str]:
    voxel_mm3 = float(np.prod(scan.spacing_mm))
    radius_mm = np.cbrt(groups.counts * voxel_mm3 * 3 / (4 * np.pi))
    return lungs.locations(groups.center_vox, radius_mm)


def _candidates(
    groups: Groups,
    centers_lps_mm: NDArray[np.float64],
    crops_vox: NDArray[np.int64],
    probs: NDArray[np.float32],
    locations: list[str],
) -> tuple[Candidate, ...]:
    columns = zip(
        centers_lps_mm.tolist(),
        groups.center_vox.tolist(),
        crops_vox.tolist(),
        groups.counts.tolist(),
        probs.tolist(),
        locations,
        strict=True,
    )
    return tuple(
        Candidate(tuple(lps), tuple(vox), tuple(crop), voxels, prob, location)
        for lps, vox, crop, voxels, prob, location in columns
    )


def _nodule_labels(
    members: list[tuple[int, ...]], groups: Groups, marked: NDArray[np.bool_]
) -> NDArray[np.unsignedinteger]:
    """Number the voxels of each nodule; one that two could claim goes to the more probable."""
    labels = np.zeros(marked.shape, dtype=np.min_scalar_type(len(members)))
    flat = labels.reshape(-1)
    for number, nodule in reversed(list(enumerate(members, start=1))):
        for group in nodule:
            flat[grow_back(groups.voxels_of(group), marked)] = number
    return labels


def _nodules(
    members: list[tuple[int, ...]],
    candidates: tuple[Candidate, ...],
    labels: NDArray[np.unsignedinteger],
    malignancy_probs: NDArray[np.float32] | None,
    scan: CTScan,
) -> tuple[Nodule, ...]:
    flat = np.flatnonzero(labels)
    voxels = split_by_label(flat, labels.reshape(-1)[flat], len(members) + 1)
    nodules = []
    for number, nodule in enumerate(members, start=1):
        first = candidates[nodule[0]]
        size = measure_voxels(voxels[number], scan.shape, scan.spacing_mm)
        malignancy = None if malignancy_probs is None else float(malignancy_probs[number - 1])
        nodules.append(
            Nodule(
                first.center_lps_mm,
                first.center_vox,
                first.nodule_prob,
                malignancy,
                size.volume_mm3,
                size.equivalent_diameter_mm,
                size.long_axis_mm,
                first.location,
                nodule,
            )
        )
    return tuple(nodules)
