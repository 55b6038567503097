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
        settings: the fields of `AnalysisSettings`.
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
        **settings: Any,
    ) -> None:
        # The command line turns names that look like numbers into numbers.
        self.scan, self.output_dir = str(scan), str(output_dir)
        self.weights = [str(name) or None for name in (seg, nodule, malignancy)]
        self.series, self.volume_format, self.quiet = series or None, volume_format, quiet
        self.settings = settings

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
        settings = AnalysisSettings(**self.settings)
        models = Models.load(*self.weights)
        if models.stand_in:
            _log.warning(STAND_IN_BANNER)
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
