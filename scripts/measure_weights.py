"""How good a segmentation and a nodule classifier are, each by itself, on one list of a data set.

    python scripts/measure_weights.py --data DIR --split test -o OUT.json \\
        [--seg FILE --nodule FILE] [--reference DIR] [--pictures DIR]

DIR holds `datalist.json`. Weights that are not named are those of the bundles. `--reference` names a folder
with `seg.pt` and `nodule.pt`, the published networks as `lungmonai weights import` writes them; they answer
on the same scans. What is answered on a scan is kept in `OUT.json.parts`, so that a stopped run goes on.

Prints Markdown tables and writes the same numbers as JSON, with 95 % bootstrap intervals; scans are drawn.
What the analysis as a whole finds, and malignancy, is told by `lungmonai evaluate analysis`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lungmonai import __version__
from lungmonai.analysis import Models
from lungmonai.data.datalist import SPLITS
from lungmonai.data.listed import EVERY, listed_items
from lungmonai.errors import LungmonaiError
from lungmonai.files import make_folder
from lungmonai.json_file import write_json
from lungmonai.metrics.intervals import DRAWS, Interval
from lungmonai.progress import Bars, Progress
from lungmonai.words import many

sys.path.insert(0, str(Path(__file__).parent))

from measuring import pictures, scores
from measuring.answers import Answers, Asker, ask_all

OURS, REFERENCE = "these weights", "published reference"


@dataclass(frozen=True, eq=False)
class Measured:
    """One set of weights on a list of scans.

    Args:
        models: the weights.
        answers: for each scan.
        parts: the numbers by part and name.
    """

    models: Models
    answers: list[Answers]
    parts: dict[str, dict[str, Interval]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        weights = {
            name: {"sha256": model.sha256, **model.about} for name, model in self.models.by_name().items()
        }
        numbers = {
            part: {name: one.as_dict() for name, one in told.items()} for part, told in self.parts.items()
        }
        return {"weights": weights, **numbers}


def measure(options: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], dict[str, Measured]]:
    """What was measured on, and the numbers of each set of weights."""
    items = listed_items(options.data / "datalist.json", options.split, needed=("nodules", "candidates"))
    parts = options.output.with_name(options.output.name + ".parts")
    drawn = scores.Drawn(options.seed, options.draws)
    measured = {}
    for name, models in models_of(options).items():
        answers = ask_all(items, Asker(models), parts, f"Scans, {name}", progress)
        numbers = {
            "segmentation on slices with nodules": scores.segmentation(answers, drawn),
            "nodule or not": scores.nodule_or_not(answers, drawn),
        }
        measured[name] = Measured(models, answers, numbers)
    label = scores.table_of(measured[OURS].answers)[0]
    head = {
        "made by": f"lungmonai {__version__}, scripts/measure_weights.py",
        "split": options.split,
        "scans": len(items),
        "nodules": int((label == 1).sum()),
        "non-nodules": int((label == 0).sum()),
        "seed": options.seed,
        "draws": options.draws,
    }
    return head, measured


def models_of(options: argparse.Namespace) -> dict[str, Models]:
    """The sets of weights to measure, by name."""
    found = {OURS: Models.load(options.seg, options.nodule)}
    if options.reference:
        found[REFERENCE] = Models.load(options.reference / "seg.pt", options.reference / "nodule.pt")
    return found


def tables(head: Mapping[str, Any], measured: Mapping[str, Measured]) -> str:
    """The numbers as Markdown."""
    line = (
        f"{many(head['scans'], 'scan')} of the list `{head['split']}`, {head['nodules']} nodules, "
        f"{head['non-nodules']} non-nodules; 95 % intervals from {head['draws']} draws, "
        f"seed {head['seed']}."
    )
    rows = [
        [f"{part}: {name}", *(str(one.parts[part][name]) for one in measured.values())]
        for part, told in measured[OURS].parts.items()
        for name in told
    ]
    return f"{line}\n\n{_table(['', *measured], rows)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def parser() -> argparse.ArgumentParser:
    """The options."""
    form = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    made.add_argument("--data", type=Path, required=True, help="folder with datalist.json")
    made.add_argument("--split", choices=(*SPLITS, EVERY), default="test")
    for name in ("seg", "nodule"):
        made.add_argument(f"--{name}", type=Path, metavar="FILE", help="weights (default: the bundle's)")
    made.add_argument("--reference", type=Path, metavar="DIR", help="folder with seg.pt and nodule.pt")
    made.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.json")
    made.add_argument("--pictures", type=Path, metavar="DIR", help="folder for the curves")
    made.add_argument("--seed", type=int, default=0, help="of the intervals (default: %(default)s)")
    made.add_argument("--draws", type=int, default=DRAWS, help="of the intervals (default: %(default)s)")
    return made


def main(arguments: list[str]) -> int:
    """Measure, print, write."""
    options = parser().parse_args(arguments)
    try:
        with Bars() as bars:
            head, measured = measure(options, bars)
        write_json(options.output, {**head, **{name: one.as_dict() for name, one in measured.items()}})
        if options.pictures:
            answers = {name: one.answers for name, one in measured.items()}
            pictures.draw(make_folder(options.pictures), answers)
    except LungmonaiError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(tables(head, measured) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
