"""MONAI inferers for networks that MONAI's own do not serve, and what they read and write."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .candidate_crops import CandidateCrops, ProbabilityTable
    from .slice_context import SliceContextInferer

__all__ = ["CandidateCrops", "ProbabilityTable", "SliceContextInferer"]

__getattr__ = lazy_names(
    __name__,
    {"candidate_crops": ("CandidateCrops", "ProbabilityTable"), "slice_context": ("SliceContextInferer",)},
)
