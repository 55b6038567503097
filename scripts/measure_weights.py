"""How good a set of weights is, on one list of a data set: what the model cards say.

    python scripts/measure_weights.py --data DIR --split test -o OUT.json \\
        [--seg FILE --nodule FILE --malignancy FILE] [--reference DIR] [--pictures DIR]

DIR holds `datalist.json`. Weights that are not named are those of the bundles. `--reference` names a folder
with `seg.pt` and `nodule.pt`, the published networks as `lungmonai weights import` writes them; they answer
on the same scans. What is answered on a scan is kept in `OUT.json.parts`, so that a stopped run goes on.

Prints Markdown tables and writes the same numbers as JSON, with 95 % bootstrap intervals: patients are
drawn for malignancy (of a composite, those that the nodules were taken from), scans for the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungmonai import __version__
from lungmonai.analysis import AnalysisSettings, Models
from lungmonai.bundles import default_weights
from lungmonai.data.datalist import SPLITS, ScanItem
from lungmonai.data.listed import EVERY, listed_items
from lungmonai.errors import LungmonaiError, WeightsError
from lungmonai.files import make_folder, written_whole
from lungmonai.metrics.froc import JudgedMarks
from lungmonai.metrics.intervals import DRAWS, Interval
from lungmonai.progress import Bars, Progress

sys.path.insert(0, str(Path(__file__).parent))

from measuring import pictures, scores
from measuring.answers import Answers, Asker, ask_all

_NEEDED = ("patient", "nodules", "candidates")
OURS, REFERENCE = "these weights", "published reference"


class Measured:
    """One set of weights on a list of scans.

    Args:
        items: the scans.
        models: the weights.
        settings: of the analysis.
        parts: folder of what was answered before.
        name: in tables.
        progress: called with scans done.
    """

    def __init__(
        self,
        items: Sequence[ScanItem],
        models: Models,
        settings: AnalysisSettings,
        parts: Path,
        name: str,
        progress: Progress,
    ) -> None:
        self.items, self.models = items, models
        self.answers: list[Answers] = ask_all(items, Asker(models, settings), parts, name, progress)
        self.alone: JudgedMarks = scores.judged_marks(items, self.answers, 0.0)
        self.merged: JudgedMarks = scores.judged_marks(items, self.answers, settings.merge_radius_mm)

    def numbers(self, drawn: scores.Drawn) -> dict[str, Any]:
        """All that is told of these weights, without malignancy."""
        return {
            "weights": {
                name: {"sha256": model.sha256, **model.about} for name, model in self.models.by_name().items()
            },
            "segmentation on slices with nodules": scores.segmentation(self.answers, drawn),
            "nodule or not": scores.nodule_or_not(self.answers, drawn),
            "end to end": scores.end_to_end(self.merged, drawn),
            "by diameter": scores.by_diameter(self.items, self.alone, self.merged),
            "candidates a scan": float(np.mean([len(one.candidate_prob) for one in self.answers])),
            "false reports a scan": scores.false_reports(self.merged),
            "scans where everything was marked": int(sum(one.marked_everything for one in self.answers)),
            "seconds a scan": float(np.nanmean([one.seconds for one in self.answers])),
        }


def measure(options: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], dict[str, Measured]]:
    """Every number, and what it comes from."""
    items = listed_items(options.data / "datalist.json", options.split, needed=_NEEDED)
    settings, drawn = AnalysisSettings(), scores.Drawn(options.seed, options.draws)
    parts = options.output.with_name(options.output.name + ".parts")
    measured = {
        name: Measured(items, models, settings, parts, name, progress)
        for name, models in models_of(options).items()
    }
    ours = measured[OURS]
    nodules = scores.judged_nodules(items, ours.answers, options.data / "phantom_nodules.csv")
    document: dict[str, Any] = {
        "made by": f"lungmonai {__version__}, scripts/measure_weights.py",
        "split": options.split,
        "scans": len(items),
        "nodules": sum(len(item["nodules"]) for item in items),
        "non-nodules": int(sum((one.table_label == 0).sum() for one in ours.answers)),
        "seed": options.seed,
        "draws": options.draws,
        "malignancy": {
            "nodules": len(nodules.prob),
            "malignant": int(nodules.malignant.sum()),
            "patients": len(set(nodules.patient)),
            **scores.malignancy(nodules, drawn),
        },
        **{name: one.numbers(drawn) for name, one in measured.items()},
    }
    if REFERENCE in measured:
        less = scores.end_to_end(ours.merged, drawn, measured[REFERENCE].merged)
        document["these minus the reference, end to end"] = less
    if options.pictures:
        draw(make_folder(options.pictures), measured, nodules)
    return document, measured


def models_of(options: argparse.Namespace) -> dict[str, Models]:
    """The sets of weights to measure, by name."""
    malignancy = options.malignancy
    if malignancy is None:
        with contextlib.suppress(WeightsError):  # the bundle may have none
            malignancy = default_weights("malignancy")
    found = {OURS: Models.load(options.seg, options.nodule, malignancy)}
    if options.reference:
        found[REFERENCE] = Models.load(options.reference / "seg.pt", options.reference / "nodule.pt")
    return found


def draw(folder: Path, measured: Mapping[str, Measured], nodules: scores.JudgedNodules) -> None:
    """The curves, one picture each, but for those that these scans cannot give."""
    answers = {name: one.answers for name, one in measured.items()}
    ours = answers[OURS]
    pictures.draw_froc(folder / "froc.png", {name: one.merged for name, one in measured.items()})
    if _both(scores.table_of(ours)[0]):
        pictures.draw_nodule_roc(folder / "nodule_roc.png", answers)
    if any(one.voxels.any() for one in ours):
        pictures.draw_voxel_pr(folder / "segmentation_pr.png", answers)
    if _both(nodules.malignant) and not np.isnan(nodules.prob).any():
        pictures.draw_malignancy_roc(folder / "malignancy_roc.png", nodules)


def _both(labels: NDArray[Any]) -> bool:
    """Whether some are true and some are not: a ROC curve needs both."""
    return bool(labels.any() and not labels.all())


def tables(document: Mapping[str, Any]) -> str:
    """The numbers as Markdown."""
    names = [name for name in (OURS, REFERENCE) if name in document]
    head = (
        f"{document['scans']} scans of the list `{document['split']}`, {document['nodules']} nodules, "
        f"{document['non-nodules']} non-nodules; 95 % intervals from {document['draws']} draws, "
        f"seed {document['seed']}."
    )
    blocks = [head, _table(["", *names], _score_rows(document, names))]
    judged = document["malignancy"]
    if judged["nodules"]:
        title = (
            f"Malignancy: {judged['malignant']} of {judged['nodules']} nodules, {judged['patients']} patients"
        )
        blocks.append(_table([title, ""], _rows(judged, Interval)))
    if "these minus the reference, end to end" in document:
        less = document["these minus the reference, end to end"]
        blocks.append(_table(["these weights minus the reference, the same scans drawn", ""], _rows(less)))
    blocks += [_size_table(name, document[name]["by diameter"]) for name in names]
    return "\n\n".join(blocks)


def _score_rows(document: Mapping[str, Any], names: Sequence[str]) -> list[list[str]]:
    rows = []
    for part, told in document[names[0]].items():
        if part in ("weights", "by diameter"):
            continue
        if isinstance(told, dict):
            rows += [[f"{part}: {row}", *(str(document[name][part][row]) for name in names)] for row in told]
        else:
            rows.append([part, *(f"{document[name][part]:.4g}" for name in names)])
    return rows


def _rows(told: Mapping[str, Any], kind: type = object) -> list[list[str]]:
    return [[name, str(value)] for name, value in told.items() if isinstance(value, kind)]


def _size_table(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    lines = [[_size(row), *(str(row[key]) for key in ("nodules", "marked", "reported"))] for row in rows]
    return _table([f"diameter ({name})", "nodules", "a candidate hits", "reported"], lines)


def _size(row: Mapping[str, Any]) -> str:
    if row["to_mm"] < 0:
        return f"{row['from_mm']:g} mm and more" if row["from_mm"] else "all"
    return f"{row['from_mm']:g} to {row['to_mm']:g} mm"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: Any) -> Any:
    """JSON types; a number that is none becomes null."""
    if isinstance(value, Interval):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def parser() -> argparse.ArgumentParser:
    """The options."""
    form = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    made.add_argument("--data", type=Path, required=True, help="folder with datalist.json")
    made.add_argument("--split", choices=(*SPLITS, EVERY), default="test")
    for name in ("seg", "nodule", "malignancy"):
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
            document, _ = measure(options, bars)
        text = json.dumps(_plain(document), indent=1, allow_nan=False)
        with written_whole(options.output) as part:
            part.write_text(text + "\n", encoding="utf-8")
    except LungmonaiError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(tables(document) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
