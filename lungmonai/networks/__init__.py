"""The networks, and the weights files that fill them.

Names are loaded when they are first used: the networks need torch and MONAI, which take
seconds to import, and the analysis can do without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .architectures import ARCHITECTURES, Architecture, architecture_named, build_network
    from .mirrored_cnn import MirroredCNN
    from .nodule_cnn import NoduleCNN
    from .reference_weights import PUBLISHED, ImportedWeights, import_reference_weights
    from .segmentation import ReferenceUNet, SegmentationUNet
    from .shapes import CONTEXT_SLICES, CROP_SHAPE, HU_LIMIT, WINDOW_SLICES
    from .weights import LoadedWeights, load_weights, read_checkpoint, save_weights

__all__ = [
    "ARCHITECTURES",
    "CONTEXT_SLICES",
    "CROP_SHAPE",
    "HU_LIMIT",
    "PUBLISHED",
    "WINDOW_SLICES",
    "Architecture",
    "ImportedWeights",
    "LoadedWeights",
    "MirroredCNN",
    "NoduleCNN",
    "ReferenceUNet",
    "SegmentationUNet",
    "architecture_named",
    "build_network",
    "import_reference_weights",
    "load_weights",
    "read_checkpoint",
    "save_weights",
]

__getattr__ = lazy_names(
    __name__,
    {
        "architectures": ("ARCHITECTURES", "Architecture", "architecture_named", "build_network"),
        "mirrored_cnn": ("MirroredCNN",),
        "nodule_cnn": ("NoduleCNN",),
        "reference_weights": ("PUBLISHED", "ImportedWeights", "import_reference_weights"),
        "segmentation": ("ReferenceUNet", "SegmentationUNet"),
        "shapes": ("CONTEXT_SLICES", "CROP_SHAPE", "HU_LIMIT", "WINDOW_SLICES"),
        "weights": ("LoadedWeights", "load_weights", "read_checkpoint", "save_weights"),
    },
)
