"""Answers of an analysis made by hand, and scans of a datalist to hold them against."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lungmonai.data.datalist import ScanItem
from lungmonai.evaluation.scan_answers import ScanAnswers

Place = tuple[float, float, float]


def make_item(series: str = "1.2.3", nodules: Sequence[dict[str, Any]] = (), **more: Any) -> ScanItem:
    """A scan with nodules given as `make_nodule` gives them."""
    return {"image": f"{series}.mhd", "seriesuid": series, "patient": f"P-{series}", "nodules": list(nodules),
            "candidates": [], "fold": 0, **more}  # fmt: skip


def make_nodule(x: float, y: float = 0.0, z: float = 0.0, *, diameter: float = 10.0, **more: Any) -> dict:
    return {"lps_mm": (x, y, z), "diameter_mm": diameter, "malignant": False, **more}


def make_answers(
    candidates: Sequence[tuple[Place, float]] = (),
    reports: Sequence[tuple[Place, float, float]] = (),
    *,
    locations: Sequence[int] | None = None,
    marked: Sequence[int] = (),
    eroded: Sequence[int] = (),
    in_lungs: Sequence[bool] | None = None,
    dropped: Sequence[Place] = (),
    malignancy: Sequence[float] | None = None,
) -> ScanAnswers:
    """Answers: candidates as (place, prob), reports as (place, prob, malignancy prob), and the nodules'."""
    count, there = len(marked), len(reports)
    order = sorted(reports, key=lambda report: -report[1])
    return ScanAnswers(
        candidate_lps_mm=np.array([one[0] for one in candidates], float).reshape(-1, 3),
        candidate_prob=np.array([one[1] for one in candidates], np.float32),
        candidate_diameter_mm=np.full(len(candidates), 4.0),
        dropped_lps_mm=np.array(dropped, float).reshape(-1, 3),
        report_lps_mm=np.array([one[0] for one in order], float).reshape(-1, 3),
        report_prob=np.array([one[1] for one in order], float),
        report_malignancy=np.array([one[2] for one in order], float),
        report_diameter_mm=np.full(there, 5.0),
        report_location=np.array(locations if locations is not None else [0] * there, np.int64),
        nodule_seg_prob=np.full(count, 0.5),
        nodule_marked=np.array(marked, np.int64),
        nodule_eroded=np.array(eroded, np.int64),
        nodule_in_lungs=np.array(in_lungs if in_lungs is not None else [True] * count, np.bool_),
        nodule_malignancy=np.array(malignancy if malignancy is not None else [np.nan] * count, float),
    )


def random_scan(rng: np.random.Generator, threshold: float = 0.5) -> tuple[ScanItem, ScanAnswers]:
    """A crowded scan: candidates with few distinct probabilities, reports by merging those over it."""
    from lungmonai.analysis.merge import merge_detections

    nodules = [
        make_nodule(
            *rng.uniform(0, 40, 3),
            diameter=float(rng.choice([-1.0, 4.0, 8.0, 15.0])),
            malignant=[True, False, None][rng.integers(3)],
        )
        for _ in range(rng.integers(0, 6))
    ]
    places = rng.uniform(0, 40, (rng.integers(0, 25), 3))
    probs = rng.choice([0.1, 0.3, 0.5, 0.6, 0.9], len(places)).astype(np.float32)
    over = np.flatnonzero(probs > threshold)
    merged = merge_detections(places[over], probs[over], 10.0)
    firsts = [over[members[0]] for members in merged]
    reports = [(tuple(places[at]), float(probs[at]), float(rng.choice([0.2, 0.5, 0.8]))) for at in firsts]
    marked = rng.integers(0, 3, len(nodules))
    excluded = [(*rng.uniform(0, 40, 3).tolist(), float(rng.choice([-1.0, 12.0])))]
    answers = make_answers(
        [(tuple(place), float(prob)) for place, prob in zip(places, probs, strict=True)],
        reports,
        locations=rng.integers(0, 3, len(reports)).tolist(),
        marked=marked.tolist(),
        eroded=(marked * rng.integers(0, 2, len(nodules))).tolist(),
        in_lungs=(rng.random(len(nodules)) > 0.3).tolist(),
        malignancy=rng.random(len(nodules)).tolist(),
    )
    return make_item(nodules=nodules, excluded=excluded), answers
