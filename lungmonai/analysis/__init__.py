"""A chest CT in, its nodules out."""

from .analyze import Progress, analyze_scan
from .models import Models, bundles_folder, default_weights
from .settings import AnalysisSettings

__all__ = [
    "AnalysisSettings",
    "Models",
    "Progress",
    "analyze_scan",
    "bundles_folder",
    "default_weights",
]
