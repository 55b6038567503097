"""Turn checkpoints of *Deep Learning with PyTorch*, part 2, into weights files of ours."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import WeightsError
from ..files import sha256_of
from .architectures import build_network
from .weights import fill_network, read_checkpoint, save_weights

__all__ = ["PUBLISHED", "ImportedWeights", "import_reference_weights"]

# SHA-256 of the checkpoints published with the book's code, by file name.
PUBLISHED = {
    "seg_2020-01-26_19.45.12_w4d3c1-bal_1_nodupe-label_pos-d1_fn8-adam.best.state": (
        "cb3291697a78d99d347054d9236f43e6acd79646861864b03fc109af38ba88fb"
    ),
    "cls_2020-02-06_14.16.55_final-nodule-nonnodule.best.state": (
        "0f2af10e3bb0f5159cb6ea0df97a2d9f4ac824e28d18a3f18746f39de5bb0727"
    ),
}


@dataclass(frozen=True)
class ImportedWeights:
    """What an import did.

    Args:
        architecture: name of the network that the weights are for.
        parameters: how many numbers the network learns.
        sha256: of the checkpoint that came.
        published: True if it is one of the book's own files, by SHA-256.
    """

    architecture: str
    parameters: int
    sha256: str
    published: bool


def import_reference_weights(source: Path, target: Path, *, sha256: str | None = None) -> ImportedWeights:
    """Read a reference checkpoint, check it, and write it as a bundle's `model.pt`.

    Args:
        source: the checkpoint, with its weights under `model_state`.
        target: the file to write.
        sha256: what the checkpoint's SHA-256 must be; by default the published one for a
            published file's name, and unchecked for any other name.

    Raises:
        WeightsError: refused by `weights_only` loading, another SHA-256, unknown names or shapes.
        OutputError: `target` could not be written.
    """
    source, target = Path(source), Path(target)
    content = read_checkpoint(source)
    if target.exists() and target.samefile(source):
        raise WeightsError(f"{target} is the checkpoint itself", wanted="another file", do="Change -o.")
    digest = sha256_of(source)
    _check_digest(source, digest, sha256 or PUBLISHED.get(source.name))
    state = _model_state(source, content)
    architecture, rename = _recognised(source, state)
    network = build_network(architecture)
    fill_network(network, {rename(name): tensor for name, tensor in state.items()}, source)
    origin = f"reference checkpoint {source.name}, SHA-256 {digest}"
    save_weights(target, architecture, network, stand_in=False, origin=origin)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return ImportedWeights(architecture, parameters, digest, digest in PUBLISHED.values())


def _check_digest(source: Path, digest: str, wanted: str | None) -> None:
    if wanted is not None and digest != wanted.lower():
        raise WeightsError(
            f"{source} has SHA-256 {digest}",
            wanted=wanted.lower(),
            do="Fetch the file again; if it is your own, give it another name than the published one.",
        )


def _model_state(source: Path, content: dict[Any, Any]) -> dict[str, Tensor]:
    state = content.get("model_state")
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise WeightsError(
            f"{source} holds {', '.join(map(str, list(content)[:6])) or 'nothing'}",
            wanted="a reference checkpoint with its weights under model_state",
            do="Weights of ours need no import: give them to `lungmonai analyze` as they are.",
        )
    return state


def _recognised(source: Path, state: dict[str, Tensor]) -> tuple[str, Callable[[str], str]]:
    if "unet.last.weight" in state:
        return "seg_reference_unet", _segmentation_name
    if "head_linear.weight" in state:
        return "nodule_cnn", _classifier_name
    raise WeightsError(
        f"{source} holds {', '.join(list(state)[:3])}, …",
        wanted="the reference project's segmentation (unet.…) or classifier (block1.…, head_linear)",
        do="Other architectures cannot be imported.",
    )


def _segmentation_name(name: str) -> str:
    # In the reference's blocks, positions 0 and 3 are convolutions, 2 and 5 batch norms.
    place = {"0": "0.conv", "2": "0.adn.N", "3": "1.conv", "5": "1.adn.N"}
    name = name.replace("input_batchnorm.", "input_norm.").replace("unet.last.", "last.")
    name = re.sub(r"^unet\.up_path\.(\d)\.up\.", r"up.\1.deconv.", name)
    name = re.sub(r"^unet\.up_path\.(\d)\.conv_block\.block\.", r"merge.\1.", name)
    name = re.sub(r"^unet\.down_path\.(\d)\.block\.", r"down.\1.", name)
    return re.sub(r"^(down|merge)\.(\d)\.([0235])\.", lambda m: f"{m[1]}.{m[2]}.{place[m[3]]}.", name)


def _classifier_name(name: str) -> str:
    name = name.replace("tail_batchnorm.", "input_norm.").replace("head_linear.", "head.")
    return re.sub(r"^block(\d)\.conv(\d)\.", lambda m: f"blocks.{int(m[1]) - 1}.{int(m[2]) - 1}.conv.", name)
