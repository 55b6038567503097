"""SIGTERM and Ctrl-C end a run at the end of its step, saved."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import tiny_training
import torch
from ignite.engine import Events
from tiny_training import tiny_trainer

from lungmonai.cli import run_or_exit
from lungmonai.training.checkpoints import checkpoint_files
from lungmonai.training.run_folder import RunFolder
from lungmonai.training.stop import stay_until_parent_stops


@pytest.fixture(autouse=True)
def ctrl_c_heard() -> Iterator[None]:
    """Python hears Ctrl-C, also where the tests run in the background of a shell, which has it ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def stopped_process(
    folder: Path, number: signal.Signals, at: str, *options: str
) -> tuple[int, list[str], str]:
    """Run the tiny training; when it prints a line send a signal to it and its workers.

    Returns:
        Its exit code, what it printed, and its log.
    """
    words = [sys.executable, tiny_training.__file__, str(folder), "--every", "0", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if lines[-1] == at:
                os.killpg(process.pid, number)
        log = process.stderr.read()
    return process.returncode, lines, log


def resumed_equals_whole(folder: Path, tmp_path: Path) -> bool:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    resumed = tiny_trainer(folder, resume=True)
    resumed.run()
    whole = tiny_trainer(tmp_path / "whole")  # which sets the seed
    whole.run()
    torch.set_num_threads(threads)
    pairs = zip(whole.network.state_dict().values(), resumed.network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_sigterm_to_all_processes_saves_the_step(tmp_path: Path) -> None:
    """Workers too get what a scheduler sends."""
    folder = tmp_path / "run"
    returned, lines, log = stopped_process(
        folder, signal.SIGTERM, "step 7", "--slow", "1.0", "--workers", "2"
    )
    assert returned == 143, log
    assert [path.name[:22] for path in checkpoint_files(folder / "checkpoints")] == [
        "epoch0001_step00000007",
        "epoch0001_step00000005",
    ]
    assert "SIGTERM: stopping at the end of this step" in log
    assert "saved; to go on: " in log
    assert "--resume True" in log
    assert log.rstrip().endswith("lungmonai: stopped; no file was left half-written.")
    record = RunFolder(folder).record()
    assert record is not None
    assert (record["state"], record["iteration"]) == ("stopped", 7)
    assert "step 8" not in lines
    assert resumed_equals_whole(folder, tmp_path)


def test_ctrl_c_leaves_a_validation_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ("--workers", "1", "--slow_validation", "5")
    returned, lines, log = stopped_process(folder, signal.SIGINT, "validating", *words)
    assert returned == 130, log
    assert lines.count("validating") == 1
    newest = checkpoint_files(folder / "checkpoints")[0]
    assert newest.name.startswith("epoch0000_step00000005")
    assert resumed_equals_whole(folder, tmp_path)


def test_sigterm_is_exit_code_143(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path / "run")
    trainer.add_event_handler(
        Events.ITERATION_STARTED(once=3), lambda _: os.kill(os.getpid(), signal.SIGTERM)
    )
    with pytest.raises(SystemExit) as stop:
        run_or_exit(trainer.run)
    assert stop.value.code == 143
    assert checkpoint_files(tmp_path / "run" / "checkpoints")[0].name.startswith("epoch0000_step00000003")


def test_the_former_handlers_come_back(tmp_path: Path) -> None:
    former = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    trainer = tiny_trainer(tmp_path / "run", max_epochs=1)
    during: list[Any] = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED(once=1), lambda _: during.append(signal.getsignal(signal.SIGTERM))
    )
    trainer.run()
    assert during[0] not in former
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == former


def test_a_failed_run_too_gives_the_handlers_back(tmp_path: Path) -> None:
    former = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    trainer = tiny_trainer(tmp_path / "run")

    def fail(_: Any) -> None:
        raise RuntimeError("broken")

    trainer.add_event_handler(Events.ITERATION_STARTED(once=3), fail)
    with pytest.raises(RuntimeError, match="broken"):
        trainer.run()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == former
    record = RunFolder(tmp_path / "run").record()
    assert record is not None
    assert (record["state"], record["error"]) == ("failed", "broken")


def test_ctrl_c_in_a_notebook_is_a_keyboard_interrupt(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path / "run")
    trainer.add_event_handler(Events.ITERATION_STARTED(once=3), lambda _: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert trainer.state.iteration == 3
    assert checkpoint_files(tmp_path / "run" / "checkpoints")[0].name.startswith("epoch0000_step00000003")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path / "run")
    reached: list[str] = []

    def twice(_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the first")
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the second")

    trainer.add_event_handler(Events.ITERATION_STARTED(once=3), twice)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert reached == ["after the first"]


def signal_itself(told: Connection) -> None:
    stay_until_parent_stops(0)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
    told.send("alive")
    os.kill(os.getpid(), signal.SIGTERM)
    told.send("still alive")


def test_a_worker_passes_over_the_first_signal_only() -> None:
    here, there = multiprocessing.Pipe()
    worker = multiprocessing.get_context("fork").Process(target=signal_itself, args=(there,))
    worker.start()
    worker.join(20)
    assert worker.exitcode == -signal.SIGTERM
    assert here.recv() == "alive"
    assert not here.poll()


def test_a_worker_function_of_the_config_is_kept(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path / "run", max_epochs=1, workers=1)
    called = tmp_path / "called"
    trainer.data_loader.worker_init_fn = lambda _: called.touch()
    trainer.run()
    assert called.exists()
    assert trainer.data_loader.worker_init_fn is not stay_until_parent_stops
