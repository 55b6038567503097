"""The analysis as a bundle's config runs it: flat settings in, a folder of results out."""

from __future__ import annotations

import logging
from typing import Any

from ..errors import SettingsError
from ..export import nodule_table
from ..nodule import ScanResult
from ..progress import Bars
from .models import Models
from .run import STAND_IN_BANNER, TABLE_ROWS, analyze_to_folder
from .settings import AnalysisSettings
from .stored import stored_beside

__all__ = ["ScanAnalysis"]

_log = logging.getLogger(__name__)


class ScanAnalysis:
    """Analyses one scan into a folder.

    Args:
        scan: anything that `lungmonai.io.read_ct` takes.
        output_dir: folder for the results.
        seg: segmentation weights; empty takes those of the seg bundle.
        nodule: nodule weights; empty takes those of the nodule bundle.
        malignancy: malignancy weights; empty does without.
        series: DICOM series instance UID; empty takes the largest axial CT.
        volume_format: "nii.gz" or "mhd".
        quiet: draw no progress bars.
        nodule_threshold: a nodule is more probable than this; None takes what is stored beside the
            weights, else the default.
        settings: the other fields of `AnalysisSettings`.
    """

    def __init__(
        self,
        scan: str | float,
        output_dir: str | float,
        *,
        seg: str = "",
        nodule: str = "",
        malignancy: str = "",
        series: str = "",
        volume_format: str = "nii.gz",
        quiet: bool = False,
        nodule_threshold: float | None = None,
        **settings: Any,
    ) -> None:
        # The command line turns names that look like numbers into numbers.
        self.scan, self.output_dir = str(scan), str(output_dir)
        self.weights = [str(name) or None for name in (seg, nodule, malignancy)]
        self.series, self.volume_format, self.quiet = series or None, volume_format, quiet
        self.nodule_threshold, self.settings = nodule_threshold, settings

    def run(self) -> ScanResult:
        """Analyse, write the results, and log the table.

        Raises:
            SettingsError: `scan` or `output_dir` is empty, or a setting is out of range.
            LungmonaiError: as `analyze_to_folder`.
        """
        # Here, not when the config is resolved, where MONAI would bury it.
        for name, value in (("scan", self.scan), ("output_dir", self.output_dir)):
            if not value:
                raise SettingsError(f"{name} is empty", wanted="a path", do=f"Add `--{name} PATH`.")
        models = Models.load(*self.weights)
        stored = stored_beside(models)
        threshold = stored.nodule_threshold(self.nodule_threshold)
        settings = AnalysisSettings(nodule_threshold=threshold, **self.settings)
        if models.stand_in:
            _log.warning(STAND_IN_BANNER)
        if self.nodule_threshold is None:
            _log.info(stored.why())
        with Bars(quiet=self.quiet) as bars:
            result = analyze_to_folder(
                self.scan,
                self.output_dir,
                models=models,
                settings=settings,
                series=self.series,
                volume_format=self.volume_format,
                progress=bars,
            )
        for note in result.notes:
            _log.info(note)
        _log.info("\n%s", nodule_table(result, stand_in=models.stand_in, rows=TABLE_ROWS))
        return result
