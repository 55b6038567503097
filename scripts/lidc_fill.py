"""Measure which pixels of a reader's outline LUNA16 counted to a nodule.

    python scripts/lidc_fill.py annotations_with_malignancy.csv

For each rule: our diameter less the published one. Printed with the table in docs/lidc.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lungmonai.data.lidc.agreement import compare_published, read_published
from lungmonai.data.lidc.database import Contour, LidcDatabase, Reading
from lungmonai.data.lidc.masks import reading_mask
from lungmonai.data.lidc.nodules import LidcNodule
from lungmonai.data.lidc.parts import READERS


def areas(nodule: LidcNodule, reading: Reading) -> dict[str, float]:
    """Voxels of a reading by each rule, summed over its slices."""
    inside = float(reading_mask(nodule.scan, reading)[1].sum())
    signs = [1 if contour.inclusion else -1 for contour in reading.contours]
    edge = sum(s * len(np.unique(c.points_vox, axis=0)) for s, c in zip(signs, reading.contours, strict=True))
    polygon = sum(s * shoelace(c) for s, c in zip(signs, reading.contours, strict=True))
    return {
        "inside, without the outline": inside,
        "with the outline": inside + edge,
        "with half of the outline": inside + edge / 2,
        "area of the polygon": polygon,
    }


def shoelace(contour: Contour) -> float:
    """Area of the polygon through an outline's points."""
    row, column = contour.points_vox.T.astype(float)
    return float(abs(row @ np.roll(column, 1) - column @ np.roll(row, 1)) / 2)


def main(path: Path) -> None:
    """Print the table."""
    differences: dict[str, list[float]] = {}
    for one in compare_published(read_published(path), LidcDatabase()):
        if one.match is None or one.row.readings > READERS:
            continue
        nodule = one.match.nodule
        counted = [areas(nodule, reading) for reading in nodule.readings]
        voxel_mm3 = np.prod(nodule.spacing_mm)
        for rule in counted[0]:
            mm = np.mean([np.cbrt(6 / np.pi * voxel_mm3 * max(row[rule], 0)) for row in counted])
            differences.setdefault(rule, []).append(float(mm - one.row.diameter_mm))
    sys.stdout.write(f"{len(next(iter(differences.values())))} nodules; our diameter less LUNA16's, mm\n")
    for rule, values in differences.items():
        low, median, high = np.percentile(values, (5, 50, 95))
        sys.stdout.write(f"{rule:<30} median {median:+.3f}   5 % {low:+.3f}   95 % {high:+.3f}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
