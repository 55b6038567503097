"""What the tests of the bundles share: running a config in this process, as MONAI's command line does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow

from lungmonai.bundles import bundles_folder

Run = Callable[..., ConfigWorkflow]


@pytest.fixture(scope="session")
def run_config() -> Run:
    """Run `run_config(bundle, run_id, "train", "book", max_epochs=1)`; the workflow comes back."""

    def run(bundle: str, run_id: str, *configs: str | Path, **overrides: Any) -> ConfigWorkflow:
        folder = bundles_folder() / bundle
        workflow = ConfigWorkflow(
            config_file=[str(one if isinstance(one, Path) else folder / f"{one}.json") for one in configs],
            logging_file=False,
            run_id=run_id,
            workflow_type="train" if "train" in configs else "infer",
            **overrides,
        )
        workflow.initialize()
        try:
            assert workflow.check_properties() == []
            workflow.run()
        finally:
            workflow.finalize()
        return workflow

    return run


@pytest.fixture(scope="session")
def trained(
    run_config: Run, phantom_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The output folder of a short training of a bundle, made once."""
    folders: dict[str, Path] = {}

    def train(bundle: str) -> Path:
        if bundle not in folders:
            folders[bundle] = tmp_path_factory.mktemp(bundle) / "run"
            run_config(bundle, "training", "train", **tiny(phantom_data, folders[bundle], bundle))
        return folders[bundle]

    return train


def tiny(data: Path, output: Path, bundle: str, **more: Any) -> dict[str, Any]:
    """Settings with which a training takes seconds."""
    settings = {
        "dataset_dir": str(data),
        "output_dir": str(output),
        "max_epochs": 2,
        "samples_per_epoch": 8,
        "batch_size": 4,
        "device": "cpu",
    }
    if bundle == "seg":
        settings["validation_slices"] = 2
    return {**settings, **more}
