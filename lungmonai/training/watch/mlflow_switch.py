"""MLflow, by one switch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import SettingsError
from ...files import make_folder

if TYPE_CHECKING:
    from monai.handlers import MLFlowHandler

__all__ = ["mlflow_handlers"]

# Every step would fill the data base with rows that no curve shows.
EVERY_STEPS = 20


def mlflow_handlers(
    enabled: bool, output_dir: str | float | Path = ".", name: str = "run", *, validation: bool = False
) -> list[MLFlowHandler]:
    """MONAI's handler for MLflow, in a list to be added to an engine's handlers, or an empty list.

    The trainer's logs its settings and, now and then, the loss and the learning rate; the evaluator's
    its scores, by epoch. Both write to `mlruns.db` in the output folder, or where the environment's
    `MLFLOW_TRACKING_URI` says; rank 0 only. A resumed run goes on with the former one.

    Args:
        enabled: the switch.
        output_dir: of the run.
        name: of the run in MLflow.
        validation: for an evaluator instead of a trainer.

    Raises:
        SettingsError: it is switched on, and MLflow is not installed.
        OutputError: the output folder cannot be made.
    """
    if not enabled:
        return []
    if find_spec("mlflow") is None:
        raise SettingsError(
            "mlflow is switched on and not installed",
            wanted="the package mlflow",
            do="Run `pip install mlflow`, or leave `--mlflow True` out.",
        )
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized() and distributed.get_rank() != 0:
        return []
    from monai.handlers import MLFlowHandler

    folder = make_folder(Path(str(output_dir)).resolve())
    return [
        MLFlowHandler(
            tracking_uri=f"sqlite:///{folder / 'mlruns.db'}",
            iteration_log=False if validation else _now_and_then,
            output_transform=_loss,
            tag_name="loss",
            experiment_name="lungmonai",
            run_name=name,
        )
    ]


def _now_and_then(_engine: Any, iteration: int) -> bool:
    return iteration % EVERY_STEPS == 0


def _loss(output: dict[str, Any]) -> float:
    return float(output["loss"].detach())
