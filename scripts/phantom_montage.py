"""Draw docs/phantom_montage.png: phantoms and a composite beside a real CT, nodules circled.

    python scripts/phantom_montage.py [-o FILE] [--seed N]

Needs the real scans and nodules beside the checkout, or where LUNGMONAI_SHARED_DATA says.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from lungmonai.data.phantom import make_composite, make_phantom
from lungmonai.data.phantom.composite_write import deal_patients
from lungmonai.data.phantom.real_nodules import RealNodule, read_nodule_table
from lungmonai.data.phantom.records import NoduleRecord
from lungmonai.io import CTScan, read_ct

mpl.use("Agg")
from matplotlib import pyplot as plt

CHECKOUT = Path(__file__).parents[1]
REAL = Path(os.environ.get("LUNGMONAI_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
# Lung window: centre −600, width 1500.
WINDOW = {"cmap": "gray", "vmin": -1350, "vmax": 150}
# Levels of the axial slices, from the top of the scan, and of the coronal one, from the front.
LEVELS, CORONAL = (0.3, 0.48, 0.66), 0.52
ZOOMS, ZOOM_MM = 8, 25.0

Column = tuple[str, CTScan, tuple[NoduleRecord, ...]]


def main() -> None:
    """Make the scans and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=CHECKOUT / "docs" / "phantom_montage.png")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    table = read_nodule_table(REAL / "lidc_nodules" / "nodules.csv")
    columns = list(scans(arguments.seed, table))
    figure = plt.figure(figsize=(12, 17.6), facecolor="black")
    grid = figure.add_gridspec(7, 1, height_ratios=[3, 3, 3, 3, 1.5, 1.5, 1.5], hspace=0.04)
    for row in range(len(LEVELS) + 1):
        places = grid[row].subgridspec(1, len(columns), wspace=0.02)
        for place, column in zip(places, columns, strict=True):
            draw_plane(figure.add_subplot(place), column, row)
    strips = (
        ("phantom", phantom_zooms(columns)),
        ("composite", [zoom(scan, one.lps_mm) for _, scan, nodules in columns[3:] for one in nodules]),
        ("real, as it was", [nodule_itself(nodule) for nodule in table[5 : 5 + 40 * ZOOMS : 40]]),
    )
    for row, (name, pictures) in enumerate(strips, start=len(LEVELS) + 1):
        places = grid[row].subgridspec(1, ZOOMS, wspace=0.02)
        for place, picture in zip(places, pictures[:ZOOMS], strict=False):
            axes = figure.add_subplot(place)
            axes.imshow(picture, **WINDOW)
            label(axes, name)
    figure.subplots_adjust(0, 0, 1, 1)
    figure.savefig(arguments.output, dpi=75, pil_kwargs={"optimize": True})
    quantise(arguments.output)


def scans(seed: int, table: list[RealNodule]) -> list[Column]:
    """Two phantoms, a real scan, and real nodules in it."""
    phantoms = [make_phantom(seed, number) for number in (0, 3)]
    real = read_ct(REAL / "ct" / "c3n-00247")
    (dealt,) = deal_patients(table, 1, seed + 1, nodules_per_scan=(16, 16))
    made = make_composite(real, dealt, seed, name="c3n-00247")
    return [
        *(("phantom", phantom.scan.canonical(), phantom.nodules) for phantom in phantoms),
        ("real", real.canonical(), ()),
        ("composite", made.scan, made.nodules),
    ]


def draw_plane(axes: plt.Axes, column: Column, row: int) -> None:
    """An axial slice, or in the last row the coronal one, with the nodules that it cuts circled."""
    name, scan, nodules = column
    slices, rows, _ = scan.shape
    x, y, z = scan.spacing_mm
    if row < len(LEVELS):
        index = nearest_nodule(scan, nodules, int(slices * (1 - LEVELS[row])), 0)
        axes.imshow(scan.hu[index], **WINDOW, aspect=y / x)
    else:
        index = nearest_nodule(scan, nodules, int(rows * CORONAL), 1)
        axes.imshow(scan.hu[:, index], **WINDOW, aspect=z / x, origin="lower")
    for nodule in nodules:
        vox = scan.vox_from_lps(nodule.lps_mm)
        axis = 0 if row < len(LEVELS) else 1
        reach = nodule.diameter_mm / 2 / (z, y)[axis]
        if abs(vox[axis] - index) < reach:
            size = (nodule.diameter_mm + 8) / x, (nodule.diameter_mm + 8) / (y, z)[axis]
            patch = mpl.patches.Ellipse((vox[2], vox[1 - axis]), *size, fill=False, ec="#ffcc00", lw=0.9)
            axes.add_patch(patch)
    label(axes, name)


def nearest_nodule(scan: CTScan, nodules: tuple[NoduleRecord, ...], index: int, axis: int) -> int:
    """The plane through the nodule nearest to an index, if one is within 20 mm."""
    step = scan.spacing_mm[2 - axis]
    at = [round(float(scan.vox_from_lps(nodule.lps_mm)[axis])) for nodule in nodules]
    near = min(at, key=lambda place: abs(place - index), default=index)
    return near if abs(near - index) * step < 20 else index


def phantom_zooms(columns: list[Column]) -> list[NDArray[np.int16]]:
    """Nodules of both phantoms, taken in turn."""
    found = [[zoom(scan, one.lps_mm) for one in nodules] for _, scan, nodules in columns[:2]]
    half = ZOOMS // 2
    return [*found[0][:half], *found[1][: ZOOMS - half]]


def zoom(scan: CTScan, lps_mm: tuple[float, float, float]) -> NDArray[np.int16]:
    """A square of an axial slice around a point."""
    reach = round(ZOOM_MM / scan.spacing_mm[0])
    z, y, x = np.rint(scan.vox_from_lps(lps_mm)).astype(int).tolist()
    padded = np.pad(scan.hu[z], reach, mode="edge")
    return np.asarray(padded[y : y + 2 * reach + 1, x : x + 2 * reach + 1])


def nodule_itself(nodule: RealNodule) -> NDArray[np.float32]:
    """The middle slice of a real nodule's own crop, which is what is left of its scan."""
    hu, mask, _ = nodule.crop
    return np.asarray(hu[int(mask.sum(axis=(1, 2)).argmax())])


def label(axes: plt.Axes, name: str) -> None:
    """No axes, the name in a corner."""
    axes.set_axis_off()
    axes.text(0.02, 0.97, name, color="#ffcc00", fontsize=8, va="top", transform=axes.transAxes)


def quantise(path: Path) -> None:
    """48 greys and some yellows are enough; the file is a third of the size."""
    from PIL import Image

    greys = [level for grey in np.linspace(0, 255, 48).round().astype(int).tolist() for level in [grey] * 3]
    yellows = [part for share in (0.4, 0.7, 1.0) for part in (int(255 * share), int(204 * share), 0)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*greys, *yellows])
    with Image.open(path) as image:
        image.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
