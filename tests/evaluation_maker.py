"""Evaluations as `evaluation.json` holds them, of any size, whose counts fit each other."""

from typing import Any

import numpy as np

STAGES = (
    "outside the lung mask",
    "under the segmentation threshold",
    "eroded away",
    "merged",
    "filtered by the classifier",
    "misjudged as benign",
    "found",
)
SOURCES = (
    "second report of a nodule",
    "on an excluded finding",
    "outside the lungs",
    "beside a nodule",
    "let through by the classifier",
)
RATES = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
_SHARES = (0, 0.06, 0.03, 0.02, 0.08, 0.06, 0.75)
_SOURCE_SHARES = (0.05, 0.1, 0.1, 0.15, 0.6)


def make_evaluation(scans: int, *, seed: int = 0, bootstrap: bool = True, failed: int = 0) -> dict[str, Any]:
    """An evaluation of so many scans, the last ones failed."""
    rng = np.random.default_rng(seed)
    uids = [f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{rng.integers(10**15):015d}{n:012d}" for n in range(scans)]
    good = uids[: scans - failed]
    nodules = [
        _nodule(rng, n, uid) for n, uid in enumerate(u for u in good for _ in range(rng.poisson(1.3) + 1))
    ]
    false = [_report(rng, n, uid) for n, uid in enumerate(u for u in good for _ in range(rng.poisson(3) + 1))]
    rows = [_scan(rng, n, uid, nodules, false, uid not in good) for n, uid in enumerate(uids)]
    counts = np.sum([row["table"] for row in rows], axis=0).tolist()
    return {
        "format": 1,
        "lungmonai": "0.1.0",
        "datalist": "datalist.json",
        "split": "test",
        "weights": {
            "seg": {"sha256": "ab" * 32, "origin": "trained on composites of real nodules"},
            "nodule": {"sha256": "cd" * 32, "origin": "trained on composites of real nodules"},
            "malignancy": None,
        },
        "settings": {"engine": "auto", "precision": "bfloat16", "region": "lungs", "mark_threshold": 0.5},
        "scans": rows,
        "table": {
            "rows": ["non-nodule", "benign", "malignant", "undecided"],
            "columns": ["complete miss", "filtered out", "predicted benign", "predicted malignant"],
            "counts": counts,
        },
        "malignancy": {"nodules": 9, "auc": 0.91, "auc_diameter": 0.88, "auc_interval": [0.8, 0.97]},
        "engine": {"engine": "openvino", "threads": 1},
        "froc": _froc(scans, len(nodules), bootstrap=bootstrap),
        "waterfall": {
            "nodules": [[stage, sum(one["stage"] == stage for one in nodules)] for stage in STAGES],
            "false_positives": [[source, sum(one["stage"] == source for one in false)] for source in SOURCES],
        },
        "nodules": nodules,
        "false_positives": false,
    }


def _nodule(rng: np.random.Generator, number: int, uid: str) -> dict[str, Any]:
    stage = STAGES[rng.choice(len(STAGES), p=_SHARES)]
    malignant = None if rng.random() < 0.1 else bool(rng.random() < 0.3 or stage == "misjudged as benign")
    seen = stage in STAGES[4:]
    found = stage in STAGES[5:]
    return {
        "id": f"n{number + 1:04d}",
        "seriesuid": uid,
        "lps_mm": rng.uniform(-150, 150, 3).round(2).tolist(),
        "diameter_mm": round(float(rng.lognormal(2, 0.5)), 2),
        "malignant": malignant,
        "texture": None,
        "found": found,
        "found_luna16": found,
        "stage": stage,
        "segmentation_prob": round(float(rng.uniform(0.5, 1)), 4)
        if seen
        else round(float(rng.uniform(0, 0.5)), 4),
        "marked_voxels": int(rng.integers(20, 900)) if seen else 0,
        "eroded_voxels": int(rng.integers(1, 300)) if seen else 0,
        "nodule_prob": round(float(rng.uniform(0.5, 1) if found else rng.uniform(0, 0.5)), 4)
        if seen
        else None,
        "malignancy_prob": round(float(rng.random()), 4) if found else None,
        "malignancy_prob_at_center": round(float(rng.random()), 4),
    }


def _report(rng: np.random.Generator, number: int, uid: str) -> dict[str, Any]:
    return {
        "id": f"f{number + 1:04d}",
        "seriesuid": uid,
        "lps_mm": rng.uniform(-150, 150, 3).round(2).tolist(),
        "diameter_mm": round(float(rng.lognormal(1.7, 0.5)), 2),
        "location": "right lung",
        "stage": SOURCES[rng.choice(len(SOURCES), p=_SOURCE_SHARES)],
        "nodule_prob": round(float(rng.uniform(0.5, 1)), 4),
        "malignancy_prob": round(float(rng.random()), 4),
    }


def _scan(
    rng: np.random.Generator, number: int, uid: str, nodules: list[Any], false: list[Any], failed: bool
) -> dict[str, Any]:
    mine = [one for one in nodules if one["seriesuid"] == uid]
    reports = [one for one in false if one["seriesuid"] == uid]
    table = [[0] * 4 for _ in range(4)]
    for one in mine:
        table[{False: 1, True: 2, None: 3}[one["malignant"]]][_column(one)] += 1
    candidates = 0 if failed else int(rng.integers(100, 500))
    table[0][1:3] = [candidates, len(reports)]
    return {
        "seriesuid": uid,
        "patient": f"LIDC-IDRI-{number:04d}",
        "nodules": len(mine),
        "found": sum(one["found"] for one in mine),
        "false_positives": len(reports),
        "candidates": candidates,
        "failed": "GeometryError: slices are missing" if failed else None,
        "table": table,
    }


def _column(nodule: dict[str, Any]) -> int:
    if nodule["stage"] == "misjudged as benign":
        return 2
    return 3 if nodule["found"] else int(nodule["stage"] == "filtered by the classifier")


def _froc(scans: int, nodules: int, *, bootstrap: bool) -> dict[str, Any]:
    xs = np.geomspace(1 / 8, 8, 100)
    ys = 0.93 - 0.25 * np.exp(-xs)
    at = 0.93 - 0.25 * np.exp(-np.array(RATES))
    froc: dict[str, Any] = {
        "cpm": float(at.mean()),
        "rates": RATES,
        "sensitivity": at.tolist(),
        "true_positives": nodules,
        "false_negatives": 0,
        "false_positives": 300 * scans,
        "ignored": 5,
        "duplicates": 9,
        "scans": scans,
        "strata": [
            {"by": "diameter", "name": "< 6 mm", "nodules": 7, "found": 5, "cpm": 0.5, "cpm_interval": None}
        ],
        "notes": ["3 marks do not count: they lie in scans that are not evaluated"],
        "bootstrap": {"draws": 1000, "seed": 17, "level": 0.95} if bootstrap else None,
        "curve": {"false_per_scan": xs.tolist(), "sensitivity": ys.tolist(), "low": None, "high": None},
    }
    if bootstrap:
        froc["cpm_interval"] = [float(at.mean()) - 0.02, float(at.mean()) + 0.02]
        froc["sensitivity_interval"] = [[value - 0.03, min(1.0, value + 0.03)] for value in at.tolist()]
        froc["curve"]["low"] = (ys - 0.03).tolist()
        froc["curve"]["high"] = np.minimum(ys + 0.03, 1).tolist()
    return froc
