"""A chest CT in, its nodules out."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .analyze import Progress, analyze_scan
    from .bundle import ScanAnalysis
    from .models import ModelFile, Models
    from .run import analyze_to_folder
    from .settings import AnalysisSettings

__all__ = [
    "AnalysisSettings",
    "ModelFile",
    "Models",
    "Progress",
    "ScanAnalysis",
    "analyze_scan",
    "analyze_to_folder",
]

__getattr__ = lazy_names(
    __name__,
    {
        "analyze": ("Progress", "analyze_scan"),
        "bundle": ("ScanAnalysis",),
        "models": ("ModelFile", "Models"),
        "run": ("analyze_to_folder",),
        "settings": ("AnalysisSettings",),
    },
)
