"""What a set of weights answers on each scan, kept on disk so that a stopped run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungmonai import __version__
from lungmonai.analysis import AnalysisSettings, ModelFile, Models, analyze_scan
from lungmonai.analysis.classify import classify_crops
from lungmonai.analysis.engine import Engine, Runner, choose_engine
from lungmonai.analysis.parts import facts_of, part_path, read_part, write_part
from lungmonai.data.datalist import ScanItem
from lungmonai.data.mapped import open_volume
from lungmonai.errors import WeightsError
from lungmonai.files import make_folder
from lungmonai.io import CTScan, read_ct
from lungmonai.networks.shapes import CROP_SHAPE
from lungmonai.progress import Progress

# The probability volume has steps of 1/255.
LEVELS = 256


@dataclass(frozen=True, eq=False)
class Answers:
    """Of one scan.

    `voxels` counts the voxels of slices with a nodule: (2, 256) by label and by probability in steps of
    1/255; all 0 without a label volume. `table_*` are the nodules and non-nodules of the datalist;
    `malignancy` is NaN without that model; `candidate_*` is what the analysis found.
    `marked_everything` tells of a segmentation whose marks could not be grouped; it has no candidates.
    """

    voxels: NDArray[np.int64]
    table_label: NDArray[np.int64]
    table_prob: NDArray[np.float64]
    malignancy: NDArray[np.float64]
    candidate_lps_mm: NDArray[np.float64]
    candidate_prob: NDArray[np.float64]
    seconds: NDArray[np.float64]
    marked_everything: NDArray[np.bool_]


_ARRAYS = tuple(field.name for field in fields(Answers))


class Asker:
    """Asks one set of weights; its classifiers are prepared once.

    Args:
        models: the weights.
        settings: of the analysis.
    """

    def __init__(self, models: Models, settings: AnalysisSettings) -> None:
        self.models, self.settings = models, settings
        self.engine: Engine = choose_engine(settings)
        self.nodule = self._prepared(models.nodule)
        self.malignancy = self._prepared(models.malignancy) if models.malignancy else None

    def __call__(self, item: ScanItem) -> Answers:
        """Analyse a scan, and classify the nodules and non-nodules that the datalist names."""
        scan = read_ct(item["image"]).canonical()
        voxels = np.zeros((2, LEVELS), np.int64)
        places, probs, seconds = np.zeros((0, 3)), np.zeros(0), np.nan
        everything = False
        try:
            result = analyze_scan(scan, self.models, self.settings)
        except WeightsError:
            everything = True
        else:
            places = np.array([one.center_lps_mm for one in result.candidates]).reshape(-1, 3)
            probs = np.array([one.nodule_prob for one in result.candidates])
            seconds = sum(result.record["timings_s"].values())
            if "label" in item and result.probability is not None:
                voxels = counted(result.probability, label_of(item))
        nodules = np.array([nodule["lps_mm"] for nodule in item["nodules"]]).reshape(-1, 3)
        others = np.array([row[:3] for row in item["candidates"] if row[3] == 0]).reshape(-1, 3)
        return Answers(
            voxels,
            np.repeat([1, 0], [len(nodules), len(others)]),
            self._classified(scan, np.concatenate([nodules, others]), self.nodule, self.models.nodule),
            self._classified(scan, nodules, self.malignancy, self.models.malignancy),
            places,
            probs,
            np.array(seconds),
            np.array(everything),
        )

    def _prepared(self, model: ModelFile) -> Runner:
        return self.engine.prepare(model, (self.engine.crops, 1, *CROP_SHAPE))

    def _classified(
        self, scan: CTScan, lps_mm: NDArray[np.float64], run: Runner | None, model: ModelFile | None
    ) -> NDArray[np.float64]:
        if run is None or model is None:
            return np.full(len(lps_mm), np.nan)
        return classify_crops(
            scan,
            scan.vox_from_lps(lps_mm),
            run,
            crop_spacing_mm=model.crop_spacing_mm,
            crops_per_call=self.engine.crops,
            progress=lambda *_: None,
        ).astype(np.float64)


def label_of(item: ScanItem) -> NDArray[np.bool_]:
    """(slices, rows, columns) bool, the nodules' voxels, turned as the analysis turns the scan."""
    label = open_volume(item["label"], kind="label")
    return CTScan(np.asarray(label.array, np.int16), label.affine_lps, "label").canonical().hu > 0


def counted(probability: NDArray[np.uint8], label: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(2, 256) voxels of the slices that hold a nodule, by label and probability."""
    some = label.any(axis=(1, 2))
    probability, label = probability[some], label[some]
    return np.stack([np.bincount(probability[label == side], minlength=LEVELS) for side in (False, True)])


def ask_all(
    items: Sequence[ScanItem], asker: Asker, parts: Path, name: str, progress: Progress
) -> list[Answers]:
    """The answers for every scan; those that are kept in `parts` are not asked for again."""
    make_folder(parts)
    answers = {}
    waiting = []
    for place, item in enumerate(items):
        part = part_path(parts, _told(item, asker))
        kept = _read(part)
        if kept is None:
            waiting.append((place, item, part))
        else:
            answers[place] = kept
    stage = f"Scans, {name}"
    progress(stage, len(answers), len(items))
    for place, item, part in waiting:
        answers[place] = one = asker(item)
        write_part(part, {name: getattr(one, name) for name in _ARRAYS})
        progress(stage, len(answers), len(items))
    return [answers[place] for place in range(len(items))]


def _read(part: Path) -> Answers | None:
    kept = read_part(part, _ARRAYS)
    return None if kept is None else Answers(**kept)


def _told(item: ScanItem, asker: Asker) -> dict[str, Any]:
    """All that decides the answers."""
    return {
        "version": __version__,
        "weights": {name: model.sha256 for name, model in asker.models.by_name().items()},
        "precision": [asker.engine.segment_precision, asker.engine.classify_precision],
        "threshold": asker.settings.mark_threshold,
        "item": item,
        "files": [facts_of(path) for path in (item["image"], item.get("label", "")) if path],
    }
