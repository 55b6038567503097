"""A run that was stopped anywhere and resumed ends as one that was not."""

import errno
import logging
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_training
import torch
from ignite.engine import Engine, Events
from tiny_training import Blobs, tiny_trainer

from lungmonai.errors import LungmonaiError, OutputError, SettingsError
from lungmonai.training.checkpoints import checkpoint_files
from lungmonai.training.run_folder import RunFolder

SCRIPT = Path(tiny_training.__file__)


class CutError(Exception):
    """What ends a run in these tests."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def final_state(trainer: Any) -> list[torch.Tensor]:
    """Weights, batch-norm statistics, and the optimizer's moments."""
    moments = [value for state in trainer.optimizer.state.values() for value in state.values()]
    return [*trainer.network.state_dict().values(), *moments]


def equal(one: Any, other: Any) -> bool:
    pairs = zip(final_state(one), final_state(other), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three epochs of five steps, not stopped."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trainer = tiny_trainer(tmp_path_factory.mktemp("runs") / "whole")
    trainer.run()
    torch.set_num_threads(threads)
    return trainer


def cut(trainer: Any, event: Any, when: Callable[[Any], bool]) -> None:
    """Run until the event at which `when` holds."""

    def end(engine: Engine) -> None:
        if when(trainer):
            raise CutError

    engine, name = event
    engine.add_event_handler(name, end)
    with pytest.raises(CutError):
        trainer.run()


@pytest.mark.parametrize("at", [1, 2, 3, 5, 7, 8, 11, 14])
def test_a_run_cut_in_any_step_ends_the_same(tmp_path: Path, whole: Any, at: int) -> None:
    trainer = tiny_trainer(tmp_path / "run")
    cut(trainer, (trainer, Events.ITERATION_STARTED), lambda one: one.state.iteration == at)
    torch.manual_seed(5)
    random.seed(5)
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    resumed.run()
    assert (resumed.state.epoch, resumed.state.iteration) == (3, 15)
    assert equal(resumed, whole)
    assert resumed.evaluator.state.best_metric == whole.evaluator.state.best_metric
    assert resumed.evaluator.state.best_metric_epoch == whole.evaluator.state.best_metric_epoch


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_run_cut_while_validating_validates_again(tmp_path: Path, whole: Any, epoch: int) -> None:
    trainer = tiny_trainer(tmp_path / "run", every=0)
    cut(trainer, (trainer.evaluator, Events.ITERATION_STARTED), lambda one: one.state.epoch == epoch)
    resumed = tiny_trainer(tmp_path / "run", resume=True, every=0)
    validated: list[int] = []
    resumed.evaluator.add_event_handler(Events.COMPLETED, lambda one: validated.append(one.state.epoch))
    resumed.run()
    assert validated == [one for one in (1, 2, 3) if one >= epoch]
    assert equal(resumed, whole)


def test_exactly_the_batches_that_are_left_are_seen(tmp_path: Path) -> None:
    def ids(trainer: Any) -> list[str]:
        seen: list[str] = []
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda one: seen.extend(one.state.batch["id"]))
        return seen

    first = tiny_trainer(tmp_path / "run", every=1)
    before = ids(first)
    cut(first, (first, Events.ITERATION_STARTED), lambda one: one.state.iteration == 8)
    second = tiny_trainer(tmp_path / "run", resume=True)
    after = ids(second)
    second.run()
    assert before + after == [f"{epoch}/{index}" for epoch in (1, 2, 3) for index in range(20)]


def test_a_run_that_was_resumed_twice_ends_the_same(tmp_path: Path, whole: Any) -> None:
    for at in (4, 9):
        trainer = tiny_trainer(tmp_path / "run", resume=at > 4)
        cut(trainer, (trainer, Events.ITERATION_STARTED), lambda one, at=at: one.state.iteration == at)
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    resumed.run()
    assert equal(resumed, whole)
    record = RunFolder(tmp_path / "run").record()
    assert record is not None
    assert len(record["resumed"]) == 2
    assert record["state"] == "finished"


def test_other_workers_end_the_same(tmp_path: Path, whole: Any) -> None:
    trainer = tiny_trainer(tmp_path / "run", workers=1)
    cut(trainer, (trainer, Events.ITERATION_STARTED), lambda one: one.state.iteration == 8)
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    resumed.run()
    assert equal(resumed, whole)


def test_more_epochs_go_on(tmp_path: Path, whole: Any) -> None:
    """The schedule's length follows; here it is the same for both, so that the weights are too."""
    tiny_trainer(tmp_path / "run", max_epochs=2).run()
    resumed = tiny_trainer(tmp_path / "run", max_epochs=3, resume=True)
    resumed.run()
    assert equal(resumed, whole)


def test_the_length_of_a_schedule_follows_more_epochs(tmp_path: Path) -> None:
    tiny_trainer(tmp_path / "run", max_epochs=1).run()
    resumed = tiny_trainer(tmp_path / "run", max_epochs=6, resume=True)
    resumed.run()
    assert resumed.run_state.parts["scheduler"].T_max == 30
    assert resumed.optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-6)


def test_a_complete_run_says_so_and_makes_no_step(
    tmp_path: Path, whole: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tiny_trainer(tmp_path / "run").run()
    again = tiny_trainer(tmp_path / "run", resume=True)
    steps: list[int] = []
    again.add_event_handler(Events.ITERATION_STARTED, lambda one: steps.append(one.state.iteration))
    with caplog.at_level(logging.INFO, "lungmonai"):
        again.run()
    assert not steps
    assert equal(again, whole)
    assert "already complete: 3 of 3 epochs" in caplog.text


@pytest.mark.parametrize("harm", ["flipped", "cut off", "empty"])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, whole: Any, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    trainer = tiny_trainer(tmp_path / "run")
    cut(trainer, (trainer, Events.ITERATION_STARTED), lambda one: one.state.iteration == 14)
    newest, before = checkpoint_files(tmp_path / "run" / "checkpoints")
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes({"flipped": bytes(data), "cut off": bytes(data[:-100]), "empty": b""}[harm])
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    with caplog.at_level(logging.INFO, "lungmonai"):
        resumed.run()
    assert f"{newest} cannot be read" in caplog.text
    assert f"going on from {before}" in caplog.text
    assert equal(resumed, whole)
    assert newest.with_suffix(".pt.damaged").exists()


def test_damaged_checkpoints_alone_are_refused(tmp_path: Path) -> None:
    tiny_trainer(tmp_path / "run", max_epochs=1).run()
    for path in checkpoint_files(tmp_path / "run" / "checkpoints"):
        path.write_bytes(b"no checkpoint")
    with pytest.raises(
        LungmonaiError, match=r"none of the \d checkpoints in .* can be read; wanted one that"
    ):
        tiny_trainer(tmp_path / "run", resume=True).run()


def test_what_could_not_be_resumed_is_not_begun_anew_at_the_next_try(tmp_path: Path) -> None:
    tiny_trainer(tmp_path / "run", max_epochs=1).run()
    for path in checkpoint_files(tmp_path / "run" / "checkpoints"):
        path.write_bytes(b"no checkpoint")
    for _ in range(2):
        with pytest.raises(LungmonaiError, match="none of the 2 checkpoints"):
            tiny_trainer(tmp_path / "run", resume=True).run()


def test_the_record_follows_a_run_that_goes_on_from_an_older_checkpoint(tmp_path: Path) -> None:
    first = tiny_trainer(tmp_path / "run")
    cut(first, (first, Events.ITERATION_STARTED), lambda one: one.state.iteration == 6)
    newest, _ = checkpoint_files(tmp_path / "run" / "checkpoints")
    assert newest.name.startswith("epoch0001_step00000005")
    newest.write_bytes(b"")
    records: list[Any] = []
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    resumed.add_event_handler(Events.STARTED, lambda _: records.append(RunFolder(tmp_path / "run").record()))
    resumed.run()
    assert (records[0]["epoch"], records[0]["iteration"]) == (0, 4)


def test_a_run_whose_record_was_lost_can_be_resumed(tmp_path: Path, whole: Any) -> None:
    """A power cut can leave it empty."""
    trainer = tiny_trainer(tmp_path / "run")
    cut(trainer, (trainer, Events.ITERATION_STARTED), lambda one: one.state.iteration == 8)
    (tmp_path / "run" / "run.json").write_bytes(b"")
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    resumed.run()
    assert resumed.state.iteration == 15
    assert equal(resumed, whole)


def test_a_refused_run_leaves_the_folder_to_others(tmp_path: Path) -> None:
    tiny_trainer(tmp_path / "run", max_epochs=1).run()
    refused = tiny_trainer(tmp_path / "run", max_epochs=2, resume=True, seed=2)
    with pytest.raises(SettingsError, match="seed is 2"):
        refused.run()
    # As in a notebook, where the trainer that was refused is still there.
    assert not refused.run_state.folder.is_running()
    tiny_trainer(tmp_path / "run", max_epochs=2, resume=True).run()


def test_a_run_without_a_checkpoint_begins_again(
    tmp_path: Path, whole: Any, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = tiny_trainer(tmp_path / "run")
    cut(trainer, (trainer, Events.ITERATION_STARTED), lambda one: one.state.iteration == 1)
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    resumed.run()
    assert "holds no checkpoint yet" in caplog.text
    assert equal(resumed, whole)


def test_a_folder_with_a_run_is_not_begun_anew(tmp_path: Path) -> None:
    tiny_trainer(tmp_path / "run", max_epochs=1).run()
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(
        SettingsError, match=r"run already holds a run \(epoch 1/1\).*`--resume True`.*`--output_dir DIR`"
    ):
        tiny_trainer(tmp_path / "run").run()
    assert (tmp_path / "run" / "run.json").read_bytes() == before


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no run; .*Leave out --resume"):
        tiny_trainer(tmp_path / "run", resume=True).run()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 2}, r"seed is 2 \(was 1\)"),
        ({"learning_rate": 0.02}, r"learning_rate is 0.02 \(was 0.01\)"),
        ({"samples": 24}, r"steps of an epoch is 6 \(was 5\)"),
        (
            {"batch_size": 2, "samples": 10},
            r"batch_size is 2 \(was 4\) in .*the settings that the run was begun",
        ),
    ],
)
def test_changed_settings_are_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    tiny_trainer(tmp_path / "run", max_epochs=1).run()
    with pytest.raises(SettingsError, match=said):
        tiny_trainer(tmp_path / "run", max_epochs=2, resume=True, **changed).run()


def test_another_network_and_another_data_list_are_refused(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    first = tiny_trainer(tmp_path / "run", max_epochs=1)
    first.run_state.files = {"datalist": tmp_path / "list.json", "candidates": ""}
    first.run()
    (tmp_path / "moved.json").write_text("[1]")
    second = tiny_trainer(tmp_path / "run", max_epochs=2, resume=True)
    second.run_state.files = {"datalist": tmp_path / "moved.json"}
    second.run()
    (tmp_path / "list.json").write_text("[2]")
    third = tiny_trainer(tmp_path / "run", max_epochs=3, resume=True)
    third.run_state.files = {"datalist": tmp_path / "list.json"}
    third.run_state.parts["network"] = torch.nn.Conv2d(7, 1, 1)
    with pytest.raises(
        SettingsError, match=r"datalist is SHA-256 .*, network is Conv2d \w+ \(was TinyNet \w+\)"
    ):
        third.run()


def test_settings_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="checkpoint_every is -1"):
        tiny_trainer(tmp_path, every=-1)


def test_two_checkpoints_are_kept_and_their_digests_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import hashlib

    with caplog.at_level(logging.INFO, "lungmonai"):
        tiny_trainer(tmp_path / "run").run()
    left = sorted((tmp_path / "run" / "checkpoints").iterdir())
    assert [path.name.split("_")[:2] for path in left] == [
        ["epoch0002", "step00000014"],
        ["epoch0003", "step00000015"],
    ]
    for path in left:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in caplog.text


def test_a_checkpoint_holds_plain_values_only(tmp_path: Path) -> None:
    tiny_trainer(tmp_path / "run").run()
    newest, _ = checkpoint_files(tmp_path / "run" / "checkpoints")
    content = torch.load(newest, weights_only=True)
    assert content["about"]["samples_seen"] == 60
    assert content["trainer"]["iteration"] == 15
    assert content["about"]["command"]
    assert set(content["shared"]) == {"network", "optimizer", "scheduler"}


def test_a_full_disk_is_one_error_and_the_former_checkpoint_stays(
    tmp_path: Path, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = tiny_trainer(tmp_path / "run")
    fsync = os.fsync

    def full(handle: int) -> None:
        if trainer.state.iteration == 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OutputError, match=r"checkpoints/epoch0001_step00000008_.*No space left.*Free some space"
    ):
        trainer.run()
    monkeypatch.undo()
    assert [path.name[:22] for path in (tmp_path / "run" / "checkpoints").iterdir()] != []
    assert not list((tmp_path / "run" / "checkpoints").glob(".partial*"))
    record = RunFolder(tmp_path / "run").record()
    assert record is not None
    assert record["state"] == "failed"
    assert "No space left" in record["error"]
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    resumed.run()
    assert equal(resumed, whole)


def test_a_folder_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lungmonai.training.run_folder._LOCK_SECONDS", 0.1)
    trainer = tiny_trainer(tmp_path / "run")
    refused: list[str] = []

    def try_another(_: Engine) -> None:
        with pytest.raises(SettingsError) as error:
            tiny_trainer(tmp_path / "run", resume=True).run()
        refused.append(str(error.value))

    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=3), try_another)
    trainer.run()
    assert len(refused) == 1
    assert "another process trains in" in refused[0]


def test_a_killed_run_ends_the_same(tmp_path: Path, whole: Any) -> None:
    """SIGKILL in another process, in the middle of the second epoch."""
    words = [sys.executable, str(SCRIPT), str(tmp_path / "run"), "--slow", "0.3"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        step = random.Random(os.getpid()).randrange(7, 10)
        for line in process.stdout:
            if line == f"step {step}\n":
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert len(checkpoint_files(tmp_path / "run" / "checkpoints")) == 2
    resumed = tiny_trainer(tmp_path / "run", resume=True)
    resumed.run()
    assert equal(resumed, whole), f"killed in step {step}"


def test_the_order_of_samples_must_be_known(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path / "run")
    trainer.data_loader = torch.utils.data.DataLoader(Blobs(20, 1), 4)
    with pytest.raises(SettingsError, match="SequentialSampler; wanted SampleOrder"):
        trainer.run()
