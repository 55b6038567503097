"""Every config of every bundle is built and run on phantoms: trained, evaluated, inferred, overridden."""

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from lungmonai.bundles import bundles_folder
from lungmonai.data import read_datalist
from lungmonai.errors import SettingsError
from lungmonai.networks import NoduleCNN, load_weights, save_weights

from .conftest import tiny

Run = Callable[..., ConfigWorkflow]
CHECKOUT = Path(__file__).parents[2]
TASKS = {"seg": "segmentation", "nodule": "classification", "malignancy": "classification"}
SHAPE = (32, 48, 48)  # slices, rows, columns of a crop
CLASSIFIERS = ("nodule", "malignancy")


@pytest.mark.parametrize("bundle", TASKS)
def test_training_leaves_weights_that_say_what_they_are(trained: Callable[[str], Path], bundle: str) -> None:
    folder = trained(bundle)
    weights = load_weights(folder / "model.pt", task=TASKS[bundle])
    assert not weights.stand_in
    assert "phantom_data" in weights.origin
    record = json.loads((folder / "run.json").read_text())
    assert (record["bundle"], record["state"]) == (bundle, "finished")
    assert list(folder.glob("tensorboard/*/events*"))


@pytest.mark.parametrize("bundle", TASKS)
def test_what_was_trained_is_evaluated(
    trained: Callable[[str], Path], run_config: Run, phantom_data: Path, tmp_path: Path, bundle: str
) -> None:
    more = {"most_slices": 3} if bundle == "seg" else {"batch_size": 16}
    weights = str(trained(bundle) / "model.pt")
    run_config(
        bundle, "evaluating", "evaluate", dataset_dir=str(phantom_data), output_dir=str(tmp_path),
        weights=weights, device="cpu", **more,
    )  # fmt: skip
    scores = dict(line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines())
    wanted = {"seg": "dice", "nodule": "f1_score", "malignancy": "auc"}[bundle]
    assert {wanted, "recall", "precision"} <= set(scores)
    assert all(0 <= float(score) <= 1 for score in scores.values())


@pytest.mark.parametrize("bundle", CLASSIFIERS)
def test_inference_gives_each_candidate_the_probability_of_its_crop(
    trained: Callable[[str], Path], run_config: Run, phantom_data: Path, tmp_path: Path, bundle: str
) -> None:
    """Against the network, asked by hand for crops that are cut by hand."""
    item = read_datalist(phantom_data / "datalist.json")["test"][0]
    points = [nodule["lps_mm"] for nodule in item["nodules"]][:3]
    table = tmp_path / "in.csv"
    rows = "".join(f"{item['seriesuid']},{x},{y},{z}\n" for x, y, z in points)
    table.write_text("seriesuid,coordX,coordY,coordZ\n" + rows)
    weights = trained(bundle) / "model.pt"
    run_config(
        bundle, "inference", "inference", scan=item["image"], candidates=str(table),
        output_dir=str(tmp_path), weights=str(weights), device="cpu",
    )  # fmt: skip
    with (tmp_path / "probability.csv").open() as file:
        found = list(csv.DictReader(file))
    assert [row["seriesuid"] for row in found] == [item["seriesuid"]] * len(points)
    loaded = load_weights(weights, task="classification")
    expected = by_hand(item["image"], points, loaded.network, loaded.crop_spacing_mm)
    assert (loaded.crop_spacing_mm is None) == (bundle == "nodule")
    # Interpolated HU may be rounded the other way.
    near = 1e-5 if loaded.crop_spacing_mm is None else 2e-3
    assert np.abs([float(row["probability"]) for row in found] - expected).max() < near


def by_hand(
    image: str, points: list[Any], network: torch.nn.Module, spacing_mm: tuple[float, ...] | None
) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    scan = sitk.DICOMOrient(sitk.ReadImage(image), "LPS")
    cut = own_voxels if spacing_mm is None else partial(resampled, spacing_mm=spacing_mm[::-1])
    crops = [cut(scan, point).clip(-1000, 1000).astype(np.float32) for point in points]
    with torch.no_grad():
        return network(torch.from_numpy(np.stack(crops))[:, None]).softmax(1)[:, 1].numpy()


def own_voxels(scan: Any, point: list[float]) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    hu = sitk.GetArrayFromImage(scan)
    center = scan.TransformPhysicalPointToIndex([float(mm) for mm in point])[::-1]
    z, y, x = (min(max(c - w // 2, 0), n - w) for c, w, n in zip(center, SHAPE, hu.shape, strict=True))
    return hu[z : z + 32, y : y + 48, x : x + 48]


def resampled(scan: Any, point: list[float], spacing_mm: tuple[float, ...]) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    reach = np.multiply(spacing_mm, np.subtract(SHAPE[::-1], 1)) / 2
    low = np.array(scan.GetOrigin()) + reach
    high = np.array(scan.GetOrigin()) + np.multiply(scan.GetSpacing(), np.subtract(scan.GetSize(), 1)) - reach
    center = np.where(low <= high, np.clip(point, low, high), (low + high) / 2)
    linear, turn = sitk.sitkLinear, scan.GetDirection()
    origin = (center - reach).tolist()
    size = list(SHAPE[::-1])
    crop = sitk.Resample(scan, size, sitk.Transform(), linear, origin, spacing_mm, turn, -1000.0)
    return sitk.GetArrayFromImage(crop)


@pytest.mark.parametrize("bundle", TASKS)
def test_the_books_settings_train(run_config: Run, phantom_data: Path, tmp_path: Path, bundle: str) -> None:
    settings = tiny(phantom_data, tmp_path / "run", bundle, max_epochs=1)
    workflow = run_config(bundle, "training", "train", "book", **settings)
    optimizer = workflow.parser.get_parsed_content("optimizer")
    rate = {"seg": 1e-3, "nodule": 1e-3, "malignancy": 3e-3}[bundle]
    assert type(optimizer).__name__ == ("Adam" if bundle == "seg" else "SGD")
    # After the steps of the epoch, and with the schedule attached.
    assert [group["lr"] for group in optimizer.param_groups] == [rate]


def test_the_nodule_net_starts_from_weights_that_are_named(
    run_config: Run, phantom_data: Path, tmp_path: Path
) -> None:
    start = NoduleCNN()
    save_weights(tmp_path / "start.pt", "nodule_cnn", start, stand_in=False, origin="a test")
    settings = tiny(phantom_data, tmp_path / "run", "nodule", max_epochs=1)
    run_config("nodule", "training", "train", finetune_from=str(tmp_path / "start.pt"), depth=1, **settings)
    ended = load_weights(tmp_path / "run" / "model.pt", task="classification").network.state_dict()
    same = {name for name, tensor in start.state_dict().items() if torch.equal(tensor, ended[name])}
    assert ended.keys() - same == {"head.weight", "head.bias"}


@pytest.mark.parametrize("bundle", TASKS)
@pytest.mark.parametrize(("config", "run_id"), [("train", "training"), ("evaluate", "evaluating")])
def test_without_a_data_set_it_is_said_how_to_make_one(
    run_config: Run, tmp_path: Path, bundle: str, config: str, run_id: str
) -> None:
    with pytest.raises((RuntimeError, SettingsError)) as caught:
        run_config(bundle, run_id, config, output_dir=str(tmp_path / "run"))
    error: BaseException | None = caught.value
    while error is not None and "dataset_dir is empty" not in str(error).splitlines()[0]:
        error = error.__cause__ or error.__context__
    assert "lungmonai phantom DIR --scans 20 --seed 1" in str(error)


def test_on_the_command_line_that_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "monai.bundle", "run", "training"]
    config = ["--config_file", "bundles/nodule/train.json", "--output_dir", str(tmp_path / "run")]
    done = subprocess.run([*command, *config], cwd=CHECKOUT, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("lungmonai: dataset_dir is empty; wanted a folder with a datalist. Make one with")
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that torchrun gives the only process of a run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for name, value in told.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.usefixtures("alone")
def test_the_config_for_several_processes_runs_in_one(
    run_config: Run, phantom_data: Path, tmp_path: Path
) -> None:
    settings = tiny(phantom_data, tmp_path / "run", "nodule", max_epochs=1)
    run_config("nodule", "training", "train", "multi_gpu_train", **settings)
    assert load_weights(tmp_path / "run" / "model.pt", task="classification")
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize(
    ("bundle", "tolerance", "further"), [("malignancy", 1e-4, {"depth": 2}), ("seg", 0.05, {})]
)
def test_two_processes_learn_as_one_with_the_doubled_batch(
    run_config: Run, phantom_data: Path, tmp_path: Path, bundle: str, tolerance: float, further: dict
) -> None:
    """To depth 2 the classifier's batch norm is frozen; the segmentation's see half a batch each on CPUs."""
    settings = tiny(phantom_data, tmp_path / "one", bundle, samples_per_epoch=48, warmup_steps=1, **further)
    settings["max_epochs"] = 1
    one = losses_config(tmp_path / "one.json")
    run_config(bundle, "training", "train", one, **{**settings, "batch_size": 8})

    two = losses_config(tmp_path / "two.json")
    del settings["device"]  # each process has its own
    settings["output_dir"] = str(tmp_path / "two")
    words = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
    files = [str(bundles_folder() / bundle / f"{name}.json") for name in ("train", "multi_gpu_train")]
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "monai.bundle"]
    command = [*start, "run", "training", "--config_file", str([*files, str(two)]), *words]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=on_the_cpu(), capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stdout + done.stderr

    curves = [np.loadtxt(config.with_suffix(".txt")) for config in (one, two)]
    assert [len(curve) for curve in curves] == [6, 6]
    assert np.ptp(curves[0]) > 0.1  # something is learnt
    assert np.abs(curves[1] / curves[0] - 1).max() < tolerance
    record = json.loads((tmp_path / "two" / "run.json").read_text())
    assert (record["state"], record["samples_seen"]) == ("finished", 48)


def losses_config(path: Path) -> Path:
    """A config to be read on top of a bundle's: losses go to a file beside it, and nothing is augmented."""
    handler = {"_target_": "bundles.losses_to_file.LossesToFile", "path": str(path.with_suffix(".txt"))}
    # Each process would draw an augmentation of its own.
    path.write_text(json.dumps({"+train#handlers": [handler], "train#prepare#augment": None}))
    return path


def on_the_cpu() -> dict[str, str]:
    own = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(CHECKOUT / "tests")}
    return {**os.environ, **own}
