"""A training run in TensorBoard, as *Deep Learning with PyTorch*, part 2, shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.utils.enums import CommonKeys
from torch import distributed

from ..unwrapped import unwrapped
from .answers import Answers, Loss
from .colours import coloured
from .counts import Counts, logits_of
from .figures import precision_recall_figure, roc_figure, worst_figure
from .fixed_slices import FixedSlices
from .run_writer import RunWriter

__all__ = ["TensorBoardRun"]

# Samples with the highest loss that are shown.
WORST = 8
# Validations from one drawing of the slices to the next: one takes seconds, and 13 MB of pictures.
SLICES_EVERY = 2


class TensorBoardRun:
    """Write scalars, histograms, curves, slices and the worst samples, by samples seen.

    Attached to a trainer it writes to the folder `trn_…` after each epoch, and to `val_…` after each
    run of the validator. MONAI's `TensorBoardStatsHandler` writes what an engine's metrics hold, by
    epoch; losses and answers by class, histograms, curves and the hiding of what a resumed run writes
    again are not in it. Its `TensorBoardImageHandler` shows one sample of the batch at hand, without
    colours.

    Labels of the slices are drawn once: they do not change.

    In several processes all must have it: answers are gathered, and rank 0 writes. It belongs into the
    checkpoints of a run that can be resumed.

    Args:
        log_dir: folder of both.
        loss: of logits and labels.
        validator: the evaluator that the trainer's validation runs.
        name: of what is trained, such as `seg`: the end of the folders' names.
        slices: to draw after the first validation and every so many; None for none.
        slices_every: validations.
        worst: samples with the highest loss to show; 0 for none.
    """

    def __init__(
        self,
        log_dir: str | Path,
        loss: Loss,
        validator: SupervisedEvaluator | None = None,
        *,
        name: str = "run",
        slices: FixedSlices | None = None,
        slices_every: int = SLICES_EVERY,
        worst: int = WORST,
    ) -> None:
        self.folders = {mode: Path(log_dir) / f"{mode}_{name}" for mode in ("trn", "val")}
        self.validator, self.slices, self.slices_every = validator, slices, slices_every
        self._training, self._validation = Answers(loss, worst), Answers(loss, worst)
        self._writers: dict[str, RunWriter] = {}
        # Samples seen, by all processes.
        self._step = 0
        self._purge_from: int | None = None
        self._validations = 0

    def attach(self, engine: SupervisedTrainer) -> None:
        """Add it to a trainer, and to the validator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._see_step)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write_training)
        engine.add_event_handler(Events.COMPLETED, self._close)
        if self.validator is not None:
            self.validator.add_event_handler(Events.STARTED, self._begin_validation)
            self.validator.add_event_handler(Events.ITERATION_COMPLETED, self._see_validated)
            self.validator.add_event_handler(Events.EPOCH_COMPLETED, self._write_validation)

    def state_dict(self) -> dict[str, Any]:
        """Samples seen, and what was collected of an epoch that is not written yet, by this process."""
        return {
            "step": self._step,
            "validations": self._validations,
            "training": self._training.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on; what was written later than the state is hidden, since it is written again."""
        self._step, self._validations = state_dict["step"], state_dict["validations"]
        self._training.load_state_dict(state_dict["training"])
        # A state of the last step of an epoch may be older than what was written at that step.
        self._purge_from = self._step if self._training.counts.any() else self._step + 1

    def _see_step(self, engine: SupervisedTrainer) -> None:
        together = len(engine.state.output[CommonKeys.LABEL]) * _processes()
        if self._step == 0 and engine.state.iteration > 1:
            self._purge_from = (engine.state.iteration - 1) * together + 1
        self._step = engine.state.iteration * together
        self._training.add(engine.state.batch, engine.state.output)

    def _write_training(self, engine: SupervisedTrainer) -> None:
        self._write("trn", self._training)
        self._training.reset()

    def _begin_validation(self, engine: SupervisedTrainer) -> None:
        self._validation.reset()

    def _see_validated(self, engine: SupervisedTrainer) -> None:
        self._validation.add(engine.state.batch, engine.state.output)

    def _write_validation(self, engine: SupervisedEvaluator) -> None:
        self._write("val", self._validation)
        self._validation.reset()
        if self.slices is not None and _rank() == 0 and self._validations % self.slices_every == 0:
            self._draw_slices(engine, self.slices, self._writer("val"))
        self._validations += 1

    def _write(self, mode: str, answers: Answers) -> None:
        answers = answers.everyones()
        if _rank() != 0:
            return
        writer, counts = self._writer(mode), Counts(*answers.counts)
        writer.scalars(answers.scalars(), self._step)
        writer.probabilities(counts, self._step)
        writer.picture("curve/roc", roc_figure(counts), self._step)
        writer.picture("curve/precision_recall", precision_recall_figure(counts), self._step)
        writer.picture("worst", worst_figure(answers.worst.examples()), self._step)
        writer.flush()

    @torch.no_grad()
    def _draw_slices(self, engine: SupervisedEvaluator, slices: FixedSlices, writer: RunWriter) -> None:
        # The wrapper for several processes waits for the others even without training.
        network = unwrapped(engine.network).eval()
        for position in range(len(slices)):
            sample = slices[position]
            batch = {key: sample[key][None] for key in (CommonKeys.IMAGE, CommonKeys.LABEL)}
            images, labels = engine.prepare_batch(batch, engine.state.device, engine.non_blocking)
            logits, positive = logits_of(engine.inferer(images, network), labels)
            image_hu = images[0, images.shape[1] // 2].cpu().numpy()
            marked, label = (flat[0].cpu().numpy().reshape(image_hu.shape) for flat in (logits > 0, positive))
            name = f"scan_{position // slices.per_scan:02}/slice_{position % slices.per_scan}"
            writer.picture(f"{name}_prediction", coloured(image_hu, label, marked), self._step)
            if self._validations == 0:
                writer.picture(f"{name}_label", coloured(image_hu, label), self._step)
        writer.flush()

    def _writer(self, mode: str) -> RunWriter:
        if mode not in self._writers:
            self._writers[mode] = RunWriter(self.folders[mode], self._purge_from)
        return self._writers[mode]

    def _close(self, engine: SupervisedTrainer) -> None:
        while self._writers:
            self._writers.popitem()[1].close()


def _rank() -> int:
    return distributed.get_rank() if distributed.is_available() and distributed.is_initialized() else 0


def _processes() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1
