"""The command line is read as Fire and MONAI read it, and unknown keys are refused."""

import inspect
from pathlib import Path
from typing import Any

import monai.bundle
import pytest
from bundle_maker import make_bundle, write_json

from lungmonai.bundle_tools import read_config
from lungmonai.bundle_tools.command_line import bundle_command, check_overrides, check_run_id
from lungmonai.errors import SettingsError

PROGRAM = str(Path(monai.bundle.__file__).parent / "__main__.py")


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b") / "train.json"


def fire_reads(words: list[str]) -> dict[str, Any]:
    """What Fire makes of the words for a function with MONAI's arguments."""
    from fire import Fire

    seen: dict[str, Any] = {}

    def run(*given: Any, **named: Any) -> None:
        seen.update(named)
        seen.update(zip(inspect.signature(monai.bundle.run).parameters, given, strict=False))

    Fire({"run": run}, command=words)
    return seen


@pytest.mark.parametrize(
    "words",
    [
        ["training", "--config_file", "a.json", "--max_epochs", "3"],
        ["--config_file=a.json", "training", "--lr=1e-3", "--max-epochs", "-5"],
        ["training", "--config_file", "['a.json','b.json']", "--train#trainer#amp", "--name", "x y"],
        ["training", "--config_file", "a.json", "--sizes", "[1,2]", "--quiet", "--other", "True"],
        ["--run_id", "training", "--config_file", "a.json", "--device", "$torch.device('cpu')"],
    ],
)
def test_options_are_read_as_fire_reads_them(words: list[str]) -> None:
    command = bundle_command([PROGRAM, "run", *words])
    assert {**command.arguments, **command.overrides} == fire_reads(["run", *words])


@pytest.mark.parametrize(
    ("named", "files"),
    [("a", ["a"]), ("['a','b']", ["a", "b"]), ("x/a.json,b.json", ["x/a.json", "b.json"])],
)
def test_config_files(named: str, files: list[str]) -> None:
    command = bundle_command([PROGRAM, "run", "training", "--config_file", named])
    assert list(map(str, command.config_files)) == files


def test_a_file_of_arguments(train: Path, tmp_path: Path) -> None:
    args = write_json(tmp_path / "args.json", {"config_file": str(train), "max_epochs": 3, "seed": 1})
    command = bundle_command([PROGRAM, "run", "training", "--args_file", str(args), "--max_epochs", "4"])
    assert command.config_files == (train,)
    assert command.overrides == {"max_epochs": 4, "seed": 1}


@pytest.mark.parametrize(
    "words",
    [
        ["/usr/bin/lungmonai", "run", "training", "--config_file", "a.json"],
        [PROGRAM],
        [PROGRAM, "ckpt_export", "--config_file", "a.json"],
        [PROGRAM, "run", "training"],
    ],
)
def test_other_programs_are_let_alone(words: list[str]) -> None:
    assert bundle_command(words) is None


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (
            {"max_epoch": 3},
            r"--max_epoch is no key of \S+train\.json; wanted one of its keys, the nearest is max_epochs\.",
        ),
        ({"train#traner#amp": True}, r"--train#traner#amp is no key"),
        ({"train#trainer#max_epoch": 1}, r"--train#trainer#max_epoch is no key .* train#trainer#max_epochs"),
        ({"train#more": 1}, r"--train#more is no key"),
        ({"tracking_uri": "x"}, r"--tracking_uri is no key"),
        (
            {"max_epochs": "abc"},
            r"--max_epochs is 'abc'; wanted a whole number, as in \S+, which has 1\. Give",
        ),
        ({"max_epochs": 2.5}, r"--max_epochs is 2\.5; wanted a whole number"),
        ({"max_epochs": True}, r"--max_epochs is True; wanted a whole number"),
        ({"learning_rate": "fast"}, r"--learning_rate is 'fast'; wanted a number"),
        ({"dataset_dir": [1, 2]}, r"--dataset_dir is \[1, 2\]; wanted text"),
        ({"training": 3}, r"--training is 3; wanted a list"),
        ({"network_def": 3}, r"--network_def is 3; wanted keys with values"),
    ],
)
def test_overrides_that_are_refused(train: Path, overrides: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        check_overrides(read_config([train]), overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        {"max_epochs": 3},
        {"learning_rate": 1},
        {"dataset_dir": 12},
        {"device": "cpu"},
        {"device": 1},
        {"max_epochs": "$1 + 1"},
        {"max_epochs": "@channels"},
        {"train#trainer#max_epochs": 2},
        {"train::trainer::max_epochs": 2},
        {"train#trainer#amp": True},
        {"network_def#_disabled_": True},
        {"network_def": {"_target_": "torch.nn.Identity"}},
        {"_meta_#version": "1.0.0"},
    ],
)
def test_overrides_that_are_taken(train: Path, overrides: dict[str, Any]) -> None:
    check_overrides(read_config([train]), overrides)


def test_settings_of_tracking_are_keys_where_it_is_switched_on(train: Path) -> None:
    check_overrides(read_config([train]), {"tracking_uri": "x"}, tracking="mlflow")


def test_keys_of_a_second_file_are_keys(train: Path, tmp_path: Path) -> None:
    second = write_json(tmp_path / "second.json", {"backend": "gloo"})
    check_overrides(read_config([train, second]), {"backend": "nccl"})
    with pytest.raises(SettingsError, match=r"--backnd is no key of \S+train.json and \S+second.json"):
        check_overrides(read_config([train, second]), {"backnd": "nccl"})


def test_an_unknown_run(train: Path) -> None:
    check_run_id(read_config([train]), "training")
    with pytest.raises(SettingsError, match=r"trainng is no key of \S+; wanted .* the nearest is training"):
        check_run_id(read_config([train]), "trainng")
