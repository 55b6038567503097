"""When a training run validates."""

from __future__ import annotations

from ignite.engine import Engine, Events
from monai.engines import Evaluator

from ..errors import SettingsError

__all__ = ["Validate"]

# Deep Learning with PyTorch, part 2: after the first epoch and every fifth.
EVERY = 5


class Validate:
    """Run the evaluator after the first epoch, after every so many, and after the last.

    MONAI's `ValidationHandler` knows only the interval; without the first epoch a mistake in the
    validation shows hours later.

    Args:
        validator: the evaluator.
        every: epochs.

    Raises:
        SettingsError: fewer than one.
    """

    def __init__(self, validator: Evaluator, every: int = EVERY) -> None:
        if every < 1:
            raise SettingsError(f"validation every {every} epochs", wanted="1 or more", do="Change it.")
        self.validator, self.every = validator, every

    def attach(self, engine: Engine) -> None:
        """Add it to a trainer."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Validate if it is time; the evaluator's epoch becomes the trainer's."""
        epoch = engine.state.epoch
        if epoch == 1 or epoch % self.every == 0 or epoch == engine.state.max_epochs:
            self.validator.run(epoch)
