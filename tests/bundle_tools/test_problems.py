"""Every kind of broken config is found before anything is built, and the sound ones are let pass."""

from pathlib import Path
from typing import Any

import pytest
from bundle_maker import change, make_bundle

from lungmonai.bundle_tools import config_problems, find_bundle, read_config
from lungmonai.bundles import bundles_folder

NAMES = sorted(path.parent.name for path in bundles_folder().glob("*/inference.json"))
WORKFLOWS = [run for name in NAMES for run in find_bundle(name).workflows()]


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b") / "train.json"


def problems(path: Path) -> list[str]:
    return [str(problem.error()) for problem in config_problems(read_config([path]))]


def test_a_sound_config_has_none(train: Path) -> None:
    assert problems(train) == []


@pytest.mark.parametrize("run", WORKFLOWS, ids=lambda run: f"{run[-1].parent.name}-{run[-1].stem}")
def test_the_bundles_that_ship_have_none(run: tuple[Path, ...]) -> None:
    assert config_problems(read_config(run)) == []


def test_there_are_bundles() -> None:
    assert {"analysis", "seg"} <= set(NAMES)
    assert len(WORKFLOWS) >= 6


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            {"train#trainer#network": "@netwrk_def"},
            r"train\.json: train#trainer#network refers to @netwrk_def, .* nearest is network_def\. Mend",
        ),
        (
            {"train#trainer#_target_": "SupervisedTrainr"},
            r"#_target_ is SupervisedTrainr, .* SupervisedTrainer",
        ),
        (
            {"network_def#_target_": "torch.nn.Conv2x"},
            r"is torch\.nn\.Conv2x, .* nearest is torch\.nn\.Conv2d",
        ),
        (
            {"network_def#_target_": "nowhere.Net"},
            r"network_def#_target_ is nowhere\.Net, which is not there",
        ),
        (
            {"network_def#in_chanels": 1, "network_def#in_channels": None},
            r"\(torch\.nn\.Conv2d\) gets in_chanels, which it does not take, the nearest is in_channels",
        ),
        ({"network_def#in_channels": None}, r"network_def \(torch\.nn\.Conv2d\) lacks in_channels"),
        (
            {"imports": ["$import torch", "$import nowhere"]},
            r"imports#1 imports what is not there: .*'nowhere'",
        ),
        (
            {"imports": ["$import torch", "$from lungmonai.bundles import bundle_rot"]},
            r"imports bundle_rot, which lungmonai\.bundles lacks, the nearest is bundle_root",
        ),
        (
            {"device": "$trch.device('cpu')"},
            r"device uses trch, which is not in imports, the nearest is torch",
        ),
        ({"device": "$torch.device('cpu'"}, r"device is no Python"),
        ({"max_epochs": "abc"}, r"max_epochs is 'abc'; wanted a whole number for train#trainer#max_epochs"),
        ({"max_epochs": 1.5}, r"max_epochs is 1\.5; wanted a whole number"),
        ({"max_epochs": True}, r"max_epochs is True; wanted a whole number"),
        ({"train#trainer#amp": "yes"}, r"train#trainer#amp is 'yes'; wanted True or False"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(train: Path, keys: dict[str, Any], says: str) -> None:
    import re

    (found, *_) = [text for text in problems(change(train, **keys)) if re.search(says, text)]
    assert found.startswith(f"{train}: ")
    assert "\n" not in found


@pytest.mark.parametrize(
    "keys",
    [
        {"device": "$[d for d in [torch.device('cpu')] for i in range(3)][0]"},
        {"device": "$(lambda name: torch.device(name))('cpu')"},
        {"max_epochs": "$1 + 1"},
        {"train#trainer#network": "@train#trainer", "train#trainer#_disabled_": True},
        {"network_def#_disabled_": True, "network_def#in_channels": None},
        {"network_def#_mode_": "callable", "network_def#in_channels": None},
        {"network_def#_target_": "$torch.nn.Conv2d"},
        {"train#trainer#amp": True},
        {"words": "mail me@nowhere.org"},
        {"version": "$@_meta_#version"},
    ],
)
def test_what_is_right_is_let_pass(train: Path, keys: dict[str, Any]) -> None:
    assert problems(change(train, **keys)) == []


def test_every_problem_is_found_not_only_the_first(train: Path) -> None:
    change(train, max_epochs="abc", device="$nothing", **{"network_def#_target_": "x.y"})
    assert len(problems(train)) == 3
