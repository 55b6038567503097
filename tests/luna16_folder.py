"""A folder as LUNA16's archives leave it, with tiny scans, for tests."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scan_writers import Geometry, write_itk

POSITION = ("coordX", "coordY", "coordZ")
HEADS = {
    "annotations": ("seriesuid", *POSITION, "diameter_mm"),
    "annotations_excluded": ("seriesuid", *POSITION, "diameter_mm"),
    "candidates_V2": ("seriesuid", *POSITION, "class"),
    "candidates": ("seriesuid", *POSITION, "class"),
    "annotations_with_malignancy": (
        "seriesuid", *POSITION, "diameter_mm", "mal_bool", "mal_details", "bboxLowX", "bboxLowY", "bboxLowZ",
        "bboxHighX", "bboxHighY", "bboxHighZ", "len_mal_details",
    ),
    "patients": ("seriesuid", "patient_id", "studyuid"),
}  # fmt: skip
SHAPE = (16, 32, 32)
# Rows and columns run backwards, as in a third of LUNA16.
FLIPPED = np.diag([-1.0, -1.0, 1.0])


class Luna16Folder:
    """Writes scans and tables below a folder, and knows where voxels lie."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.geometry: dict[str, Geometry] = {}

    def scan(self, subset: int, uid: str, *, flipped: bool = False, compress: bool = False) -> Path:
        """Write a scan whose voxels tell where they are; its geometry is the series' own."""
        folder = self.root / f"subset{subset}"
        folder.mkdir(parents=True, exist_ok=True)
        origin = (-100.0 - len(self.geometry), 33.25, -210.0)
        self.geometry[uid] = Geometry(origin=origin, direction=FLIPPED if flipped else np.eye(3))
        seed = sum(map(ord, uid))
        hu = np.random.default_rng(seed).integers(-900, 200, SHAPE).astype(np.int16)
        return write_itk(folder / f"{uid}.mhd", hu, self.geometry[uid], compress=compress)

    def lps(self, uid: str, *vox: float) -> tuple[float, ...]:
        """World position of a (slice, row, column)."""
        return tuple(self.geometry[uid].lps(vox).tolist())  # type: ignore[arg-type]

    def table(self, name: str, rows: Iterable[Sequence[Any]], folder: str = "") -> Path:
        """Write a table with its usual header."""
        path = self.root / folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([HEADS[name], *rows])
        return path

    def quarantine(self) -> list[dict[str, str]]:
        """What was left out."""
        with (self.root / "quarantine.csv").open(newline="") as file:
            return list(csv.DictReader(file))


def good_folder(root: Path, scans: int = 6) -> Luna16Folder:
    """Scans a, b, … in two subsets, each with one nodule of 4 mm, and the tables."""
    made = Luna16Folder(root)
    uids = [f"1.2.{number}" for number in range(scans)]
    for number, uid in enumerate(uids):
        made.scan(number % 2, uid)
    made.table("annotations", [(uid, *made.lps(uid, 8, 16, 16), 4.0) for uid in uids])
    made.table("candidates_V2", [(uid, *made.lps(uid, 3, 5, 5), 0) for uid in uids])
    made.table("annotations_excluded", [(uid, *made.lps(uid, 4, 20, 5), -1) for uid in uids])
    made.table("patients", [(uid, f"P{number}", f"S{number}") for number, uid in enumerate(uids)])
    return made
