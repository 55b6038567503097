"""Losses that MONAI lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .recall_dice import RecallDiceLoss
    from .sum_of_losses import SumOfLosses

__all__ = ["RecallDiceLoss", "SumOfLosses"]

__getattr__ = lazy_names(__name__, {"recall_dice": ("RecallDiceLoss",), "sum_of_losses": ("SumOfLosses",)})
