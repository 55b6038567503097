"""The weights of the best epoch, as a bundle's `model.pt`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from ignite.engine import Events
from monai.engines.workflow import Workflow
from torch import nn

from .. import __version__
from ..data.even_crop import checked_spacing
from ..errors import WeightsError
from ..files import make_folder, sha256_of
from ..networks.architectures import ARCHITECTURES
from ..networks.weights import save_weights
from .agree import is_first
from .unwrapped import unwrapped

__all__ = ["BestWeights"]

_log = logging.getLogger(__name__)


class BestWeights:
    """Write the weights when a validation was the best so far.

    MONAI's `CheckpointSaver(save_key_metric=True)` writes no architecture, so that nobody could tell
    what the weights are for. The handler is an evaluator's, which keeps the best score.

    Args:
        path: the file, such as `OUTPUT_DIR/model.pt`.
        network: one of `lungmonai.networks`; what is wrapped around it is left out.
        data: the folder of the data set; its name is told with the weights.
        crop_spacing_mm: of the crops that the network is trained on; None for a scan's own voxels.

    Raises:
        SettingsError: the spacing is none.
    """

    def __init__(
        self,
        path: str | Path,
        network: nn.Module,
        *,
        data: str | float | Path = "",
        crop_spacing_mm: Sequence[float] | None = None,
    ) -> None:
        self.path, self.network, self.data = Path(path), network, Path(str(data)).name
        self.crop_spacing_mm = checked_spacing(crop_spacing_mm)

    def attach(self, engine: Workflow) -> None:
        """Add it to an evaluator.

        Raises:
            WeightsError: the network is none that a weights file can name.
        """
        _architecture_of(self.network)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Workflow) -> None:
        """Write, if this epoch is the best.

        Raises:
            OutputError: the file could not be written; the former one stays.
        """
        state = engine.state
        if state.best_metric_epoch != state.epoch or not is_first():
            return
        network = unwrapped(self.network)
        score = f"{state.key_metric_name} {float(state.best_metric):.4f}"
        on = f" on {self.data}" if self.data else ""
        origin = f"Trained with lungmonai {__version__}{on}: {score} in validation after epoch {state.epoch}."
        make_folder(self.path.parent)
        save_weights(
            self.path,
            _architecture_of(network),
            network,
            stand_in=False,
            origin=origin,
            crop_spacing_mm=self.crop_spacing_mm,
        )
        _log.info("best so far, %s: saved %s, SHA-256 %s", score, self.path, sha256_of(self.path))


def _architecture_of(network: nn.Module) -> str:
    kind = type(unwrapped(network)).__name__
    for architecture in ARCHITECTURES:
        if architecture.class_name == kind:
            return architecture.name
    raise WeightsError(
        f"the network is a {kind}",
        wanted=" or ".join(known.class_name for known in ARCHITECTURES),
        do="Change network_def, or leave BestWeights out of the handlers.",
    )
