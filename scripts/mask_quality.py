"""How good are the masks that stand in for a person's: the grown box and the readers' outlines.

    python scripts/mask_quality.py --nodules DIR/nodules.csv [--picture FILE.png]

DIR holds real LIDC nodules: `image/*.nii.gz` in HU, `mask/*.nii.gz`, and `nodules.csv` with the columns
file, seriesuid, coordx, coordy, coordz (LPS mm), diameter_mm, texture_value. Each crop's mask holds
what any of its readers marked. Prints the tables of docs/nodule_masks.md.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lungmonai.data.lidc.database import LidcDatabase
from lungmonai.data.lidc.masks import stacked
from lungmonai.data.lidc.nodules import LidcNodule, lidc_nodules
from lungmonai.files import written_whole
from lungmonai.io import ras_from_lps
from lungmonai.progress import Bars
from lungmonai.transforms import nodule_mask

Mask = NDArray[np.bool_]
# Slices repeated at both ends of a crop, to see how much it flatters the box that it ends there.
REPEATED = 4
ANY, HALF = 0.01, 0.5
LEVELS = {0.25: "any or a quarter", HALF: "half", 0.75: "three quarters", 1.0: "all"}
BAD = 0.5
BOX = ("box", "any reader")
SHOWN = (
    BOX,
    ("box", "half of the readers"),
    ("box, ends repeated", "any reader"),
    ("one reader", "another reader"),
)
COLORS = ("red", "deepskyblue", "yellow")
LUNG_WINDOW_HU = (-1200, 400)
# How far the readers' mask may be shifted in the plane, since the database has no origin.
SHIFT_VOX = 3
SIZES_MM = (0.0, 6.0, 10.0, 20.0, np.inf)
# A nodule touches something when over a tenth of what lies 3 to 5 pixels from it in the plane is
# tissue: the pleura, a vessel, the mediastinum. A stand-in, since the table does not say.
RING_PIXELS, TISSUE_HU, TOUCHING = (2, 5), -400, 0.1
SOLID = 5  # LIDC's texture; 1 is ground glass


@dataclass(frozen=True, eq=False)
class Crop:
    """One real nodule.

    Args:
        row: of the table.
        hu: (slices, rows, columns) int16.
        truth: of the same shape.
        affine_lps: (4, 4) float, (column, row, slice) to LPS mm.
    """

    row: dict[str, str]
    hu: NDArray[np.int16]
    truth: Mask
    affine_lps: NDArray[np.float64]

    @property
    def diameter_mm(self) -> float:
        """As the table has it."""
        return float(self.row["diameter_mm"])

    @property
    def texture(self) -> int:
        """1, ground glass, to 5, solid."""
        return int(self.row["texture_value"])

    @property
    def center_vox(self) -> NDArray[np.float64]:
        """The annotated centre as (slice, row, column), in the crop's outermost voxel at most."""
        lps = np.array([float(self.row[name]) for name in ("coordx", "coordy", "coordz")])
        vox = np.linalg.solve(self.affine_lps[:3, :3], lps - self.affine_lps[:3, 3])[::-1]
        return vox.clip(0, np.array(self.hu.shape) - 1)

    @cached_property
    def touches(self) -> bool:
        """Whether tissue lies around it in the plane."""
        plane = ndimage.generate_binary_structure(2, 2)[None]
        near, far = (ndimage.binary_dilation(self.truth, plane, iterations=n) for n in RING_PIXELS)
        return float((self.hu[far & ~near] > TISSUE_HU).mean()) > TOUCHING


def read_crops(table: Path) -> Iterator[Crop]:
    """Every nodule of a table."""
    import nibabel as nib

    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        image, mask = (nib.load(table.parent / kind / row["file"]) for kind in ("image", "mask"))
        hu, truth = (np.asarray(volume.dataobj).transpose(2, 1, 0) for volume in (image, mask))
        yield Crop(row, hu.astype(np.int16), truth > 0, ras_from_lps(image.affine))


def dice(one: Mask, other: Mask, *, outside: int = 0) -> float:
    """1 where both are the same, 0 where they share nothing; `outside`: voxels beyond both."""
    return float(2 * (one & other).sum() / max(one.sum() + other.sum() + outside, 1))


def repeated(volume: NDArray[Any], *, mode: str) -> NDArray[Any]:
    """A crop that goes on by some slices at both ends."""
    return np.pad(volume, ((REPEATED, REPEATED), (0, 0), (0, 0)), mode=mode)  # type: ignore[call-overload]


@dataclass(frozen=True, eq=False)
class Outlined:
    """The LIDC nodule that a crop shows, and where the crop lies in its series.

    Args:
        nodule: with its readers.
        first_vox: (3,) int, the crop's first voxel as (slice, row, column) of the series.
        origin_mm: (2,) float, world y and x of row 0 and column 0 that follow from it.
    """

    nodule: LidcNodule
    first_vox: NDArray[np.int64]
    origin_mm: NDArray[np.float64]

    def mask(self, level: float, shape: tuple[int, ...]) -> tuple[Mask, int]:
        """What this share of the readers agree on in the crop, and how many voxels lie outside."""
        first, inside = self.nodule.consensus(level)
        return _placed(inside, first - self.first_vox, shape)


def outlined(crop: Crop, database: LidcDatabase) -> Outlined | None:
    """The nodule of the crop's series whose outlines fit its mask best; None where none does.

    The slice is known from z. The database does not say where the series' first pixel lies, so the
    place in the plane is the one at which what any reader marked agrees best with the mask.
    """
    scan = database.scan(crop.row["seriesuid"])
    if scan is None:
        return None
    first_slice = scan.slice_of(crop.affine_lps[2, 3])
    fits = [fit for nodule in lidc_nodules(scan) for fit in _fits(crop, nodule, first_slice)]
    share, first, nodule = max(fits, key=lambda fit: fit[0])
    if share == 0:
        return None
    steps = crop.affine_lps[[1, 0], [1, 0]]
    return Outlined(nodule, first, crop.affine_lps[[1, 0], 3] - first[1:] * steps)


def _fits(crop: Crop, nodule: LidcNodule, first_slice: int) -> Iterator[tuple[float, Any, LidcNodule]]:
    """Dice and the crop's first voxel for each shift in the plane."""
    start, inside = nodule.consensus(ANY)
    middle = start[1:] + np.argwhere(inside).mean(axis=0)[1:] - np.argwhere(crop.truth).mean(axis=0)[1:]
    for shift in product(range(-SHIFT_VOX, SHIFT_VOX + 1), repeat=2):
        first = np.array([first_slice, *(np.rint(middle).astype(int) + shift)])
        mask, outside = _placed(inside, start - first, crop.truth.shape)
        yield dice(mask, crop.truth, outside=outside), first, nodule


def _placed(inside: Mask, first: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[Mask, int]:
    """A box in a volume of a shape, and how many of its voxels fall outside."""
    places = np.argwhere(inside) + first
    kept = places[((places >= 0) & (places < shape)).all(axis=1)]
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(kept.T)] = True
    return mask, len(places) - len(kept)


@dataclass(frozen=True, eq=False)
class Measured:
    """One crop's figures.

    Args:
        crop: that was measured.
        box: the grown mask.
        half: what half of the readers agree on; None where the crop's nodule was not found.
        shares: Dice, by what is compared with what.
        precision: share of the box that any reader marked.
        recall: share of what any reader marked that lies in the box.
        origin_mm: of the series' first pixel, as `Outlined` has it.
    """

    crop: Crop
    box: Mask
    half: Mask | None
    shares: dict[tuple[str, str], float]
    precision: float
    recall: float
    origin_mm: tuple[float, ...] | None

    @property
    def room(self) -> int:
        """Slices of the crop beyond what half of the readers marked, at the end where they are fewer."""
        marked = np.flatnonzero(self.half.any(axis=(1, 2))) if self.half is not None else []
        return min(int(marked[0]), len(self.crop.hu) - 1 - int(marked[-1])) if len(marked) else -1


def measure(crop: Crop, database: LidcDatabase) -> Measured:
    """Every mask of a crop against what any and what half of its readers marked."""
    box = nodule_mask(crop.hu, [crop.center_vox]) > 0
    going_on = nodule_mask(repeated(crop.hu, mode="edge"), [crop.center_vox + np.array([REPEATED, 0, 0])]) > 0
    shares = {
        ("box", "any reader"): dice(box, crop.truth),
        ("box, ends repeated", "any reader"): dice(going_on, repeated(crop.truth, mode="constant")),
    }
    found = outlined(crop, database)
    half = None
    if found:
        half, outside = found.mask(HALF, crop.truth.shape)
        shares["box", "half of the readers"] = dice(box, half, outside=outside)
        longer = repeated(half, mode="constant")
        shares["box, ends repeated", "half of the readers"] = dice(going_on, longer, outside=outside)
        for level, name in LEVELS.items():
            mask, outside = found.mask(level, crop.truth.shape)
            shares[f"outlines, {name}", "any reader"] = dice(mask, crop.truth, outside=outside)
        shares["one reader", "another reader"] = _between_readers(found.nodule)
    both = (box & crop.truth).sum()
    return Measured(
        crop=crop,
        box=box,
        half=half,
        shares=shares,
        precision=float(both / max(box.sum(), 1)),
        recall=float(both / crop.truth.sum()),
        origin_mm=tuple(found.origin_mm.tolist()) if found else None,
    )


def _between_readers(nodule: LidcNodule) -> float:
    """Mean Dice of all pairs of a nodule's readers."""
    _, masks = stacked(nodule.masks)
    return float(np.mean([dice(a, b) for a, b in combinations(masks, 2)]))


def groups(found: list[Measured]) -> dict[str, list[Measured]]:
    """The crops by size, texture and surroundings."""
    by_size = {
        _size_name(low, high): [m for m in found if low <= m.crop.diameter_mm < high]
        for low, high in pairwise(SIZES_MM)
    }
    return {
        "all": found,
        **by_size,
        "solid (texture 5)": [m for m in found if m.crop.texture == SOLID],
        "part-solid (2 to 4)": [m for m in found if 1 < m.crop.texture < SOLID],
        "ground glass (1)": [m for m in found if m.crop.texture == 1],
        "free": [m for m in found if not m.crop.touches],
        "touches tissue": [m for m in found if m.crop.touches],
        "crop goes on by 0 slices": [m for m in found if m.room == 0],
        "by 1 slice": [m for m in found if m.room == 1],
        "by 2 slices or more": [m for m in found if m.room >= 2],
    }


def _size_name(low: float, high: float) -> str:
    if not low:
        return f"under {high:g} mm"
    return f"{low:g} to {high:g} mm" if np.isfinite(high) else f"{low:g} mm and more"


def tables(found: list[Measured]) -> Iterator[str]:
    """The tables of the page, as Markdown."""
    yield "| mask | against | nodules | Dice, median | quartiles | under 0.5 |"
    yield "|---|---|---:|---:|---:|---:|"
    for pair in sorted(dict.fromkeys(pair for item in found for pair in item.shares)):
        values = np.array([item.shares[pair] for item in found if pair in item.shares])
        low, mid, high = np.quantile(values, [0.25, 0.5, 0.75])
        counts = f"{mid:.3f} | {low:.3f} to {high:.3f} | {(values < BAD).mean():.1%}"
        yield f"| {' | '.join(pair)} | {len(values)} | {counts} |"
    yield ""
    yield f"| nodules | count | {' | '.join(' : '.join(pair) for pair in SHOWN)} | box: precision | recall |"
    yield "|---|---:|" + "---:|" * (len(SHOWN) + 2)
    for group, items in groups(found).items():
        cells = [_spread([m.shares[pair] for m in items if pair in m.shares]) for pair in SHOWN]
        cells += [_spread([m.precision for m in items]), _spread([m.recall for m in items])]
        yield f"| {group} | {len(items)} | {' | '.join(cells)} |"


def _spread(values: list[float]) -> str:
    low, mid, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{mid:.2f} ({low:.2f}–{high:.2f})"


def remarks(found: list[Measured]) -> Iterator[str]:
    """What else the page says, in figures."""
    bad = [m for m in found if m.shares[BOX] < BAD]
    yield f"box under {BAD} against any reader: {len(bad)}"
    yield f"  more than half of the box is not nodule: {sum(m.precision < BAD for m in bad)}"
    yield f"  more than half of the nodule is not in the box: {sum(m.recall < BAD for m in bad)}"
    yield f"  touches tissue: {sum(m.crop.touches for m in bad)}"
    yield f"  texture 1 or 2: {sum(m.crop.texture <= 2 for m in bad)}"
    reach = [m for m in found if _reaches_the_side(m.box)]
    yield f"box reaches the side of the crop in the plane: {len(reach)}"
    missing = [m.crop.row["file"] for m in found if m.half is None]
    yield f"nodule not found in LIDC: {', '.join(missing) or 'none'}"
    by_series: dict[str, list[Measured]] = {}
    for m in found:
        if m.origin_mm:
            by_series.setdefault(m.crop.row["seriesuid"], []).append(m)
    several = [items for items in by_series.values() if len(items) > 1]
    spread = [np.ptp([m.origin_mm for m in items], axis=0).max() / _pixel_mm(items[0]) for items in several]
    same = sum(pixels < 0.5 for pixels in spread)
    yield f"series with several nodules: {len(several)}; all give it the same origin: {same}"


def _reaches_the_side(mask: Mask) -> bool:
    return bool(mask[:, [0, -1]].any() or mask[:, :, [0, -1]].any())


def _pixel_mm(item: Measured) -> float:
    return float(abs(item.crop.affine_lps[0, 0]))


def examples(found: list[Measured]) -> dict[str, Measured]:
    """The box's best, median and worst crops of nodules from 6 mm up, a different nodule for each."""
    ranked = sorted((m for m in found if m.half is not None), key=lambda m: m.shares[BOX])
    large = [m for m in ranked if m.crop.diameter_mm >= SIZES_MM[1]]
    # The first of each that does not stand for something else already.
    orders = {
        "best": large[::-1],
        "upper quartile": large[3 * len(large) // 4 :],
        "median": large[len(large) // 2 :],
        "lower quartile": large[len(large) // 4 :],
        "a tenth are worse": large[len(large) // 10 :],
        "most of the box is not nodule": sorted(large, key=lambda m: m.precision),
        "worst solid": [m for m in large if m.crop.texture == SOLID],
        "worst ground glass": [m for m in large if m.crop.texture == 1],
    }
    chosen: dict[str, Measured] = {}
    for name, order in orders.items():
        chosen[name] = next(m for m in order if m not in chosen.values())
    return chosen


def draw(found: list[Measured], path: Path) -> None:
    """The examples in the slice of the centre, with all outlines."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 4, figsize=(10, 6.4), facecolor="white", layout="constrained")
    # Room between the rows, so that a title stands with its own picture.
    figure.get_layout_engine().set(hspace=0.08)
    for panel, (name, item) in zip(panels.flat, examples(found).items(), strict=True):
        _panel(panel, f"{name}\nDice {item.shares[BOX]:.2f}", item)
    names = ("grown box", "any reader", "half of the readers")
    handles = [plt.Line2D([], [], color=color, label=name) for name, color in zip(names, COLORS, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    with written_whole(path) as part:
        figure.savefig(part, dpi=90)
    plt.close(figure)


def _panel(panel: Any, title: str, item: Measured) -> None:
    crop = item.crop
    k = int(crop.center_vox[0].round())
    panel.imshow(crop.hu[k], cmap="gray", vmin=LUNG_WINDOW_HU[0], vmax=LUNG_WINDOW_HU[1])
    for mask, color in zip((item.box, crop.truth, item.half), COLORS, strict=True):
        if mask is not None and mask[k].any():
            panel.contour(mask[k], levels=[0.5], colors=[color], linewidths=1.2)
    panel.set_title(f"{title}, {crop.diameter_mm:.0f} mm, texture {crop.texture}", fontsize=9)
    panel.set_axis_off()


def main(arguments: list[str]) -> int:
    """Print the tables; draw the picture."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--nodules", type=Path, required=True, help="the table, or its folder")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args(arguments)
    table = options.nodules / "nodules.csv" if options.nodules.is_dir() else options.nodules
    database, bars = LidcDatabase(), Bars(quiet=not sys.stderr.isatty())
    crops = list(read_crops(table))
    found = []
    with bars:
        for done, crop in enumerate(crops, 1):
            found.append(measure(crop, database))
            bars("Measuring masks", done, len(crops))
    sys.stdout.write("\n".join([*tables(found), "", *remarks(found)]) + "\n")
    if options.picture:
        draw(found, options.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
