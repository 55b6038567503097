"""The command of a run, and the one that goes on with it."""

import shlex
import sys

import pytest

from lungmonai.training.command import command_flags, resume_command, run_command

WORDS = ["python", "-m", "monai.bundle", "run", "training", "--config_file", "['a.json','b c.json']"]


def test_a_command_can_be_typed_again() -> None:
    assert shlex.split(run_command(WORDS, {})) == WORDS
    assert shlex.split(run_command()) == sys.orig_argv


def test_torchrun_is_named() -> None:
    told = {"TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "2", "GROUP_WORLD_SIZE": "1"}
    words = ["/usr/bin/python", "-u", *WORDS[1:]]
    assert shlex.split(run_command(words, told)) == ["torchrun", "--nproc_per_node", "2", *WORDS[1:]]
    told["GROUP_WORLD_SIZE"] = "3"
    assert run_command(words, told).startswith("torchrun --nnodes 3 --nproc_per_node 2 -m monai.bundle")


def test_torchrun_of_a_script() -> None:
    told = {"TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "2"}
    words = ["/usr/bin/python", "-u", "train.py", "--epochs", "3"]
    assert run_command(words, told) == "torchrun --nproc_per_node 2 train.py --epochs 3"


@pytest.mark.parametrize(
    ("came", "resumes"),
    [
        ("x --a 1", "x --a 1 --resume True"),
        ("x --resume True --a 1", "x --a 1 --resume True"),
        ("x --resume False", "x --resume True"),
        ("x --resume --a 1", "x --a 1 --resume True"),
        ("x --resume=False --a 'b c'", "x --a 'b c' --resume True"),
    ],
)
def test_going_on(came: str, resumes: str) -> None:
    assert resume_command(came) == resumes
    assert resume_command(resumes) == resumes


def test_options() -> None:
    assert command_flags("x run --a 1 --b=2 --c --d 'e f' --g -5") == {
        "a": "1", "b": "2", "c": "True", "d": "e f", "g": "-5",
    }  # fmt: skip
