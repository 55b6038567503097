"""One step of training: forward, loss, backward, update, in the precision that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.utils.enums import CommonKeys
from torch import Tensor, distributed, nn

from ..errors import DataError, SettingsError
from .sample_losses import sample_losses

__all__ = ["PRECISIONS", "SAMPLE_LOSS", "TrainingStep"]

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
# A scale of 2^16 falls to 1 in 16 skipped steps; then it is not the scale.
SKIP_LIMIT = 20
# Key of the output, beside MONAI's.
SAMPLE_LOSS = "sample_loss"


class TrainingStep:
    """For `SupervisedTrainer(iteration_update=…)`: MONAI's own step knows mixed precision on CUDA only.

    A loss or gradient that is not finite skips the update in all processes, is counted and logged, and
    lowers the scale of float16; weights and the statistics of batch norms stay as they were. So many
    in a row end the run with the ids of the batch. The output holds MONAI's `image`, `label`, `pred`
    and `loss`, and `sample_loss`, (B,) without gradient.

    Args:
        precision: `float32`; `bfloat16` or `float16` for convolutions and matrix products.
        skip_limit: steps that may be skipped in a row.

    Raises:
        SettingsError: the precision is not known.
    """

    def __init__(self, precision: str = "float32", *, skip_limit: int = SKIP_LIMIT) -> None:
        if precision not in PRECISIONS:
            raise SettingsError(
                f"precision is {precision!r}", wanted=" or ".join(PRECISIONS), do="Choose one of them."
            )
        self.dtype, self.skip_limit = PRECISIONS[precision], skip_limit
        self.skipped = self.skipped_in_a_row = 0
        self._scaler: torch.amp.GradScaler | None = None
        self._scaler_state: dict[str, Any] = {}
        self._former = _Buffers()

    def __call__(self, engine: SupervisedTrainer, batch: Mapping[str, Any]) -> dict[str, Any]:
        """One step; MONAI's events are fired as by its own."""
        device = engine.state.device
        images, labels = engine.prepare_batch(batch, device, engine.non_blocking, **engine.to_kwargs)
        output: dict[str, Any] = {CommonKeys.IMAGE: images, CommonKeys.LABEL: labels}
        engine.state.output = output
        engine.network.train()
        engine.optimizer.zero_grad(set_to_none=True)
        self._former.keep(engine.network)
        with torch.autocast(device.type, self.dtype or torch.bfloat16, enabled=self.dtype is not None):
            output[CommonKeys.PRED] = engine.inferer(images, engine.network)
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        output[CommonKeys.PRED] = output[CommonKeys.PRED].float()
        loss = output[CommonKeys.LOSS] = engine.loss_function(output[CommonKeys.PRED], labels).mean()
        output[SAMPLE_LOSS] = sample_losses(engine.loss_function, output[CommonKeys.PRED], labels)
        engine.fire_event(IterationEvents.LOSS_COMPLETED)
        self._update(engine, loss, batch)
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        return output

    def state_dict(self) -> dict[str, Any]:
        """Counts, and the scale."""
        scaler = self._scaler.state_dict() if self._scaler else self._scaler_state
        return {"skipped": self.skipped, "skipped_in_a_row": self.skipped_in_a_row, "scaler": scaler}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with these counts and this scale."""
        self.skipped, self.skipped_in_a_row = state_dict["skipped"], state_dict["skipped_in_a_row"]
        self._scaler_state = state_dict["scaler"]
        if self._scaler and self._scaler_state:
            self._scaler.load_state_dict(self._scaler_state)

    def _update(self, engine: SupervisedTrainer, loss: Tensor, batch: Mapping[str, Any]) -> None:
        scaler = self._scaler_of(engine)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        scaler.unscale_(engine.optimizer)
        if self._all_finite(engine, loss):
            engine.optimizer.step()
            self.skipped_in_a_row = 0
            scaler.update()
            return
        self.skipped += 1
        self.skipped_in_a_row += 1
        engine.optimizer.zero_grad(set_to_none=True)
        self._former.put_back()
        _lower_scale(scaler)
        self._say_skipped(engine, loss, batch, scaler)

    def _all_finite(self, engine: SupervisedTrainer, loss: Tensor) -> bool:
        """Whether loss and gradients are finite in every process."""
        gradients = [p.grad for p in engine.network.parameters() if p.grad is not None]
        norms = torch._foreach_norm(gradients) if gradients else []
        finite = torch.isfinite(torch.stack([loss.detach(), *norms]).sum())
        if distributed.is_available() and distributed.is_initialized():
            flag = finite.to(torch.int32)
            distributed.all_reduce(flag, distributed.ReduceOp.MIN)
            return bool(flag)
        return bool(finite)

    def _scaler_of(self, engine: SupervisedTrainer) -> torch.amp.GradScaler:
        if self._scaler is None:
            # Only float16 has too small a range for gradients.
            enabled = self.dtype is torch.float16
            self._scaler = torch.amp.GradScaler(engine.state.device.type, enabled=enabled)
            if enabled and self._scaler_state:
                self._scaler.load_state_dict(self._scaler_state)
        return self._scaler

    def _say_skipped(
        self,
        engine: SupervisedTrainer,
        loss: Tensor,
        batch: Mapping[str, Any],
        scaler: torch.amp.GradScaler,
    ) -> None:
        what = "the gradient" if torch.isfinite(loss.detach()) else f"a loss of {float(loss.detach())}"
        scale = f"; the scale is now {scaler.get_scale():g}" if scaler.is_enabled() else ""
        engine.logger.warning(
            f"step {engine.state.iteration}: {what} is not finite, step skipped "
            f"({self.skipped_in_a_row} in a row, {self.skipped} in all){scale}"
        )
        if self.skipped_in_a_row >= self.skip_limit:
            names = ", ".join(map(str, batch.get("id", [])))
            raise DataError(
                f"{self.skipped_in_a_row} steps in a row were not finite; "
                f"the last batch was {names or 'unnamed'}",
                wanted="a finite loss",
                do="Look at these scans, lower the learning rate, or train in float32.",
            )


class _Buffers:
    """A network's buffers as they were before a forward pass: it changes the statistics of batch norms."""

    def __init__(self) -> None:
        self._buffers: list[Tensor] = []
        self._copies: list[Tensor] = []

    def keep(self, network: nn.Module) -> None:
        """Copy them."""
        self._buffers = list(network.buffers())
        if len(self._copies) != len(self._buffers):
            self._copies = [buffer.clone() for buffer in self._buffers]
        elif self._buffers:
            torch._foreach_copy_(self._copies, self._buffers)

    def put_back(self) -> None:
        """Undo what the forward pass did."""
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._copies)


def _lower_scale(scaler: torch.amp.GradScaler) -> None:
    """Also where only the loss was not finite, which the scaler does not see."""
    if scaler.is_enabled():
        former = scaler.get_scale()
        scaler.update()
        if scaler.get_scale() >= former:
            scaler.update(former * scaler.get_backoff_factor())
