"""Go on from trained weights: a fresh answer layer, and only the last blocks learn."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TypeVar

from torch import nn

from ..errors import SettingsError, WeightsError
from ..networks.weights import load_weights

__all__ = ["finetune", "parts_of", "trained_parameters"]

Network = TypeVar("Network", bound=nn.Module)

_log = logging.getLogger(__name__)


def finetune(network: Network, weights: str | Path, depth: int) -> Network:
    """Copy trained weights into a network, but for its last linear layer, and freeze its first parts.

    A frozen part gets no gradients and stays in evaluation mode, `network.train()` or not: its batch
    norms keep their statistics. What learns and what is frozen is logged.

    Args:
        network: of the weights' architecture, ending in a linear layer, which stays as it is.
        weights: a weights file; empty copies and freezes nothing, so that everything learns.
        depth: how many of the network's last parts learn, from 1, the last linear layer alone.

    Returns:
        The network, changed.

    Raises:
        WeightsError: the weights are not for this network, or missing.
        SettingsError: the network has not so many parts, or ends otherwise.
    """
    if not str(weights):
        return network
    parts = parts_of(network)
    head = _last_linear(network, parts)
    if not 1 <= depth <= len(parts):
        raise SettingsError(
            f"depth is {depth}",
            wanted=f"1 to {len(parts)}, the parts of {type(network).__name__}: {', '.join(parts)}",
            do="Change `--depth`.",
        )
    _copy_all_but(network, head, Path(weights))
    _freeze(network, parts[:-depth])
    _log.info(_summary(network, parts))
    return network


def parts_of(network: nn.Module) -> list[str]:
    """Names of what a network is made of, first to last: its children, a sequence's one by one.

    Only what has parameters counts; of `NoduleCNN` these are the input's batch norm, four blocks and
    the last linear layer.
    """
    names = []
    for name, child in network.named_children():
        is_list = isinstance(child, nn.Sequential)
        inside = [f"{name}.{part}" for part, _ in child.named_children()] if is_list else [name]
        names += [part for part in inside if any(True for _ in network.get_submodule(part).parameters())]
    return names


def trained_parameters(network: nn.Module) -> list[nn.Parameter]:
    """What an optimiser shall get: the parameters that are not frozen."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _last_linear(network: nn.Module, parts: list[str]) -> str:
    if not parts or not isinstance(network.get_submodule(parts[-1]), nn.Linear):
        raise SettingsError(
            f"{type(network).__name__} ends in {parts[-1] if parts else 'nothing'}",
            wanted="a network whose last part is a linear layer",
            do="Fine-tune a classifier, or leave finetune_from empty.",
        )
    return parts[-1]


def _copy_all_but(network: nn.Module, head: str, path: Path) -> None:
    loaded = load_weights(path, task="classification")
    if _shapes(loaded.network) != _shapes(network):
        raise WeightsError(
            f"{path} holds {loaded.architecture.name} weights",
            wanted=f"weights of a {type(network).__name__}",
            do="Change `--finetune_from`.",
        )
    state = loaded.network.state_dict()
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(f"{head}.")}
    network.load_state_dict(kept, strict=False)
    _log.info("fine-tuning from %s, SHA-256 %s: %s", path, loaded.sha256, loaded.origin)
    if loaded.stand_in:
        _log.warning("%s is a stand-in: it was not trained on patients", path)


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _freeze(network: nn.Module, parts: list[str]) -> None:
    for name in parts:
        network.get_submodule(name).requires_grad_(False)
    # On this object, not by a hook on each part: SyncBatchNorm's conversion replaces parts.
    network.train = partial(_train_but, network, parts)  # type: ignore[method-assign]
    network.train(network.training)


def _train_but(network: nn.Module, frozen: list[str], mode: bool = True) -> nn.Module:
    """`network.train(mode)`, but for the frozen parts."""
    type(network).train(network, mode)
    for name in frozen:
        network.get_submodule(name).eval()
    return network


def _summary(network: nn.Module, parts: list[str]) -> str:
    trained = sum(parameter.numel() for parameter in trained_parameters(network))
    lines = [f"{trained:,} of {_count(network):,} parameters are trained"]
    for name in parts:
        part = network.get_submodule(name)
        lines.append(f"  {name}: {_count(part):,} parameters, {'trained' if _learns(part) else 'frozen'}")
    return "\n".join(lines)


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
