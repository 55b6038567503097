"""MONAI inferers for networks that MONAI's own do not serve, and what they read and write."""

from .candidate_crops import CandidateCrops, ProbabilityTable
from .slice_context import SliceContextInferer

__all__ = ["CandidateCrops", "ProbabilityTable", "SliceContextInferer"]
