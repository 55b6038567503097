"""What a run writes, read back with TensorBoard's own reader."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Events
from test_answers import NAMES
from tiny_engines import (
    BATCH,
    LOSSES,
    SAMPLES,
    Brightness,
    events,
    make_evaluator,
    make_trainer,
    pictures,
    scalars,
)
from torch import distributed, multiprocessing

from lungmonai.training.items import training_items
from lungmonai.training.validate import Validate
from lungmonai.training.watch import FixedSlices, TensorBoardRun

STEPS = SAMPLES // BATCH
Picture = np.ndarray[Any, Any]
Curves = dict[str, list[tuple[int, float]]]


def run(
    folder: Path,
    kind: str,
    *,
    epochs: int = 2,
    at: int = 0,
    state: Any = None,
    slices: FixedSlices | None = None,
) -> TensorBoardRun:
    """Train, from an iteration on, with a validation after each epoch."""
    network = Brightness(kind)
    validator = make_evaluator(kind, network)
    board = TensorBoardRun(folder, LOSSES[kind], validator, name="tiny", slices=slices, worst=3)
    trainer = make_trainer(kind, network, [board, Validate(validator, 1)], epochs=epochs)
    trainer.state.iteration, trainer.state.epoch = at, at // STEPS
    trainer.data_loader.sampler.start_at(at % STEPS)
    if state is not None:
        board.load_state_dict(state)
    trainer.run()
    return board


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tensorboard")
    for kind in ("mask", "class"):
        run(folder / kind, kind)
    return folder


@pytest.mark.parametrize("mode", ["trn", "val"])
@pytest.mark.parametrize("kind", ["mask", "class"])
def test_names_and_steps(written: Path, kind: str, mode: str) -> None:
    found = events(written / kind / f"{mode}_tiny")
    percentages = {"percent_all/tp", "percent_all/fn", "percent_all/fp"}
    assert set(found.Tags()["scalars"]) == NAMES | (percentages if kind == "mask" else set())
    assert set(found.Tags()["images"]) == {"curve/roc", "curve/precision_recall", "worst"}
    assert set(found.Tags()["histograms"]) == {"probability/pos", "probability/neg"}
    for tag in NAMES:
        assert [one.step for one in found.Scalars(tag)] == [SAMPLES, 2 * SAMPLES]
    assert [one.step for one in found.Images("worst")] == [SAMPLES, 2 * SAMPLES]


def test_validation_is_that_of_the_validation_samples(written: Path) -> None:
    network = Brightness("class")
    outputs: list[dict[str, Any]] = []
    validator = make_evaluator("class", network)
    validator.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: outputs.append(engine.state.output)
    )
    validator.run()
    pred = torch.cat([output["pred"] for output in outputs])
    label = torch.cat([output["label"] for output in outputs])
    said = scalars(written / "class" / "val_tiny")
    # The network stays as it was.
    loss = float(LOSSES["class"](pred, label))
    assert [value for _, value in said["loss/all"]] == pytest.approx([loss, loss], rel=1e-5)
    correct = 100 * float((pred.argmax(1) == label).double().mean())
    assert said["correct/all"] == [(SAMPLES, pytest.approx(correct)), (2 * SAMPLES, pytest.approx(correct))]


def test_histograms_hold_every_crop_by_its_class(written: Path) -> None:
    found = events(written / "class" / "trn_tiny")
    for name in ("pos", "neg"):
        (first, _) = found.Histograms(f"probability/{name}")
        # Every second crop is positive.
        assert first.histogram_value.num == SAMPLES / 2
        assert (first.histogram_value.min, first.histogram_value.max) == (0, 1)


def test_a_resumed_run_writes_nothing_twice(written: Path, tmp_path: Path) -> None:
    run(tmp_path, "class", epochs=2)
    # The run was killed after its second epoch, but the last checkpoint is of the first.
    run(tmp_path, "class", epochs=3, at=STEPS)
    for mode in ("trn", "val"):
        found = events(tmp_path / f"{mode}_tiny")
        for tag in NAMES:
            assert [one.step for one in found.Scalars(tag)] == [SAMPLES, 2 * SAMPLES, 3 * SAMPLES]
        assert [one.step for one in found.Images("worst")] == [SAMPLES, 2 * SAMPLES, 3 * SAMPLES]


def test_a_run_resumed_inside_an_epoch_counts_the_whole_epoch(written: Path, tmp_path: Path) -> None:
    network = Brightness("class")
    board = TensorBoardRun(tmp_path, LOSSES["class"], name="tiny", worst=3)
    killed = make_trainer("class", network, [board])
    killed.add_event_handler(Events.ITERATION_COMPLETED(once=2), killed.terminate)
    killed.run()
    run(tmp_path, "class", at=2, state=board.state_dict())
    _check_same(scalars(tmp_path / "trn_tiny"), scalars(written / "class" / "trn_tiny"))


def _check_same(
    found: dict[str, list[tuple[int, float]]], wanted: dict[str, list[tuple[int, float]]]
) -> None:
    assert found.keys() == wanted.keys()
    for name, points in wanted.items():
        assert [step for step, _ in found[name]] == [step for step, _ in points]
        assert [value for _, value in found[name]] == pytest.approx([value for _, value in points], rel=1e-5)


def test_slices_are_drawn_after_every_second_validation(phantom_data: Path, tmp_path: Path) -> None:
    slices = FixedSlices(training_items(phantom_data, "validation"), slices=3)
    board = run(tmp_path, "mask", epochs=2, slices=slices)
    run(tmp_path, "mask", epochs=4, at=2 * STEPS, slices=slices, state=board.state_dict())
    folder = tmp_path / "val_tiny"
    tags = [tag for tag in events(folder).Tags()["images"] if tag.startswith("scan_")]
    assert tags == [f"scan_00/slice_{at}_{what}" for at in range(3) for what in ("prediction", "label")]
    assert list(pictures(folder, "scan_00/slice_1_label")) == [SAMPLES]
    drawn = pictures(folder, "scan_00/slice_1_prediction")
    assert list(drawn) == [SAMPLES, 3 * SAMPLES]
    _check_colours(drawn[SAMPLES], pictures(folder, "scan_00/slice_1_label")[SAMPLES], slices[1])


def _check_colours(
    prediction: np.ndarray[Any, Any], label: np.ndarray[Any, Any], sample: dict[str, Any]
) -> None:
    """The network marks what is brighter than 0 HU."""
    hu, right = sample["image"][3].numpy(), sample["label"][0].numpy() > 0
    gray = np.round((np.clip(hu.astype(float), -1000, 1000) + 1000) / 2000 * 255)
    for picture, marked in ((prediction, hu > 0), (label, right)):
        colour = {(True, True): (0, 255, 0), (False, True): (255, 0, 0), (True, False): (255, 128, 0)}
        expected = np.repeat(gray[..., None], 3, -1)
        for (is_right, is_marked), shade in colour.items():
            where = (right == is_right) & (marked == is_marked)
            expected[where] = expected[where] / 2 + np.array(shade) / 2
        assert np.abs(picture - expected).max() <= 1


def _in_process(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    store = f"file://{folder}/store"
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    board = TensorBoardRun(f"{folder}/two", LOSSES["class"], name="tiny", worst=3)
    network = Brightness("class")
    make_trainer("class", network, [board], batch=BATCH // 2, rank=rank, processes=2).run()
    distributed.barrier()
    distributed.destroy_process_group()


def test_two_processes_write_what_one_writes(written: Path, tmp_path: Path) -> None:
    # Forked: a fresh process would take seconds to import torch and MONAI.
    multiprocessing.start_processes(_in_process, (str(tmp_path),), nprocs=2, start_method="fork")
    _check_same(scalars(tmp_path / "two" / "trn_tiny"), scalars(written / "class" / "trn_tiny"))
    (worst,) = {picture.shape for picture in pictures(tmp_path / "two" / "trn_tiny", "worst").values()}
    assert worst[2] == 3


def test_an_epoch_that_was_written_after_its_last_checkpoint_is_written_once(tmp_path: Path) -> None:
    network = Brightness("class")
    board = TensorBoardRun(tmp_path, LOSSES["class"], name="tiny", worst=3)
    stopped = make_trainer("class", network, [board], epochs=1)
    states: list[dict[str, Any]] = []
    last = Events.ITERATION_COMPLETED(once=STEPS)
    stopped.add_event_handler(last, lambda: states.append(board.state_dict()))
    stopped.run()
    again = TensorBoardRun(tmp_path, LOSSES["class"], name="tiny", worst=3)
    again.load_state_dict(states[0])
    resumed = make_trainer("class", network, [again], epochs=2)
    resumed.state.iteration, resumed.state.epoch = STEPS, 1
    # What the run was stopped in is made up for, before the next epoch.
    resumed.add_event_handler(Events.STARTED, lambda: resumed.fire_event(Events.EPOCH_COMPLETED))
    resumed.run()
    found = scalars(tmp_path / "trn_tiny")
    assert [step for step, _ in found["loss/all"]] == [SAMPLES, 2 * SAMPLES]
