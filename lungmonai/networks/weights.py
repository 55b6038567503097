"""Weights files: a bundle's `model.pt`, with the name of the network that they are for."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..data.even_crop import checked_spacing
from ..errors import SettingsError, WeightsError
from ..files import sha256_of, written_whole
from .architectures import Architecture, architecture_named, check_task

__all__ = [
    "LoadedWeights",
    "crop_spacing_of",
    "fill_network",
    "load_weights",
    "read_checkpoint",
    "save_weights",
]

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
        crop_spacing_mm: between slices, rows and columns of the crops that it was trained on; None for
            a scan's own voxels.
    """

    network: nn.Module
    architecture: Architecture
    sha256: str
    path: Path
    stand_in: bool
    origin: str
    crop_spacing_mm: tuple[float, float, float] | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What the file says of itself, in JSON types."""
        about: dict[str, Any] = {
            "architecture": self.architecture.name,
            "stand_in": self.stand_in,
            "origin": self.origin,
        }
        return about | ({"crop_spacing_mm": list(self.crop_spacing_mm)} if self.crop_spacing_mm else {})

    def __repr__(self) -> str:
        kind = "stand-in " if self.stand_in else ""
        return f"LoadedWeights({kind}{self.architecture.name}, {self.path}, SHA-256 {self.sha256[:12]}…)"


def save_weights(
    path: Path,
    architecture: str,
    network: nn.Module,
    *,
    stand_in: bool,
    origin: str,
    crop_spacing_mm: Sequence[float] | None = None,
) -> None:
    """Write a network's weights as a bundle's `model.pt`.

    Args:
        path: the file.
        architecture: name of the network's.
        network: of that architecture.
        stand_in: True for weights that only show how the software works.
        origin: where the weights come from, one sentence.
        crop_spacing_mm: between slices, rows and columns of the crops that it was trained on; None for
            a scan's own voxels.

    Raises:
        SettingsError: the spacing is none.
        WeightsError: the network is not of that architecture.
        OutputError: the file could not be written.
    """
    state = network.state_dict()
    fill_network(architecture_named(architecture).build(), state, path)
    about: dict[str, Any] = {"architecture": architecture, "stand_in": bool(stand_in), "origin": origin}
    spacing_mm = checked_spacing(crop_spacing_mm)
    if spacing_mm:
        about["crop_spacing_mm"] = list(spacing_mm)
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
    spacing_mm = _spacing_of(path, about)
    return LoadedWeights(network, architecture, sha256_of(path), path, stand_in, origin, spacing_mm)


def crop_spacing_of(path: str | Path) -> tuple[float, float, float] | None:
    """Between slices, rows and columns of the crops that weights were trained on, in mm.

    Args:
        path: a weights file; one that names no architecture, such as a checkpoint, has no spacing.

    Returns:
        None for a scan's own voxels.

    Raises:
        WeightsError: the file cannot be read, or names a spacing that is none.
    """
    about = read_checkpoint(Path(path)).get(_ABOUT)
    return _spacing_of(Path(path), about) if isinstance(about, dict) else None


def _spacing_of(path: Path, about: Mapping[str, Any]) -> tuple[float, float, float] | None:
    try:
        return checked_spacing(about.get("crop_spacing_mm"))
    except SettingsError as error:
        raise WeightsError(
            f"{path} names the crop spacing {about['crop_spacing_mm']!r}",
            wanted="three numbers above 0, or nothing",
            do="Fetch the file again.",
        ) from error


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
