"""MONAI inferers for networks that MONAI's own do not serve."""

from .slice_context import SliceContextInferer

__all__ = ["SliceContextInferer"]
