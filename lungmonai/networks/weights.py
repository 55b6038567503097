"""Weights files: a bundle's `model.pt`, with the name of the network that they are for."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import WeightsError
from ..files import sha256_of, written_whole
from .architectures import Architecture, architecture_named, check_task

__all__ = ["LoadedWeights", "fill_network", "load_weights", "read_checkpoint", "save_weights"]

# `model` is where MONAI's CheckpointLoader and ckpt_export look; `lungmonai` is ours.
_STATE, _ABOUT = "model", "lungmonai"


@dataclass(frozen=True)
class LoadedWeights:
    """A network with its weights, ready to answer.

    Args:
        network: in evaluation mode, on the CPU, float32.
        architecture: what the network is.
        sha256: of the file.
        path: of the file.
        stand_in: True for weights that only show how the software works.
        origin: where the weights come from, one sentence.
    """

    network: nn.Module
    architecture: Architecture
    sha256: str
    path: Path
    stand_in: bool
    origin: str

    def __repr__(self) -> str:
        kind = "stand-in " if self.stand_in else ""
        return f"LoadedWeights({kind}{self.architecture.name}, {self.path}, SHA-256 {self.sha256[:12]}…)"


def save_weights(path: Path, architecture: str, network: nn.Module, *, stand_in: bool, origin: str) -> None:
    """Write a network's weights as a bundle's `model.pt`.

    Raises:
        WeightsError: the network is not of that architecture.
        OutputError: the file could not be written.
    """
    state = network.state_dict()
    fill_network(architecture_named(architecture).build(), state, path)
    about = {"architecture": architecture, "stand_in": bool(stand_in), "origin": origin}
    # In memory first: torch reports a full disk as an error without its reason.
    buffer = io.BytesIO()
    torch.save({_STATE: state, _ABOUT: about}, buffer)
    with written_whole(Path(path)) as partial, partial.open("wb") as file:
        file.write(buffer.getbuffer())


def load_weights(path: Path, *, task: str) -> LoadedWeights:
    """Read a weights file written by `save_weights`.

    Args:
        path: the file.
        task: what the weights are wanted for, "segmentation" or "classification".

    Raises:
        WeightsError: not such a file, for another task, or its tensors do not fit.
    """
    path = Path(path)
    checkpoint = read_checkpoint(path)
    about, state = checkpoint.get(_ABOUT), checkpoint.get(_STATE)
    if not isinstance(about, dict) or not isinstance(state, dict) or "architecture" not in about:
        raise WeightsError(
            f"{path} holds {', '.join(map(str, list(checkpoint)[:6])) or 'nothing'}",
            wanted=f"the keys {_STATE} and {_ABOUT}",
            do="Turn a reference checkpoint into weights with `lungmonai weights import FILE -o OUT.pt`.",
        )
    architecture = architecture_named(str(about["architecture"]))
    check_task(path, architecture, task)
    network = fill_network(architecture.build(), state, path).eval()
    stand_in, origin = bool(about.get("stand_in", False)), str(about.get("origin", "unknown"))
    return LoadedWeights(network, architecture, sha256_of(path), path, stand_in, origin)


def read_checkpoint(path: Path) -> dict[Any, Any]:
    """What a checkpoint file holds, refusing anything but tensors and plain values.

    Raises:
        WeightsError: missing, not a checkpoint, damaged, or it would run code when unpickled.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"{path} does not exist", wanted="a weights file", do="Check the path.") from error
    except Exception as error:  # torch raises a dozen kinds for damaged and for hostile files
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"{path} was refused by torch's weights_only loading ({reason})",
            wanted="a checkpoint of tensors and plain values",
            do="Fetch the file again from a source that you trust; it was not opened any other way.",
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(
            f"{path} holds a {type(content).__name__}",
            wanted="a dictionary of tensors",
            do="Save the model's state_dict, not the model.",
        )
    return content


def fill_network(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Put weights into a network after checking every name, shape and value.

    Raises:
        WeightsError: names or shapes differ, or a value is not finite.
    """
    expected = network.state_dict()
    missing, extra = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    if missing or extra:
        raise _misfit(path, f"lacks {missing[:3]} and has {extra[:3]} beside what is known")
    for name, tensor in expected.items():
        came = state[name]
        if not isinstance(came, Tensor) or came.shape != tensor.shape:
            shape = tuple(came.shape) if isinstance(came, Tensor) else type(came).__name__
            raise _misfit(path, f"has {name} of shape {shape} instead of {tuple(tensor.shape)}")
        if not torch.isfinite(came).all():
            raise _misfit(path, f"has values in {name} that are not finite")
    network.load_state_dict(dict(state))
    return network


def _misfit(path: Path, what: str) -> WeightsError:
    return WeightsError(
        f"{path} {what}",
        wanted="every tensor of the network, with its name and shape",
        do="Use weights of this architecture, or fetch the file again.",
    )
