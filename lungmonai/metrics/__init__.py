"""Scores. Names load when they are first used; only those that an engine keeps need torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .intervals import Interval, bootstrap
    from .ranking import roc_auc
    from .running import ClassScore, VoxelScore

__all__ = ["ClassScore", "Interval", "VoxelScore", "bootstrap", "roc_auc"]

__getattr__ = lazy_names(
    __name__,
    {
        "intervals": ("Interval", "bootstrap"),
        "ranking": ("roc_auc",),
        "running": ("ClassScore", "VoxelScore"),
    },
)
