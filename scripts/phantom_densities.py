"""Compare the density of phantom nodules with that of real ones, within the readers' outlines.

    python scripts/phantom_densities.py [--scans N]

The phantom's nodules are painted into even lung and scanned, without a chest around them; the real
ones are those beside the checkout, or where LUNGMONAI_SHARED_DATA says. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lungmonai.data.lidc.nodules import LidcNodule
from lungmonai.data.phantom.frames import SLICES_MM
from lungmonai.data.phantom.looks import draw_look, texture_name
from lungmonai.data.phantom.nodule_shapes import shape_from_mask
from lungmonai.data.phantom.nodules import PlacedNodule, draw_turn, paint_nodule
from lungmonai.data.phantom.real_nodules import read_nodule_table
from lungmonai.data.phantom.scanner import scanned
from lungmonai.data.phantom.shapes import Grid
from lungmonai.data.phantom.sources import deal, installed_database

REAL = Path(os.environ.get("LUNGMONAI_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
LUNG_HU, NOISE_HU, SIDE_MM, PIXEL_MM = -850.0, 25.0, 64.0, 0.68
PERCENTILES = (10, 50, 90)
SIZES_MM = (6, 10)

Group = tuple[str, str]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=60, help="hands of nodules (default: %(default)s)")
    arguments = parser.parse_args()
    real, made = gathered(real_nodules()), gathered(phantom_nodules(arguments.scans))
    lines = ["| texture | size | real: number | 10 / 50 / 90 % HU | phantom: number | 10 / 50 / 90 % HU |"]
    lines.append("|---|---|---|---|---|---|")
    for group in sorted(real):
        cells = [f"{len(rows)} | {said(rows)}" for rows in (real[group], made.get(group, []))]
        lines.append(f"| {group[0]} | {group[1]} | {cells[0]} | {cells[1]} |")
    sys.stdout.write("\n".join(lines) + "\n")


def said(rows: list[NDArray[np.float64]]) -> str:
    """The median nodule's percentiles."""
    return " / ".join(f"{value:.0f}" for value in np.median(rows, axis=0)) if rows else "–"


def gathered(found: Iterator[tuple[Group, NDArray[np.float64]]]) -> dict[Group, list[NDArray[np.float64]]]:
    """Percentiles of each nodule, by texture and size."""
    groups = defaultdict(list)
    for group, hu in found:
        groups[group].append(np.percentile(hu, PERCENTILES))
    return groups


def real_nodules() -> Iterator[tuple[Group, NDArray[np.float64]]]:
    """HU within the outlines of real nodules."""
    for nodule in read_nodule_table(REAL / "lidc_nodules" / "nodules.csv"):
        hu, mask, _ = nodule.crop
        texture = texture_name(float(nodule.row["texture_value"]))
        yield (texture, size_of(nodule.diameter_mm)), hu[mask].astype(float)


def phantom_nodules(scans: int) -> Iterator[tuple[Group, NDArray[np.float64]]]:
    """HU within the outlines of the phantom's."""
    rng = np.random.default_rng(0)
    for number in range(scans):
        for nodule in deal(installed_database(), 1, number, nodules_per_scan=(3, 8)).nodules:
            texture, hu = painted(nodule, rng)
            if hu.size:
                yield (texture, size_of(nodule.diameter_mm)), hu


def painted(nodule: LidcNodule, rng: Generator) -> tuple[str, NDArray[np.float64]]:
    """One nodule in even lung, scanned: its texture, and the HU of its mask."""
    spacing = (PIXEL_MM, PIXEL_MM, float(rng.choice(SLICES_MM)))
    grid = Grid((int(SIDE_MM / spacing[2]), int(SIDE_MM / PIXEL_MM), int(SIDE_MM / PIXEL_MM)), spacing)
    hu = np.full(grid.shape, LUNG_HU, np.float32)
    shape, look = shape_from_mask(nodule.consensus()[1], nodule.spacing_mm), draw_look(nodule.ratings, rng)
    placed = PlacedNodule(shape, look, rng.uniform(-0.5, 0.5, 3), draw_turn(rng))
    where, inside = paint_nodule(hu, grid, placed, rng)
    kernel = "lung" if rng.random() < 0.5 else "soft"
    seen = scanned(hu, rng, spacing_mm=spacing, kernel=kernel, noise_hu=NOISE_HU)[where]
    return look.texture, seen[inside].astype(float)


def size_of(diameter_mm: float) -> str:
    """One of three ranges."""
    low, high = SIZES_MM
    if diameter_mm < low:
        return f"under {low} mm"
    return f"{low} to {high} mm" if diameter_mm < high else f"over {high} mm"


if __name__ == "__main__":
    main()
