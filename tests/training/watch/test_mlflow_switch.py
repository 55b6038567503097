"""The switch, with a stand-in for MLflow that only takes notes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_engines import Brightness, make_evaluator, make_trainer

from lungmonai.errors import OutputError, SettingsError
from lungmonai.metrics import ClassScore
from lungmonai.training.validate import Validate
from lungmonai.training.watch import mlflow_handlers, mlflow_switch


class Client:
    """What MONAI's handler asks of MLflow's client."""

    logged: dict[str, list[tuple[int, float]]]
    uri: str

    def __init__(self, tracking_uri: str) -> None:
        Client.uri = tracking_uri

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id=name, lifecycle_stage="active")

    def search_runs(self, _experiment: str) -> list[Any]:
        return []

    def create_run(self, experiment_id: str, run_name: str) -> Any:
        return SimpleNamespace(info=SimpleNamespace(run_id=f"{experiment_id}/{run_name}"))

    def get_run(self, _run: str) -> Any:
        return SimpleNamespace(data=SimpleNamespace(params={}))

    def log_batch(self, run_id: str, metrics: list[Any], params: list[Any], tags: list[Any]) -> None:
        for name, value, _, step in metrics:
            Client.logged.setdefault(f"{run_id} {name}", []).append((step, value))


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    entities = SimpleNamespace(
        Metric=lambda *values: values,
        Param=lambda *values: values,
        RunStatus=SimpleNamespace(FINISHED=3, to_string=str),
        LifecycleStage=SimpleNamespace(ACTIVE="active"),
    )
    fake = SimpleNamespace(MlflowClient=Client, entities=entities)
    monkeypatch.setattr("monai.handlers.mlflow_handler.mlflow", fake)
    monkeypatch.setattr(mlflow_switch, "find_spec", lambda name: name)
    monkeypatch.setattr(mlflow_switch, "EVERY_STEPS", 2)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Client.logged = {}
    return Client


def test_it_is_off() -> None:
    assert mlflow_handlers(False) == []


def test_switched_on_without_mlflow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_switch, "find_spec", lambda name: None)
    with pytest.raises(
        SettingsError, match=r"not installed; wanted the package mlflow\. Run `pip install mlflow`"
    ):
        mlflow_handlers(True)


def test_an_output_folder_that_cannot_be_made(mlflow: type[Client], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        mlflow_handlers(True, tmp_path / "file" / "run")


def test_losses_and_scores_are_logged(mlflow: type[Client], tmp_path: Path) -> None:
    network = Brightness("class")
    watched = mlflow_handlers(True, tmp_path / "run", "nodule", validation=True)
    score = {"auc": ClassScore("auc")}
    validator = make_evaluator("class", network, key_val_metric=score, val_handlers=watched)
    handlers = [*mlflow_handlers(True, tmp_path / "run", "nodule"), Validate(validator, 1)]
    make_trainer("class", network, handlers).run()
    assert mlflow.uri == f"sqlite:///{tmp_path.resolve() / 'run' / 'mlruns.db'}"
    assert [step for step, _ in mlflow.logged["lungmonai/nodule loss"]] == [2, 4, 6]
    aucs = mlflow.logged["lungmonai/nodule auc"]
    assert [step for step, _ in aucs] == [1, 2]
    assert aucs[-1][1] == pytest.approx(validator.state.metrics["auc"])
