"""A folder as `lungmonai evaluate analysis` writes it, small enough to count by hand."""

import json
from pathlib import Path

SEG, NODULE = "cc" * 32, "dd" * 32
SCANS = ("1.1", "1.2", "1.3", "1.4")
# By scan: places of marks in mm along x, and their probabilities. Nodules lie at 0, excluded findings at 500.
MARKS = {
    "1.1": ((0.5, 0.9), (100, 0.2), (500, 0.95)),
    "1.2": ((0.5, 0.6), (100, 0.8), (200, 0.3)),
    "1.3": ((0.5, 0.5), (1.0, 0.4), (100, 0.7)),
    "1.4": ((100, 0.1),),
}


def write_folder(folder: Path, nodule_sha256: str = NODULE) -> Path:
    """Four scans with a nodule each, five false marks, and one on an excluded finding."""
    folder.mkdir(parents=True)
    rows = [f"{scan},{x},0,0,{prob}" for scan, marks in MARKS.items() for x, prob in marks]
    _write(folder / "submission.csv", "seriesuid,coordX,coordY,coordZ,probability", rows)
    head = "seriesuid,coordX,coordY,coordZ,diameter_mm"
    _write(folder / "annotations.csv", head, [f"{scan},0,0,0,8" for scan in SCANS])
    _write(folder / "annotations_excluded.csv", head, ["1.1,500,0,0,-1"])
    (folder / "seriesuids.csv").write_text("".join(f"{scan}\n" for scan in SCANS))
    content = {
        "format": 1,
        "datalist": "datalist.json",
        "split": "validation",
        "weights": {"seg": {"sha256": SEG}, "nodule": {"sha256": nodule_sha256}, "malignancy": None},
        "settings": {
            "engine": "auto", "region": "scan", "merge": True, "merge_radius_mm": 10.0, "mark_threshold": 0.5,
            "nodule_threshold": 0.5,
        },
    }  # fmt: skip
    (folder / "evaluation.json").write_text(json.dumps(content))
    return folder


def _write(path: Path, head: str, rows: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in (head, *rows)))
