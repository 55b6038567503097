"""From a batch of samples to what the network sees: on the device, clamped, augmented."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..networks.shapes import HU_LIMIT
from ..transforms.batch_augment import BatchAugment

__all__ = ["PrepareBatch"]


class PrepareBatch:
    """For the `prepare_batch` of MONAI's engines.

    The HU are clamped to [−1000, 1000] and not scaled. Where the labels are masks they are moved with
    their images. MONAI's own `PrepareBatch` classes take the batch as it is.

    Args:
        augment: whole batches on the device; None for validation.
        channels_last: the layout in memory in which convolutions are quickest.
    """

    def __init__(self, augment: BatchAugment | None = None, *, channels_last: bool = False) -> None:
        self.augment, self.channels_last = augment, channels_last

    def __call__(
        self, batch: dict[str, Any], device: torch.device, non_blocking: bool = False, **_: object
    ) -> tuple[Tensor, Tensor]:
        """Images (B, C, …) float32 and labels: float32 masks, or int64 classes."""
        # int16 travels: half the bytes of float32.
        images = batch["image"].to(device, non_blocking=non_blocking)
        labels = batch["label"].to(device, non_blocking=non_blocking)
        images = images.clamp(-HU_LIMIT, HU_LIMIT).float()
        is_mask = labels.ndim > 1
        if self.augment is not None:
            images, labels = self._augmented(self.augment, images, labels, is_mask=is_mask)
        if self.channels_last:
            layout = torch.channels_last_3d if images.ndim == 5 else torch.channels_last
            images = images.contiguous(memory_format=layout)
        return images, labels.float() if is_mask else labels.long()

    @staticmethod
    def _augmented(
        augment: BatchAugment, images: Tensor, labels: Tensor, *, is_mask: bool
    ) -> tuple[Tensor, Tensor]:
        if is_mask:
            return augment(images, labels)
        return augment(images), labels

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to draw on."""
        return {} if self.augment is None else {"augment": self.augment.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        if self.augment is not None and "augment" in state_dict:
            self.augment.load_state_dict(state_dict["augment"])
