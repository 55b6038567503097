"""The end-to-end analysis of one scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..io.scan import CTScan
from ..networks.architectures import Architecture
from ..networks.shapes import CROP_SHAPE
from ..nodule import Candidate, Nodule, ScanResult
from ..progress import Progress
from ..words import many
from .classify import classify_crops
from .engine import Engine, start_engine
from .findings import Finding, findings_of, measured, numbered, with_masses
from .group import Groups, group_scan
from .lungs import LungMask, find_lungs
from .masses import MASS_MM, look_for_masses
from .measure import NoduleSize
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
    """Find the nodules of a scan: segment, group, classify, merge, look again for masses, measure.

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
        groups = _groups(marks.marked, scan, lungs, settings)
        centers_lps_mm = scan.lps_from_vox(groups.center_vox)
        # By way of millimetres, as the reference project goes: rounding may fall the other way.
        centers_vox = scan.vox_from_lps(centers_lps_mm)

    # 5. Classify the crop around each candidate.
    classify = partial(_classify, scan, engine=engine, watch=watch, progress=progress)
    nodule_probs = classify("classify", centers_vox, models.nodule)
    locations = _locations(groups, lungs, scan)
    candidates = _candidates(groups, centers_lps_mm, centers_vox, nodule_probs, locations)

    # 6. Merge detections of one nodule.
    members = _merged(centers_lps_mm, nodule_probs, settings)
    with watch.stage("measure"):
        findings = findings_of(members, groups, marks.marked)

    # 7. Look again, in larger voxels, for masses; each takes over what was found of it.
    with watch.stage("masses"):
        look = look_for_masses(scan, lungs, models, engine, settings, progress=progress)
    candidates += tuple(mass.candidate for mass in look.masses)
    findings = with_masses(findings, look.masses, candidates)

    # 8. Measure each nodule from its voxels.
    with watch.stage("measure"):
        labels = numbered(findings, scan.shape)
        sizes = measured(labels, len(findings), scan.spacing_mm)

    # 9. Judge malignancy, if there is a model for it, of what it was trained on: nodules, not masses.
    judge = partial(classify, "malignancy", model=models.malignancy) if models.malignancy else None
    malignancy_probs, note = _malignancy(findings, sizes, centers_vox, judge)
    nodules = _nodules(findings, candidates, sizes, malignancy_probs)

    # 10. Write down what ran.
    record = run_record(scan, models, settings, engine, watch)
    record["masses"] = look.record | {"nodules": _numbers_of_masses(findings)}
    notes = (*scan.notes, *engine.notes, *filter(None, [lungs.note, note]))
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


def _groups(marked: NDArray[np.bool_], scan: CTScan, lungs: LungMask, settings: AnalysisSettings) -> Groups:
    groups = group_scan(marked, scan, settings.keep_thin_mm)
    if settings.region == "lungs" and lungs.found:
        return groups.only(lungs.inside(groups.center_vox))
    return groups


def _locations(groups: Groups, lungs: LungMask, scan: CTScan) -> list[str]:
    voxel_mm3 = float(np.prod(scan.spacing_mm))
    radius_mm = np.cbrt(groups.counts * voxel_mm3 * 3 / (4 * np.pi))
    return lungs.locations(groups.center_vox, radius_mm)


def _candidates(
    groups: Groups,
    centers_lps_mm: NDArray[np.float64],
    centers_vox: NDArray[np.float64],
    probs: NDArray[np.float32],
    locations: list[str],
) -> tuple[Candidate, ...]:
    columns = zip(
        centers_lps_mm.tolist(),
        groups.center_vox.tolist(),
        np.round(centers_vox).astype(np.int64).tolist(),
        groups.counts.tolist(),
        probs.tolist(),
        locations,
        strict=True,
    )
    return tuple(
        Candidate(tuple(lps), tuple(vox), tuple(crop), voxels, prob, location)
        for lps, vox, crop, voxels, prob, location in columns
    )


def _merged(
    centers_lps_mm: NDArray[np.float64], nodule_probs: NDArray[np.float32], settings: AnalysisSettings
) -> list[tuple[int, ...]]:
    """Places of the candidates over the threshold, those of one nodule together."""
    over = np.flatnonzero(nodule_probs > settings.nodule_threshold)
    radius_mm = settings.merge_radius_mm if settings.merge else 0.0
    merged = merge_detections(centers_lps_mm[over], nodule_probs[over], radius_mm)
    return [tuple(int(over[place]) for place in nodule) for nodule in merged]


def _malignancy(
    findings: Sequence[Finding],
    sizes: Sequence[NoduleSize],
    centers_vox: NDArray[np.float64],
    judge: Callable[[NDArray[np.float64]], NDArray[np.float32]] | None,
) -> tuple[list[float | None], str]:
    """P(malignant) of each finding, None where it is not judged; and what is to be said of that."""
    probs: list[float | None] = [None] * len(findings)
    if judge is None:
        return probs, ""
    pairs = zip(findings, sizes, strict=True)
    judged = [number for number, pair in enumerate(pairs) if _is_nodule(*pair)]
    firsts = np.array([findings[number].candidates[0] for number in judged], dtype=np.int64)
    for number, prob in zip(judged, judge(centers_vox[firsts]).tolist(), strict=True):
        probs[number] = prob
    return probs, _unjudged_note(len(findings) - len(judged))


def _is_nodule(finding: Finding, size: NoduleSize) -> bool:
    return not finding.is_mass and size.equivalent_diameter_mm <= MASS_MM


def _numbers_of_masses(findings: Sequence[Finding]) -> list[int]:
    return [number for number, finding in enumerate(findings, start=1) if finding.is_mass]


def _unjudged_note(count: int) -> str:
    if not count:
        return ""
    return (
        f"P(malignant) is left out for {many(count, 'finding')} over {MASS_MM:g} mm: its network was "
        "trained on nodules up to that size, and says nothing of masses."
    )


def _nodules(
    findings: Sequence[Finding],
    candidates: Sequence[Candidate],
    sizes: Sequence[NoduleSize],
    malignancy_probs: Sequence[float | None],
) -> tuple[Nodule, ...]:
    nodules = []
    for finding, size, malignancy in zip(findings, sizes, malignancy_probs, strict=True):
        first = candidates[finding.candidates[0]]
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
                finding.candidates,
            )
        )
    return tuple(nodules)
