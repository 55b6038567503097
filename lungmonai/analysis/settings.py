"""What a user may choose about an analysis, checked when it is chosen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..errors import SettingsError

__all__ = ["ENGINES", "PRECISIONS", "REGIONS", "AnalysisSettings"]

ENGINES = ("auto", "torch", "openvino")
# "mixed" segments in float32 and classifies in bfloat16.
PRECISIONS = ("auto", "float32", "bfloat16", "mixed")
REGIONS = ("scan", "lungs")


@dataclass(frozen=True)
class AnalysisSettings:
    """Settings of one analysis.

    Args:
        engine: what runs the networks: "torch", "openvino" (CPU), or "auto": OpenVINO on a CPU
            where it is installed, else torch.
        precision: "float32"; "bfloat16"; "mixed" (segmentation in float32, classification in
            bfloat16); "auto": float32 on a CPU, bfloat16 on a GPU.
        device: "auto" (a CUDA device where there is one), "cpu", "cuda", "cuda:1", …
        region: "scan", or "lungs" to look only where a lung nodule can be.
        merge: join detections of one nodule; False keeps each group over the threshold apart.
        merge_radius_mm: detections within this of a more probable one are the same nodule.
        mark_threshold: a voxel is marked when its probability is over this.
        nodule_threshold: a candidate is a nodule when its probability is over this.
        keep_thin_mm: a group that erosion would remove whole is kept if its volume is that of a sphere this
            wide; 0 keeps none, as the reference project does.
        masses: look a second time, in larger voxels, for what is over 30 mm.
        keep_memory: keep freed memory in the process, which saves page faults (Linux, glibc).

    Raises:
        SettingsError: a value outside its range.
    """

    engine: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    region: str = "scan"
    merge: bool = True
    merge_radius_mm: float = 10.0
    # 0.5 twice: the reference project's end-to-end analysis.
    mark_threshold: float = 0.5
    nodule_threshold: float = 0.5
    # Smaller solid nodules need no routine follow-up (Fleischner Society, MacMahon 2017).
    keep_thin_mm: float = 6.0
    masses: bool = True
    keep_memory: bool = True

    def __post_init__(self) -> None:
        _check_one_of("engine", self.engine, ENGINES)
        _check_one_of("precision", self.precision, PRECISIONS)
        _check_one_of("region", self.region, REGIONS)
        _check_range("merge_radius_mm", self.merge_radius_mm, 0.0, 200.0)
        _check_range("mark_threshold", self.mark_threshold, 0.0, 1.0)
        _check_range("nodule_threshold", self.nodule_threshold, 0.0, 1.0)
        _check_range("keep_thin_mm", self.keep_thin_mm, 0.0, 100.0)

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON types."""
        return dataclasses.asdict(self)


def _check_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}", wanted=" or ".join(choices), do=f"Choose another {name}.")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also refuses NaN
        raise SettingsError(f"{name} is {value}", wanted=f"{low:g} to {high:g}", do=f"Choose another {name}.")
