"""The networks that a weights file may name, and what the analysis must know of each.

Nothing here loads torch until a network is built.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES", "Architecture", "architecture_named", "build_network", "check_task"]


@dataclass(frozen=True)
class Architecture:
    """A network that weights can be for.

    Args:
        name: as it stands in weights files.
        task: "segmentation" or "classification".
        module: of this package, that holds the class.
        class_name: of the network.
        halo: pixels around a crop that make its inside exact (the receptive field).
        align: crops start and end at multiples of this many pixels (the pooling).
    """

    name: str
    task: str
    module: str
    class_name: str
    halo: int = 0
    align: int = 1

    def build(self) -> nn.Module:
        """A network with fresh weights, in training mode."""
        network: nn.Module = getattr(importlib.import_module(self.module, __package__), self.class_name)()
        return network


# Halos: every 3×3 convolution at level k sees 2^k pixels further, pooling and up-convolution
# up to the size of one coarse pixel; `tests/networks` measures them by gradient.
ARCHITECTURES = (
    Architecture("seg_basic_unet", "segmentation", ".segmentation", "SegmentationUNet", halo=112, align=16),
    Architecture("seg_reference_unet", "segmentation", ".segmentation", "ReferenceUNet", halo=24, align=4),
    Architecture("nodule_cnn", "classification", ".nodule_cnn", "NoduleCNN"),
    Architecture("mirrored_cnn", "classification", ".mirrored_cnn", "MirroredCNN"),
)


def architecture_named(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        WeightsError: there is none.
    """
    for architecture in ARCHITECTURES:
        if architecture.name == name:
            return architecture
    raise WeightsError(
        f"architecture {name!r} is not known",
        wanted=" or ".join(known.name for known in ARCHITECTURES),
        do="Import the weights again with `lungmonai weights import`, or update lungmonai.",
    )


def check_task(path: Path, architecture: Architecture, task: str) -> None:
    """Refuse weights that are for something else.

    Args:
        path: the weights file, for the message.
        architecture: that it names.
        task: that it is wanted for.

    Raises:
        WeightsError: the tasks differ.
    """
    if architecture.task != task:
        raise WeightsError(
            f"{path} holds {architecture.name} weights, for {architecture.task}",
            wanted=f"weights for {task}",
            do="Check that --seg, --nodule and --malignancy name the right files.",
        )


def build_network(name: str) -> nn.Module:
    """A network with fresh weights, in training mode.

    Raises:
        WeightsError: no architecture has that name.
    """
    return architecture_named(name).build()
