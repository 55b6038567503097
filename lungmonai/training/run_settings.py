"""What a resumed run must share with the run that it goes on with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.engines.workflow import Workflow
from torch import nn
from torch.optim import Optimizer

from ..errors import SettingsError
from ..files import sha256_of
from .order import SampleOrder
from .unwrapped import unwrapped

__all__ = ["check_settings", "order_of", "settings_of"]


def order_of(engine: Workflow) -> SampleOrder:
    """The order of a trainer's samples.

    Raises:
        SettingsError: it has another, of which nobody can tell where to go on.
    """
    order = getattr(engine.data_loader, "sampler", None)
    if not isinstance(order, SampleOrder):
        raise SettingsError(
            f"the trainer's samples come in the order of {type(order).__name__}",
            wanted="SampleOrder, which a resumed run can take up",
            do="Make the data loader with lungmonai.training.loader.training_loader.",
        )
    return order


def settings_of(
    engine: Workflow,
    parts: Mapping[str, Any],
    settings: Mapping[str, Any],
    files: Mapping[str, str | float | Path],
) -> dict[str, Any]:
    """All that must stay: what was named, and what can be seen.

    Args:
        engine: the trainer.
        parts: its networks and optimizers among others.
        settings: plain values by name.
        files: by name; they are compared by content, so that a data set may be moved.
    """
    order = order_of(engine)
    return {
        **{name: _text(value) for name, value in settings.items()},
        **{name: _digest(path) for name, path in files.items() if str(path)},
        "batch_size": str(order.batch_size),
        "processes": str(order.num_replicas),
        "steps of an epoch": str(engine.state.epoch_length),
        **{name: _kind(part) for name, part in parts.items() if isinstance(part, nn.Module | Optimizer)},
    }


def check_settings(former: Mapping[str, Any], current: Mapping[str, Any], folder: Path) -> None:
    """Refuse to go on with other settings.

    Args:
        former: of the run so far.
        current: of this command.
        folder: of the run, for the message.

    Raises:
        SettingsError: naming each that changed.
    """
    changed = [name for name in former if name in current and former[name] != current[name]]
    if changed:
        what = ", ".join(f"{name} is {current[name]} (was {former[name]})" for name in changed)
        raise SettingsError(
            f"{what} in {folder}",
            wanted="the settings that the run was begun with",
            do="Set them back, or begin another run with --output_dir.",
        )


def _text(value: Any) -> str:
    return str(float(value)) if isinstance(value, float) else str(value)


def _digest(path: str | float | Path) -> str:
    try:
        return f"SHA-256 {sha256_of(Path(str(path)))[:12]}"
    except OSError:
        return "absent"


def _kind(part: nn.Module | Optimizer) -> str:
    """What tells one network or optimizer from another: its class; of a network also what it holds."""
    if isinstance(part, Optimizer):
        return type(part).__name__
    network = unwrapped(part)
    shapes = [f"{name} {tuple(tensor.shape)}" for name, tensor in network.state_dict().items()]
    return f"{type(network).__name__} {hashlib.sha256(' '.join(shapes).encode()).hexdigest()[:8]}"
