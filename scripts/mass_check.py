"""Masses found with the second look and without it: real nodules, enlarged, in scans that have none.

    python scripts/mass_check.py BACKGROUND... --nodules nodules.csv --subsets 7 -o masses.csv
        [--each 2] [--diameters-mm 30 80] [--least-mm 12] [--whole] [--seed 0]

Each background is looked at as it is, where every mass is a false one, and with one enlarged nodule at a
time. With `--whole` the first look is made as well, which takes most of the time. Found is what lies within
0.7 of a diameter of the centre; found as one what has half of the diameter besides. Writes a row for each
composite.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.analysis.engine import start_engine
from lungmonai.analysis.kept_engine import KeptEngine
from lungmonai.analysis.lungs import find_lungs
from lungmonai.analysis.masses import look_for_masses
from lungmonai.analysis.stored import stored_beside
from lungmonai.cli import run_or_exit
from lungmonai.data.phantom.composite import make_composite
from lungmonai.data.phantom.real_nodules import RealNodule, read_nodule_table
from lungmonai.errors import DataError, SettingsError
from lungmonai.files import written_whole
from lungmonai.io import CTScan, read_ct
from lungmonai.nodule import Nodule

# As in the reference project's end-to-end analysis: a hit lies within 0.7 of a diameter.
REACH = 0.7
COLUMNS = (
    *("background", "nodule", "place", "diameter_mm"),
    *("second_look", "second_look_as_one", "probability", "measured_mm", "others"),
    *("first_look", "first_look_as_one"),
)


@dataclass(frozen=True)
class Spot:
    """A finding or a truth: (x, y, z) LPS mm, its diameter and its probability."""

    lps_mm: tuple[float, float, float]
    diameter_mm: float
    prob: float = 1.0

    def hits(self, truth: Spot) -> bool:
        """Whether it lies within reach of the truth."""
        return float(np.linalg.norm(np.subtract(self.lps_mm, truth.lps_mm))) <= REACH * truth.diameter_mm

    def is_one_with(self, truth: Spot) -> bool:
        """Whether it lies there and is no mere fragment."""
        return self.hits(truth) and self.diameter_mm >= truth.diameter_mm / 2


class Looker:
    """Looks at scans with one set of weights."""

    def __init__(self) -> None:
        self.models = Models.load()
        threshold = stored_beside(self.models).nodule_threshold()
        self.settings = AnalysisSettings(nodule_threshold=threshold)
        self.engine = KeptEngine.of(start_engine(self.settings))

    def second(self, scan: CTScan) -> list[Spot]:
        """Masses of the second look, most probable first."""
        look = look_for_masses(scan, find_lungs(scan), self.models, self.engine, self.settings)
        voxel_mm3 = float(np.prod(scan.spacing_mm))
        return [
            Spot(one.candidate.center_lps_mm, ball_mm(len(one.voxels) * voxel_mm3), one.candidate.nodule_prob)
            for one in look.masses
        ]

    def first(self, scan: CTScan) -> list[Spot]:
        """What is reported without the second look."""
        plain = replace(self.settings, masses=False)
        return [spot_of(one) for one in analyze_scan(scan, self.models, plain, engine=self.engine).nodules]


def spot_of(nodule: Nodule) -> Spot:
    """A reported nodule as a spot."""
    return Spot(nodule.center_lps_mm, nodule.equivalent_diameter_mm, nodule.nodule_prob)


def ball_mm(volume_mm3: float) -> float:
    """Diameter of the ball of a volume."""
    return float(np.cbrt(6 / np.pi * volume_mm3))


def enlarged(nodules: Sequence[RealNodule], options: argparse.Namespace, number: int) -> RealNodule:
    """A nodule, drawn, and enlarged to a diameter, drawn."""
    rng = np.random.default_rng([options.seed, number])
    nodule = nodules[rng.integers(len(nodules))]
    return replace(nodule, enlarge=rng.uniform(*options.diameters_mm) / nodule.diameter_mm)


def rows(options: argparse.Namespace, looker: Looker) -> Iterator[dict[str, object] | int]:
    """A row for each composite, and for each background the number of false masses in it."""
    table = read_nodule_table(options.nodules, subsets=options.subsets)
    nodules = [one for one in table if one.diameter_mm >= options.least_mm]
    if not nodules:
        raise DataError(
            f"{options.nodules} has no nodule of {options.least_mm:g} mm in these subsets",
            wanted="some to enlarge",
            do="Change `--least-mm` or `--subsets`.",
        )
    for place, path in enumerate(tqdm(options.backgrounds, desc="backgrounds", disable=None)):
        background = read_ct(path).canonical()
        yield len(looker.second(background))
        for turn in range(options.each):
            number = place * options.each + turn
            nodule = enlarged(nodules, options, number)
            made = make_composite(background, [nodule], options.seed, number)
            for record in made.nodules:
                about = {"background": Path(path).stem, "nodule": nodule.row["file"], "place": record.place}
                truth = Spot(record.lps_mm, record.diameter_mm)
                yield about | held_against(truth, made.scan, looker, whole=options.whole)


def held_against(truth: Spot, scan: CTScan, looker: Looker, *, whole: bool) -> dict[str, object]:
    """What the looks make of a mass."""
    second = looker.second(scan)
    hits = [one for one in second if one.hits(truth)]
    first = looker.first(scan) if whole else []
    return {
        "diameter_mm": round(truth.diameter_mm, 2),
        "second_look": int(bool(hits)),
        "second_look_as_one": int(any(one.is_one_with(truth) for one in second)),
        "probability": max((one.prob for one in hits), default=""),
        "measured_mm": max((round(one.diameter_mm, 2) for one in hits), default=""),
        "others": len(second) - len(hits),
        "first_look": int(any(one.hits(truth) for one in first)) if whole else "",
        "first_look_as_one": int(any(one.is_one_with(truth) for one in first)) if whole else "",
    }


def run(options: argparse.Namespace) -> None:
    """Look at everything, print the counts, write the table."""
    least, most = options.diameters_mm
    if options.each < 0 or not 0 < least <= most or not options.output.absolute().parent.is_dir():
        raise SettingsError(
            f"{options.each} masses of {least:g} to {most:g} mm in each background, to {options.output}",
            wanted="0 or more, rising diameters over 0, and a file in a folder that is there",
            do="Change them.",
        )
    found = list(rows(options, Looker()))
    composites = [one for one in found if isinstance(one, dict)]
    false = [one for one in found if isinstance(one, int)]
    with written_whole(options.output) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(composites)
    say(f"{sum(false)} false masses in {len(false)} scans without any")
    say(f"{len(composites)} composites of one mass")
    names = ["second_look", "second_look_as_one", *(["first_look", "first_look_as_one"] * options.whole)]
    for name in names:
        say(f"{name.replace('_', ' ')}: {sum(bool(one[name]) for one in composites)}")
    say(f"other masses in them: {sum(int(str(one['others'])) for one in composites)}")


def say(line: str) -> None:
    """A line for a person."""
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("backgrounds", type=Path, nargs="+", metavar="BACKGROUND",
        help="scans without nodules")  # fmt: skip
    parser.add_argument("--nodules", type=Path, required=True, metavar="FILE.csv",
        help="table of real nodules, as for `lungmonai phantom`")  # fmt: skip
    parser.add_argument("--subsets", type=int, nargs="+", metavar="N", help="LUNA16 subsets (default: all)")
    parser.add_argument("--each", type=int, default=2, metavar="N", help="composites of a background")
    parser.add_argument("--diameters-mm", type=float, nargs=2, default=(30.0, 80.0), metavar="MM")
    parser.add_argument("--least-mm", type=float, default=12.0, metavar="MM",
        help="smaller nodules are not enlarged (default: %(default)g)")  # fmt: skip
    parser.add_argument("--whole", action="store_true", help="make the first look as well")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.csv")
    options = parser.parse_args()
    run_or_exit(lambda: run(options))


if __name__ == "__main__":
    main()
