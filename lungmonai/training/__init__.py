"""What training needs beyond MONAI: samples, steps, and what survives a stop.

Importing this is quick; what a name needs loads when it is first asked for.
"""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .best import BestWeights
    from .classification_samples import DrawnCrops, EveryCrop
    from .items import training_items
    from .kaiming import kaiming_start
    from .loader import evaluation_loader, training_loader
    from .order import SampleOrder
    from .places import decided_places, malignancy_places, nodule_places
    from .prepare import PrepareBatch
    from .resume import RunState
    from .run_folder import find_runs
    from .segmentation_samples import DrawnWindows, NoduleSlices
    from .speed import made_quick
    from .step import TrainingStep
    from .stop import StopOnSignal
    from .validate import Validate

__all__ = [
    "BestWeights",
    "DrawnCrops",
    "DrawnWindows",
    "EveryCrop",
    "NoduleSlices",
    "PrepareBatch",
    "RunState",
    "SampleOrder",
    "StopOnSignal",
    "TrainingStep",
    "Validate",
    "decided_places",
    "evaluation_loader",
    "find_runs",
    "kaiming_start",
    "made_quick",
    "malignancy_places",
    "nodule_places",
    "training_items",
    "training_loader",
]

__getattr__ = lazy_names(
    __name__,
    {
        "best": ("BestWeights",),
        "classification_samples": ("DrawnCrops", "EveryCrop"),
        "items": ("training_items",),
        "kaiming": ("kaiming_start",),
        "loader": ("evaluation_loader", "training_loader"),
        "order": ("SampleOrder",),
        "places": ("decided_places", "malignancy_places", "nodule_places"),
        "prepare": ("PrepareBatch",),
        "resume": ("RunState",),
        "run_folder": ("find_runs",),
        "segmentation_samples": ("DrawnWindows", "NoduleSlices"),
        "speed": ("made_quick",),
        "step": ("TrainingStep",),
        "stop": ("StopOnSignal",),
        "validate": ("Validate",),
    },
)
