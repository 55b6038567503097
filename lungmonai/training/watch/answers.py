"""What the network answered in an epoch: losses, counts and the worst samples."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from monai.utils.enums import CommonKeys
from torch import Tensor, distributed

from ..sample_losses import sample_losses
from ..step import SAMPLE_LOSS
from .counts import BINS, Counts, counted, logits_of
from .worst import Example, Worst

__all__ = ["Answers", "Loss"]

Loss = Callable[[Tensor, Tensor], Tensor]


class Answers:
    """Collects batch after batch; its size does not depend on how many.

    Losses that are not finite are left out of the means, which would be lost for the whole epoch; their
    samples are among the worst.

    Args:
        loss: of logits and labels, for outputs without their samples' losses.
        worst: samples with the highest loss to keep.
    """

    def __init__(self, loss: Loss, worst: int) -> None:
        self._loss, self._most = loss, worst
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.counts = np.zeros((2, BINS), dtype=np.int64)
        # Samples with a finite loss and the sum of these, without and with something positive.
        self.samples, self.losses = np.zeros(2, dtype=np.int64), np.zeros(2)
        self.masks = False
        self.worst = Worst(self._most)

    @torch.no_grad()
    def add(self, batch: dict[str, Any], output: dict[str, Tensor]) -> None:
        """Look at a batch and an engine's output for it: MONAI's `image`, `label` and `pred`."""
        pred, label = output[CommonKeys.PRED].detach().float(), output[CommonKeys.LABEL]
        logits, positive = logits_of(pred, label)
        self.masks = label.ndim > 1
        self.counts += counted(logits, positive)
        each = output[SAMPLE_LOSS] if SAMPLE_LOSS in output else sample_losses(self._loss, pred, label)
        losses = each.double().cpu()
        finite = losses.isfinite()
        with_any = positive.any(1).cpu().long()[finite]
        self.samples += torch.bincount(with_any, minlength=2).numpy()
        self.losses += torch.bincount(with_any, losses[finite], minlength=2).numpy()
        self.worst.add_batch(losses, batch, output)

    def everyones(self) -> Answers:
        """These and the other processes' together; all processes must ask."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return self
        parts: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(parts, self.state_dict())
        together = copy.copy(self)
        together.reset()
        for part in parts:
            together.load_state_dict(part, add=True)
        return together

    def state_dict(self) -> dict[str, Any]:
        """Everything, as tensors and plain values."""
        return {
            "counts": torch.from_numpy(self.counts.copy()),
            "samples": torch.from_numpy(self.samples.copy()),
            "losses": torch.from_numpy(self.losses.copy()),
            "masks": self.masks,
            "worst": [
                [one.loss, one.name, one.answer, torch.from_numpy(one.panels)]
                for one in self.worst.examples()
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any], *, add: bool = False) -> None:
        """Go on from a state.

        Args:
            state_dict: from `state_dict`.
            add: to what is here.
        """
        if not add:
            self.reset()
        self.counts += state_dict["counts"].numpy()
        self.samples += state_dict["samples"].numpy()
        self.losses += state_dict["losses"].numpy()
        self.masks |= state_dict["masks"]
        self.worst.add(
            Example(loss, name, answer, panels.numpy()) for loss, name, answer, panels in state_dict["worst"]
        )

    def scalars(self) -> dict[str, float]:
        """The book's numbers by the book's names; what has nothing to be made of is left out.

        `correct/…` and `percent_all/…` are percentages, of voxels where the labels are masks; false
        positives are a percentage of the voxels that should be marked, and may be over 100.
        """
        counts = Counts(*self.counts)
        hits, false, misses, rest = counts.hits, counts.false, counts.misses, counts.true_negatives
        shares = {
            "loss/all": (self.losses.sum(), self.samples.sum()),
            "loss/pos": (self.losses[1], self.samples[1]),
            "loss/neg": (self.losses[0], self.samples[0]),
            "correct/all": (100 * (hits + rest), hits + rest + misses + false),
            "correct/pos": (100 * hits, hits + misses),
            "correct/neg": (100 * rest, rest + false),
            "pr/precision": (hits, hits + false),
            "pr/recall": (hits, hits + misses),
            "pr/f1_score": (2 * hits, 2 * hits + misses + false),
            "auc": (counts.auc(), 1 if counts.auc() is not None else 0),
        }
        if self.masks:
            for name, part in (("tp", hits), ("fn", misses), ("fp", false)):
                shares[f"percent_all/{name}"] = (100 * part, hits + misses)
        return {name: float(over / under) for name, (over, under) in shares.items() if under}
