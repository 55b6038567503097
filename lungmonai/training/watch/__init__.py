"""What one watches while a network trains: the bar, TensorBoard, MLflow. Names load when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .bar import TrainingBar
    from .fixed_slices import FixedSlices
    from .mlflow_switch import mlflow_handlers
    from .tensorboard_run import TensorBoardRun

__all__ = ["FixedSlices", "TensorBoardRun", "TrainingBar", "mlflow_handlers"]

__getattr__ = lazy_names(
    __name__,
    {
        "bar": ("TrainingBar",),
        "fixed_slices": ("FixedSlices",),
        "mlflow_switch": ("mlflow_handlers",),
        "tensorboard_run": ("TensorBoardRun",),
    },
)
