"""The candidates of one scan: segmentation and grouping, without the classifier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..io.scan import CTScan
from ..progress import Progress
from .engine import start_engine
from .group import Groups, group_scan
from .models import ModelFile
from .segment import Segmentation, Window
from .segmenter import Segmenter
from .settings import AnalysisSettings

__all__ = ["CandidateFinder", "FoundCandidates"]

# Steps of the probability volume.
_WHOLE = 255


@dataclass(frozen=True, eq=False)
class FoundCandidates:
    """What segmentation and grouping find in a scan, lowest slice first.

    Args:
        lps_mm: (N, 3) float64, HU-weighted centroids, LPS mm.
        prob: (N,) float32, mean of the segmentation's probability over the candidate's voxels.
        voxels: (N,) int64, voxels of the group.
    """

    lps_mm: NDArray[np.float64]
    prob: NDArray[np.float32]
    voxels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.voxels)


class CandidateFinder:
    """Finds the candidates of scans; the network is prepared once for each thread and shape of slice.

    The whole scan is looked at, whatever `settings.region` says: `analyze` looks at all of it by default.

    Args:
        seg: the segmentation's weights.
        settings: engine, precision, device, threshold and thin groups are used; None takes the defaults.

    Raises:
        EngineError: this machine lacks the device or engine asked for.
    """

    def __init__(self, seg: ModelFile, settings: AnalysisSettings | None = None) -> None:
        self.seg, self.settings = seg, settings or AnalysisSettings()
        self.engine = start_engine(self.settings)
        self._segmenter = Segmenter(seg, self.engine, self.settings.mark_threshold)

    def __call__(self, scan: CTScan, progress: Progress = lambda stage, done, total: None) -> FoundCandidates:
        """The candidates of a scan.

        Args:
            scan: any orientation; positions come out in its own LPS frame.
            progress: called with `segment`, slices done and slices in all.

        Raises:
            WeightsError: the weights mark more voxels than can be grouped.
        """
        scan = scan.canonical()
        window = Window.whole(scan.shape, self.seg.architecture.align)
        marks = self._segmenter(scan.hu, window, partial(progress, "segment"))
        groups = group_scan(marks.marked, scan, self.settings.keep_thin_mm)
        return FoundCandidates(scan.lps_from_vox(groups.center_vox), _probs(groups, marks), groups.counts)


def _probs(groups: Groups, marks: Segmentation) -> NDArray[np.float32]:
    probs = marks.probability.ravel()[groups.voxels]
    return (np.bincount(groups.labels, weights=probs) / groups.counts / _WHOLE).astype(np.float32)
