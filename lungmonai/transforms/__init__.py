"""What MONAI's transforms lack: masks of nodules, and augmentation of whole batches.

Names are loaded when they are first used, since they need torch and MONAI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .batch_augment import AugmentSettings, BatchAugment, Drawn
    from .contour_mask import ContourMaskd
    from .grown_mask import nodule_mask
    from .grown_maskd import NoduleMaskd

__all__ = ["AugmentSettings", "BatchAugment", "ContourMaskd", "Drawn", "NoduleMaskd", "nodule_mask"]

__getattr__ = lazy_names(
    __name__,
    {
        "batch_augment": ("AugmentSettings", "BatchAugment", "Drawn"),
        "contour_mask": ("ContourMaskd",),
        "grown_mask": ("nodule_mask",),
        "grown_maskd": ("NoduleMaskd",),
    },
)
