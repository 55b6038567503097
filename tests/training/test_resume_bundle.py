"""A bundle's training that is killed, and resumed with the command that `run.json` names."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from lungmonai.bundles import bundles_folder
from lungmonai.networks import load_weights
from lungmonai.training.checkpoints import checkpoint_files
from lungmonai.training.run_folder import RunFolder, find_runs

# Four steps an epoch, three epochs, validation after the first, the second and the last.
SETTINGS = {
    "max_epochs": 3,
    "samples_per_epoch": 16,
    "batch_size": 4,
    "checkpoint_every": 1,
    "validation_slices": 2,
    "device": "cpu",
}


def started(output: Path, data: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "monai.bundle", "run", "training"]
    command += ["--config_file", str(bundles_folder() / "seg" / "train.json")]
    for name, value in {**SETTINGS, "dataset_dir": data, "output_dir": output}.items():
        command += [f"--{name}", str(value)]
    return process_of(command)


def process_of(command: list[str]) -> "subprocess.Popen[str]":
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=one_thread
    )


def kill_at(process: "subprocess.Popen[str]", output: Path, step: int) -> None:
    """SIGKILL as soon as the checkpoint of this step is there."""
    while process.poll() is None:
        if any(f"_step{step:08d}_" in path.name for path in checkpoint_files(output / "checkpoints")):
            process.send_signal(signal.SIGKILL)
        time.sleep(0.005)


def last_state(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(checkpoint_files(output / "checkpoints")[0], weights_only=True)
    assert content["trainer"]["iteration"] == 12
    return content


@pytest.mark.slow
def test_a_killed_bundle_run_ends_with_the_same_weights(tmp_path: Path, phantom_data: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    with started(whole, phantom_data) as process:
        _, log = process.communicate()
        assert process.returncode == 0, log
    with started(cut, phantom_data) as process:
        kill_at(process, cut, 6)
        assert process.stderr is not None
        assert process.returncode == -signal.SIGKILL, process.stderr.read()
    states = {run.folder.name: run.state for run in find_runs([tmp_path])}
    assert states == {"whole": "finished", "cut": "died"}
    record = RunFolder(cut).record()
    assert record is not None
    assert record["iteration"] < 12
    with process_of(shlex.split(record["resume"])) as process:
        _, log = process.communicate()
        assert process.returncode == 0, log
    one, other = last_state(whole), last_state(cut)
    for name, tensor in one["shared"]["network"].items():
        assert torch.equal(tensor, other["shared"]["network"][name]), name
    assert one["trainer"] == other["trainer"]
    # The weights of the best epoch too, which may be of before the kill.
    best = [
        load_weights(folder / "model.pt", task="segmentation").network.state_dict() for folder in (whole, cut)
    ]
    assert all(torch.equal(tensor, best[1][name]) for name, tensor in best[0].items())
