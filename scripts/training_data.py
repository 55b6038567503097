"""Make the data set that the shipped weights are trained, validated and tested on.

    python scripts/training_data.py DIR [--shared DIR] [--workers N]

Phantoms, and composites: the real LIDC nodules of `lidc_nodules` blended into phantoms without nodules and
into real CTs. Patients of LUNA16's subset 7 are for testing only, those of subset 6 for validation; nobody
of either lends a nodule's shape to a training phantom. The real CT `lung1` is a background of the test only.

Writes `DIR/datalist.json` (training and validation), `DIR/mining.json` (those of its scans that are mined
for hard negatives) and `DIR/test/datalist.json`. Twelve minutes and 20 GB on one core; a run that was
stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lungmonai.cli import run_or_exit
from lungmonai.data import (
    all_items,
    prepare_luna16,
    read_datalist,
    write_composites,
    write_datalist,
    write_phantoms,
)
from lungmonai.data.datalist import ScanItem
from lungmonai.files import make_folder
from lungmonai.progress import Bars

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"

TRAINING_SUBSETS, VALIDATION_SUBSET, TEST_SUBSET = (0, 1, 2, 3, 4, 5), 6, 7
# Phantoms without nodules, in the order of their series UIDs.
BACKGROUNDS = {"train": slice(0, 22), "val": slice(22, 27), "test": slice(27, 34)}
PHANTOMS = 30
# What these CTs brought along: LPS mm and diameter. It counts neither as nodule nor as none. The
# first was measured in the slices, the second is the middle of its boxes, the third of its mask.
OWN_FINDINGS = {
    "BACKGROUND-c3n-00247": (-85.6, -193.0, -192.0, 25.0),
    "BACKGROUND-lung-dx-a0001": (40.5, 199.0, -209.0, 65.0),
    "BACKGROUND-lung1_image": (-21.86, -120.54, -611.5, 13.75),
}
# Candidates this much beyond an own finding are left out as well.
OWN_MARGIN_MM = 5.0
# Scans that are mined, of each kind: about half of all, since mining takes longest.
MINED = {"real": 16, "train": 18, "phantoms": 14}


def make_scans(root: Path, shared: Path, workers: int, bars: Bars) -> None:
    """Every folder of scans, each in LUNA16's layout."""
    held_out = _series_of(shared, {VALIDATION_SUBSET, TEST_SUBSET})
    common = {"workers": workers, "progress": bars}
    write_phantoms(root / "backgrounds", 34, 500, nodules_per_scan=(0, 0), **common)
    write_phantoms(root / "phantoms", PHANTOMS, 100, without=held_out, **common)
    empty = sorted((root / "backgrounds").glob("subset*/*.mhd"), key=lambda path: path.name)
    ct, nodules = shared / "ct", shared / "lidc_nodules" / "nodules.csv"
    real = [ct / "c3n-00247", ct / "lung-dx-a0001"]

    def composites(
        name: str,
        backgrounds: list[Path],
        subsets: Sequence[int],
        scans: int,
        seed: int,
        most: tuple[int, int],
    ) -> None:
        write_composites(
            root / name,
            scans,
            seed,
            backgrounds=backgrounds,
            nodules=nodules,
            nodules_per_scan=most,
            subsets=subsets,
            **common,
        )

    composites("train", [*empty[BACKGROUNDS["train"]], *real], TRAINING_SUBSETS, 48, 1, (8, 14))
    composites("val", empty[BACKGROUNDS["val"]], [VALIDATION_SUBSET], 10, 2, (6, 10))
    composites("test", [*empty[BACKGROUNDS["test"]], ct / "lung1_image.nrrd"], [TEST_SUBSET], 12, 3, (5, 8))
    composites("real", real, TRAINING_SUBSETS, 24, 4, (8, 14))


def items_of(folder: Path) -> list[ScanItem]:
    """The scans of a folder, with the backgrounds' own findings put aside."""
    prepare_luna16(folder)
    return [_own_aside(item) for _, item in all_items(read_datalist(folder / "datalist.json"))]


def _own_aside(item: ScanItem) -> ScanItem:
    own = OWN_FINDINGS.get(item["patient"])
    if own is None:
        return item
    reach = own[3] / 2 + OWN_MARGIN_MM
    far = [row for row in item["candidates"] if row[3] == 1 or math.dist(row[:3], own[:3]) > reach]
    return {**item, "excluded": [*item.get("excluded", []), own], "candidates": far}


def _series_of(shared: Path, subsets: set[int]) -> list[str]:
    named = json.loads((shared / "luna16" / "subsets.json").read_text())
    chosen = [uids for name, uids in named.items() if int(name.removeprefix("subset")) in subsets]
    return [uid for uids in chosen for uid in uids]


def make(root: Path, shared: Path, workers: int) -> None:
    """The whole data set."""
    make_folder(root)
    with Bars() as bars:
        make_scans(root, shared, workers, bars)
    parts = {name: items_of(root / name) for name in ("phantoms", "train", "real", "val", "test")}
    training = [item for name in ("phantoms", "train", "real") for item in parts[name]]
    write_datalist(
        root / "datalist.json",
        {"name": "training of the shipped weights"},
        {"training": training, "validation": parts["val"]},
    )
    mined = [item for name, count in MINED.items() for item in parts[name][:count]]
    write_datalist(root / "mining.json", {"name": "mined for hard negatives"}, {"training": mined})
    write_datalist(root / "test" / "datalist.json", {"name": "subset 7"}, {"test": parts["test"]})
    for name, items in parts.items():
        nodules = sum(len(item["nodules"]) for item in items)
        sys.stdout.write(f"{name}: {len(items)} scans, {nodules} nodules\n")


def main() -> None:
    """Parse the options and make it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dir", type=Path)
    parser.add_argument(
        "--shared", type=Path, default=Path(os.environ.get("LUNGMONAI_SHARED_DATA", BESIDE)), metavar="DIR"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N")
    options = parser.parse_args()
    run_or_exit(lambda: make(options.dir, options.shared, options.workers))


if __name__ == "__main__":
    main()
