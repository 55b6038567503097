"""What every bundle's configs must hold, read without running them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigParser

from lungmonai.bundles import bundles_folder

ALL = ["book", "evaluate", "inference", "multi_gpu_train", "train"]
EXPECTED = {"analysis": ["inference"], "malignancy": ALL, "nodule": ALL, "seg": ALL}
OVERRIDES = ("book", "multi_gpu_train")
CONFIGS = sorted(path for path in bundles_folder().glob("*/*.json") if path.stem != "metadata")
TRAINED = [name for name, configs in EXPECTED.items() if "train" in configs]
# Where a run reads and writes, how it is watched and how far it goes.
MAY_CHANGE = {
    *(
        "dataset_dir",
        "output_dir",
        "cache_dir",
        "resume",
        "checkpoint_every",
        "mlflow",
        "compile",
        "num_workers",
    ),
    *("max_epochs", "validate_every", "validation_slices", "rank", "world_size"),
    "datalist",  # compared by its content, as are the candidates
}
# Deep Learning with PyTorch, part 2.
BOOK: dict[str, dict[str, Any]] = {
    "seg": {
        "samples_per_epoch": 300_000,
        "batch_size": 16,
        "optimizer#_target_": "torch.optim.Adam",
        "learning_rate": 1e-3,
        "miss_weight": 8.0,
        "cross_entropy_weight": 0.0,
        "negative_share": 0.0,
        "validate_every": 5,
        "best_by": "recall",
        "network_def#_target_": "lungmonai.networks.ReferenceUNet",
        "train#augment#settings#offset": 0.03,
    },
    "nodule": {
        "samples_per_epoch": 100_000,
        "batch_size": 32,
        "shares": {"nodule": 1, "other": 1},
        "optimizer#_target_": "torch.optim.SGD",
        "learning_rate": 1e-3,
        "weight_decay": 1e-4,
        "validate_every": 5,
        "best_by": "f1_score",
        "train#augment#settings#offset": 0.1,
    },
    "malignancy": {
        "samples_per_epoch": 100_000,
        "batch_size": 32,
        "shares": {"malignant": 2, "benign": 1, "other": 1},
        "optimizer#_target_": "torch.optim.SGD",
        "learning_rate": 3e-3,
        "validate_every": 1,
        "best_by": "auc",
        "depth": 2,
        "train#augment#settings#offset": 0.1,
    },
}


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def merged(bundle: str, *configs: str) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(bundles_folder() / bundle / f"{config}.json") for config in configs])
    return parser


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_there_are_sixteen_configs() -> None:
    found = {name: [path.stem for path in CONFIGS if path.parent.name == name] for name in EXPECTED}
    assert found == EXPECTED
    assert len(CONFIGS) == 16


@pytest.mark.parametrize("config", CONFIGS, ids=named)
def test_expressions_are_short(config: Path) -> None:
    long = [text for text in strings(json.loads(config.read_text())) if text[:1] == "$" and len(text) > 75]
    assert long == []


@pytest.mark.parametrize("bundle", EXPECTED)
def test_metadata_and_logging_lie_beside_the_configs(bundle: str) -> None:
    folder = bundles_folder() / bundle
    metadata = json.loads((folder / "metadata.json").read_text())
    keys = {"version", "monai_version", "pytorch_version", "numpy_version", "network_data_format"}
    assert keys <= set(metadata)
    assert "not a medical device" in metadata["intended_use"].lower()
    assert (folder / "logging.conf").is_file()
    assert (folder / "LICENSE").is_file()


@pytest.mark.parametrize("bundle", TRAINED)
@pytest.mark.parametrize("name", OVERRIDES)
def test_an_overriding_config_changes_only_keys_that_there_are(bundle: str, name: str) -> None:
    train = merged(bundle, "train")
    for key in json.loads((bundles_folder() / bundle / f"{name}.json").read_text()):
        assert key.removeprefix("+") in train or key == "finalize", key


@pytest.mark.parametrize("bundle", TRAINED)
def test_the_books_settings_are_the_books(bundle: str) -> None:
    config = merged(bundle, "train", "book")
    assert {key: config[key] for key in BOOK[bundle]} == BOOK[bundle]
    assert config["optimizer"]["lr"] == "@learning_rate"
    assert "last=" not in config["started"]  # Kaiming's start for the last layer too
    settings = config["train#augment#settings"]
    drawn = {key: settings[key] for key in ("flip", "scale", "rotate", "noise_hu", "elastic")}
    assert drawn == {"flip": True, "scale": 0.2, "rotate": True, "noise_hu": 25.0, "elastic": 0.0}
    # A constant rate: factor 1 from the first step on.
    assert (config["scheduler"]["factor"], config["scheduler"]["total_iters"]) == (1.0, 0)


@pytest.mark.parametrize("bundle", TRAINED)
def test_a_resumed_run_must_share_every_knob_that_decides_its_weights(bundle: str) -> None:
    config = json.loads((bundles_folder() / bundle / "train.json").read_text())
    run = next(one for one in config["train"]["handlers"] if one["_target_"].endswith("RunState"))
    knobs = {key for key, value in config.items() if _is_knob(value)}
    assert knobs - MAY_CHANGE <= {*run["settings"], *run["files"]}
    assert all(f"@{key}" in str(run) for key in run["settings"])


def _is_knob(value: Any) -> bool:
    if isinstance(value, dict):
        return not value.keys() & {"_target_", "trainer", "evaluator"}
    return not isinstance(value, list) and not str(value).startswith("$")
