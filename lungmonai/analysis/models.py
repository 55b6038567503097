"""The weights that an analysis uses."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bundles import default_weights
from ..data.even_crop import checked_spacing
from ..files import sha256_of
from ..networks.architectures import Architecture, architecture_named, check_task
from .converted import kept_about

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ModelFile", "Models"]


@dataclass(frozen=True)
class ModelFile:
    """A weights file that was checked; opened only if torch has to.

    Args:
        path: of the file.
        sha256: of the file.
        about: architecture, origin, whether it is a stand-in, and the spacing of crops, as in the file.
    """

    path: Path
    sha256: str
    about: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path, *, task: str) -> ModelFile:
        """Check a weights file for a task.

        A file that was converted before is known by its SHA-256 and not loaded again.

        Args:
            path: written by `save_weights`.
            task: "segmentation" or "classification".

        Raises:
            WeightsError: missing, refused, or for another task.
        """
        path = Path(path)
        about = _known_about(path)
        if about is None:
            from ..networks.weights import load_weights

            weights = load_weights(path, task=task)
            return cls(path, weights.sha256, weights.about)
        model = cls(path, sha256_of(path), about)
        check_task(path, model.architecture, task)
        return model

    @property
    def architecture(self) -> Architecture:
        """What the network is."""
        return architecture_named(str(self.about["architecture"]))

    @property
    def stand_in(self) -> bool:
        """True for weights that only show how the software works."""
        return bool(self.about["stand_in"])

    @property
    def crop_spacing_mm(self) -> tuple[float, float, float] | None:
        """Between slices, rows and columns of the crops it is for; None for a scan's own voxels."""
        return checked_spacing(self.about.get("crop_spacing_mm"))

    def network(self) -> nn.Module:
        """The network with its weights, in evaluation mode, on the CPU."""
        from ..networks.weights import load_weights

        return load_weights(self.path, task=self.architecture.task).network


@dataclass(frozen=True)
class Models:
    """The networks of one analysis.

    Args:
        seg: marks nodule voxels.
        nodule: tells nodules from other candidates.
        malignancy: tells malignant nodules from benign ones; None leaves that out.
    """

    seg: ModelFile
    nodule: ModelFile
    malignancy: ModelFile | None = None

    @classmethod
    def load(
        cls,
        seg: str | Path | None = None,
        nodule: str | Path | None = None,
        malignancy: str | Path | None = None,
    ) -> Models:
        """Check weights files.

        Args:
            seg: segmentation weights; None takes those of the bundle.
            nodule: nodule classifier weights; None takes those of the bundle.
            malignancy: malignancy classifier weights; None does without.

        Raises:
            WeightsError: a file is missing, refused or for another task.
        """
        return cls(
            ModelFile.open(seg or default_weights("seg"), task="segmentation"),
            ModelFile.open(nodule or default_weights("nodule"), task="classification"),
            ModelFile.open(malignancy, task="classification") if malignancy else None,
        )

    @property
    def stand_in(self) -> bool:
        """True if any of the weights only show how the software works."""
        return any(model.stand_in for model in self.by_name().values())

    def by_name(self) -> dict[str, ModelFile]:
        """The models that there are."""
        named = {"seg": self.seg, "nodule": self.nodule, "malignancy": self.malignancy}
        return {name: model for name, model in named.items() if model is not None}


def _known_about(path: Path) -> dict[str, Any] | None:
    try:
        return kept_about(sha256_of(path))
    except (OSError, PackageNotFoundError):
        return None  # torch says what is wrong with the file; without OpenVINO nothing is kept
