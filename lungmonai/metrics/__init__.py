"""Scores. Names load when they are first used; only those that an engine keeps need torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .running import ClassScore, VoxelScore

__all__ = ["ClassScore", "VoxelScore"]

__getattr__ = lazy_names(__name__, {"running": ("ClassScore", "VoxelScore")})
