"""What the analysis answers on one scan, and what it saw of each annotated nodule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..data.datalist import ScanItem
from ..files import make_folder
from ..networks.shapes import CROP_SHAPE
from ..nodule import LOCATIONS, Candidate, ScanResult
from .nodule_balls import ball_marks, marked_voxels

if TYPE_CHECKING:
    from ..analysis.group import Groups
    from ..analysis.lungs import LungMask
    from ..analysis.models import Models
    from ..analysis.settings import AnalysisSettings
    from ..io.scan import CTScan

__all__ = ["ScanAnalyst", "ScanAnswers"]


# Settings that change nothing of what the networks are asked, but for crops of other reports.
_AFTER_NETWORKS = ("merge", "merge_radius_mm", "nodule_threshold")


@dataclass(frozen=True, eq=False)
class ScanAnswers:
    """Of one scan: N candidates, D groups that were no candidates, R reported nodules, M annotated nodules.

    Args:
        candidate_lps_mm: (N, 3) float64, LPS mm; every group, lowest slice first, and then the masses.
        candidate_prob: (N,) float32, probability of being a nodule.
        candidate_diameter_mm: (N,) float64, of the sphere with the volume that erosion left; of
            thin groups and masses their whole volume.
        dropped_lps_mm: (D, 3) float64, LPS mm; groups that `region="lungs"` left out, for their centres lie
            outside the lung mask.
        report_lps_mm: (R, 3) float64, LPS mm; most probable first.
        report_prob: (R,) float64, probability of being a nodule.
        report_malignancy: (R,) float64; NaN without that network, and over 30 mm.
        report_diameter_mm: (R,) float64, of the sphere with the nodule's volume.
        report_location: (R,) int64, place in `LOCATIONS`.
        nodule_seg_prob: (M,) float64, the segmentation's highest probability in the nodule's ball, in steps
            of 1/255; NaN where the ball lies outside the scan.
        nodule_marked: (M,) int64, marked voxels in the ball.
        nodule_eroded: (M,) int64, those that are left in a group: erosion leaves them, or they are kept as
            a thin group.
        nodule_in_lungs: (M,) bool, whether the centre lies where `region="lungs"` looks.
        nodule_malignancy: (M,) float64, of the crop at the annotated centre; NaN without that network, and
            where the ball lies outside the scan.
    """

    candidate_lps_mm: NDArray[np.float64]
    candidate_prob: NDArray[np.float32]
    candidate_diameter_mm: NDArray[np.float64]
    dropped_lps_mm: NDArray[np.float64]
    report_lps_mm: NDArray[np.float64]
    report_prob: NDArray[np.float64]
    report_malignancy: NDArray[np.float64]
    report_diameter_mm: NDArray[np.float64]
    report_location: NDArray[np.int64]
    nodule_seg_prob: NDArray[np.float64]
    nodule_marked: NDArray[np.int64]
    nodule_eroded: NDArray[np.int64]
    nodule_in_lungs: NDArray[np.bool_]
    nodule_malignancy: NDArray[np.float64]


class ScanAnalyst:
    """Analyses the scans of a datalist with one set of weights; each network is prepared once.

    Args:
        models: the weights.
        settings: of the analysis.
        memory: folder for what the networks answer on each scan, so that another nodule threshold or way of
            merging need not ask them again; None keeps nothing.

    Raises:
        EngineError: this machine lacks the device or engine asked for.
    """

    def __init__(self, models: Models, settings: AnalysisSettings, memory: Path | None = None) -> None:
        from ..analysis.engine import start_engine
        from ..analysis.remembering_engine import RememberingEngine

        self.models, self.settings, self.memory = models, settings, memory
        self.engine = RememberingEngine.of(start_engine(settings))

    def told(self) -> dict[str, Any]:
        """All but the scan that decides the answers, as JSON types."""
        return {
            "version": __version__,
            "weights": {name: model.sha256 for name, model in self.models.by_name().items()},
            "settings": self.settings.as_dict(),
            "engine": self.engine_record(),
        }

    def engine_record(self) -> dict[str, str]:
        """What the settings came to on this machine."""
        engine = self.engine
        return {
            "name": engine.name,
            "device": engine.device,
            "segment_precision": engine.segment_precision,
            "classify_precision": engine.classify_precision,
        }

    def __call__(self, item: ScanItem) -> ScanAnswers:
        """Read and analyse a scan, and look at what became of each of its nodules.

        Raises:
            ScanError: the scan is refused.
            WeightsError: the weights mark more voxels than can be grouped.
            OutputError: the networks' answers could not be kept.
        """
        path = self.memory_path(item)
        if path is None:
            return self._answers(item)
        make_folder(path.parent)
        with self.engine.remembering(path):
            return self._answers(item)

    def memory_path(self, item: ScanItem) -> Path | None:
        """The file for what the networks answer on a scan, the same for another nodule threshold or merging.

        Args:
            item: the scan.
        """
        if self.memory is None:
            return None
        from ..analysis.parts import facts_of, part_path

        told = self.told()
        asked = {name: value for name, value in told["settings"].items() if name not in _AFTER_NETWORKS}
        return part_path(self.memory, {**told, "settings": asked, "files": facts_of(item["image"])})

    def _answers(self, item: ScanItem) -> ScanAnswers:
        from ..analysis.analyze import analyze_scan
        from ..analysis.group import group_scan
        from ..analysis.lungs import find_lungs
        from ..io.read import read_ct

        scan = read_ct(item["image"]).canonical()
        result = analyze_scan(scan, self.models, self.settings, engine=self.engine)
        if result.probability is None:
            raise TypeError("the analysis kept no probability volume")
        marked = marked_voxels(result.probability, self.settings.mark_threshold)
        groups, lungs = group_scan(marked, scan, self.settings.keep_thin_mm), find_lungs(scan)
        grouped = np.zeros(scan.shape, np.bool_)
        grouped.reshape(-1)[groups.voxels] = True
        return ScanAnswers(
            **_candidates(result.candidates, scan),
            dropped_lps_mm=self._dropped(scan, groups, lungs),
            **_reports(result),
            **self._nodules(item, scan, (result.probability, marked, grouped), lungs),
        )

    def _dropped(self, scan: CTScan, groups: Groups, lungs: LungMask) -> NDArray[np.float64]:
        """Centres of the groups that the analysis found and did not look at."""
        if self.settings.region != "lungs" or not lungs.found:
            return np.zeros((0, 3))
        return scan.lps_from_vox(groups.center_vox[~lungs.inside(groups.center_vox)])

    def _nodules(
        self,
        item: ScanItem,
        scan: CTScan,
        volumes: tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]],
        lungs: LungMask,
    ) -> dict[str, NDArray[Any]]:
        lps_mm = np.array([nodule["lps_mm"] for nodule in item["nodules"]], np.float64).reshape(-1, 3)
        diameters = [nodule["diameter_mm"] for nodule in item["nodules"]]
        centers_vox = scan.vox_from_lps(lps_mm)
        marks = ball_marks(*volumes, centers_vox, diameters, scan.spacing_mm)
        return {
            "nodule_seg_prob": marks.highest_prob,
            "nodule_marked": marks.marked,
            "nodule_eroded": marks.eroded,
            # Without lungs it looks everywhere.
            "nodule_in_lungs": lungs.inside(centers_vox) | (not lungs.found),
            # Beyond the scan's border there is nothing to judge.
            "nodule_malignancy": np.where(
                np.isnan(marks.highest_prob), np.nan, self._malignancy(scan, centers_vox)
            ),
        }

    def _malignancy(self, scan: CTScan, centers_vox: NDArray[np.float64]) -> NDArray[np.float64]:
        model = self.models.malignancy
        if model is None:
            return np.full(len(centers_vox), np.nan)
        from ..analysis.classify import classify_crops

        answers = classify_crops(
            scan,
            centers_vox,
            self.engine.prepare(model, (self.engine.crops, 1, *CROP_SHAPE)),
            crop_spacing_mm=model.crop_spacing_mm,
            crops_per_call=self.engine.crops,
            progress=lambda done, total: None,
        )
        return answers.astype(np.float64)


def _candidates(candidates: tuple[Candidate, ...], scan: CTScan) -> dict[str, NDArray[Any]]:
    voxel_mm3 = float(np.prod(scan.spacing_mm))
    volumes_mm3 = np.array([one.voxels for one in candidates], np.float64) * voxel_mm3
    return {
        "candidate_lps_mm": np.array([one.center_lps_mm for one in candidates], np.float64).reshape(-1, 3),
        "candidate_prob": np.array([one.nodule_prob for one in candidates], np.float32),
        "candidate_diameter_mm": np.cbrt(volumes_mm3 * 6 / np.pi),
    }


def _reports(result: ScanResult) -> dict[str, NDArray[Any]]:
    def column(name: str) -> NDArray[np.float64]:
        # None, where malignancy was not judged, becomes NaN.
        return np.array([getattr(one, name) for one in result.nodules], np.float64)

    return {
        "report_lps_mm": column("center_lps_mm").reshape(-1, 3),
        "report_prob": column("nodule_prob"),
        "report_malignancy": column("malignancy_prob"),
        "report_diameter_mm": column("equivalent_diameter_mm"),
        "report_location": np.array([LOCATIONS.index(one.location) for one in result.nodules], np.int64),
    }
