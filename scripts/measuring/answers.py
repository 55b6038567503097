"""What two networks answer on each scan, kept on disk so that a stopped run goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lungmonai import __version__
from lungmonai.analysis import AnalysisSettings, Models
from lungmonai.analysis.classify import classify_crops
from lungmonai.analysis.engine import start_engine
from lungmonai.analysis.kept_engine import KeptEngine
from lungmonai.analysis.parts import facts_of, part_path, read_part, write_part
from lungmonai.analysis.segment import Window
from lungmonai.analysis.segmenter import Segmenter
from lungmonai.data.datalist import ScanItem
from lungmonai.data.mapped import open_volume
from lungmonai.files import make_folder
from lungmonai.io import CTScan, read_ct
from lungmonai.networks.shapes import CROP_SHAPE
from lungmonai.progress import Progress

# The probability volume has steps of 1/255.
LEVELS = 256


@dataclass(frozen=True, eq=False)
class Answers:
    """Of one scan, with N nodules and non-nodules in the datalist.

    Args:
        voxels: (2, 256) int64, voxels of the slices with a nodule, by label and by probability in steps of
            1/255; all 0 without a label volume.
        label: (N,) int64, 1 for a nodule.
        prob: (N,) float64, of being a nodule.
    """

    voxels: NDArray[np.int64]
    label: NDArray[np.int64]
    prob: NDArray[np.float64]


class Asker:
    """Asks one segmentation and one nodule classifier; each is prepared once.

    Args:
        models: the weights.
    """

    def __init__(self, models: Models) -> None:
        settings = AnalysisSettings()
        self.models = models
        self.engine = KeptEngine.of(start_engine(settings))
        self._segmenter = Segmenter(models.seg, self.engine, settings.mark_threshold)

    def told(self) -> dict[str, Any]:
        """All but the scan that decides the answers, as JSON types."""
        engine = self.engine
        return {
            "version": __version__,
            "weights": {name: model.sha256 for name, model in self.models.by_name().items()},
            "engine": [engine.name, engine.device, engine.segment_precision, engine.classify_precision],
        }

    def __call__(self, item: ScanItem) -> Answers:
        """Segment the slices with a nodule, and classify what the datalist names.

        Raises:
            ScanError: the scan is refused.
            DataError: its label volume cannot be read.
        """
        scan = read_ct(item["image"]).canonical()
        nodules = _places(nodule["lps_mm"] for nodule in item["nodules"])
        others = _places(row[:3] for row in item["candidates"] if row[3] == 0)
        return Answers(
            self._voxels(scan, item),
            np.repeat([1, 0], [len(nodules), len(others)]),
            self._classified(scan, np.concatenate([nodules, others])),
        )

    def _voxels(self, scan: CTScan, item: ScanItem) -> NDArray[np.int64]:
        total = np.zeros((2, LEVELS), np.int64)
        if "label" not in item:
            return total
        label = _label_of(item)
        whole = Window.whole(scan.shape, self.models.seg.architecture.align)
        for (run,) in ndimage.find_objects(ndimage.label(label.any(axis=(1, 2)))[0]):
            window = replace(whole, slices=(run.start, run.stop))
            found = self._segmenter(scan.hu, window, lambda *_: None)
            total += _counted(found.probability[run], label[run])
        return total

    def _classified(self, scan: CTScan, lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        model, engine = self.models.nodule, self.engine
        return classify_crops(
            scan,
            scan.vox_from_lps(lps_mm),
            engine.prepare(model, (engine.crops, 1, *CROP_SHAPE)),
            crop_spacing_mm=model.crop_spacing_mm,
            crops_per_call=engine.crops,
            progress=lambda *_: None,
        ).astype(np.float64)


def ask_all(
    items: Sequence[ScanItem], asker: Asker, parts: Path, stage: str, progress: Progress
) -> list[Answers]:
    """The answers for every scan; those that are kept in `parts` are not asked for again.

    Args:
        items: the scans, with nodules and candidates.
        asker: of the weights.
        parts: folder for one file a scan, made if need be.
        stage: what progress is called with.
        progress: called with the stage, scans done and scans in all.
    """
    make_folder(parts)
    files = [_part(item, asker, parts) for item in items]
    kept = {place: read_part(part, Answers) for place, part in enumerate(files)}
    answers = {place: one for place, one in kept.items() if one is not None}
    progress(stage, len(answers), len(items))
    for place, (item, part) in enumerate(zip(items, files, strict=True)):
        if place not in answers:
            answers[place] = one = asker(item)
            write_part(part, one)
            progress(stage, len(answers), len(items))
    return [answers[place] for place in range(len(items))]


def _places(rows: Iterable[Sequence[float]]) -> NDArray[np.float64]:
    return np.array(list(rows), np.float64).reshape(-1, 3)


def _label_of(item: ScanItem) -> NDArray[np.bool_]:
    """(slices, rows, columns) bool, the nodules' voxels, turned as the scan is for the analysis."""
    label = open_volume(item["label"], kind="label")
    return CTScan(np.asarray(label.array, np.int16), label.affine_lps, "label").canonical().hu > 0


def _counted(probability: NDArray[np.uint8], label: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(2, 256) voxels by label and probability."""
    return np.stack([np.bincount(probability[label == side], minlength=LEVELS) for side in (False, True)])


def _part(item: ScanItem, asker: Asker, parts: Path) -> Path:
    files = [facts_of(path) for path in (item["image"], item.get("label", "")) if path]
    return part_path(parts, {**asker.told(), "item": item, "files": files})
