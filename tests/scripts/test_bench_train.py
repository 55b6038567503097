"""The training benchmark compares like with like; the re-stated reference trains as its book says."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from monai.losses import DiceLoss

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from benchmarks import _train_ways as ways  # noqa: E402
from benchmarks import train as benchmark  # noqa: E402
from reference import train as reference  # noqa: E402

from lungmonai.losses import RecallDiceLoss  # noqa: E402


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Torch's threads as they were: the benchmark sets them for its process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_reference_loss_is_dice_and_eight_times_dice_inside_the_mask() -> None:
    logits = torch.randn((3, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    masks = (logits.roll(1, -1) > 0).long()
    # MONAI's Dice with ε above and below, sample by sample.
    dice = DiceLoss(smooth_nr=1, smooth_dr=1)
    probability, label = logits.sigmoid(), masks.float()
    wanted = dice(probability, label) + 8 * dice(probability * label, label)
    assert float(reference.segmentation_loss(logits, masks)) == pytest.approx(float(wanted), rel=1e-5)
    assert float(RecallDiceLoss()(logits, label)) == pytest.approx(float(wanted), rel=1e-5)


def test_the_reference_moves_windows_and_masks_by_one_matrix() -> None:
    window = torch.zeros(1, 1, 64, 64)
    window[..., 20:44, 20:30] = 1000
    windows = window.expand(4, 7, -1, -1).contiguous()
    moved, masks = reference.augment_windows(windows, (windows[:, :1] > 500).long())
    assert masks.dtype == torch.bool
    assert torch.equal(masks[0], masks[3])
    assert masks.any()
    # Where the mask ends lies the image's half height; of noise of 25 HU none reaches 200 HU. The moves are
    # drawn anew in every run, so that nothing here may depend on where an edge falls.
    certain = (moved[:, :1] - 500).abs() > 200
    assert torch.equal((moved[:, :1] > 500)[certain], masks[certain])
    assert float(certain.float().mean()) > 0.9


@pytest.mark.parametrize("name", ["seg", "nodule"])
def test_both_ways_start_with_the_same_loss(phantom_data, tmp_path, name) -> None:
    task = ways.Task(ways.TASKS[name].kind, ways.TASKS[name].network, batch_size=2)
    ways.write_samples(task, phantom_data, tmp_path, 4)
    shared = {"task": task, "data": str(phantom_data), "folder": str(tmp_path), "threads": 1, "steps": 1}
    losses = []
    for ours in (False, True):
        ways.begin_way(ways.Way("", ours=ours, **shared))
        losses.append(ways.first_losses(2))
    assert losses[0] == pytest.approx(losses[1], abs=0.01)
    assert losses[0][0] != losses[0][1]
    seconds = ways.measure()
    assert 0 < seconds["batch_s"] < seconds["step_s"]


def test_the_whole_benchmark(phantom_data, tmp_path, capsys) -> None:
    report = tmp_path / "report.json"
    argv = ["--data", str(phantom_data), "--tasks", "seg", "--precisions", "float32", "--threads", "1"]
    argv += ["--samples", "48", "--steps", "1", "--repeats", "1", "--json", str(report)]
    assert benchmark.main(argv) == 0
    assert "ReferenceUNet, float32" in capsys.readouterr().out
    found = json.loads(report.read_text())["tasks"]["seg"]
    assert set(found) == {"reference", "float32"}
    assert all(turn["step_s"] > 0 for way in found.values() for turn in way["turns"])


def test_first_losses_that_differ_are_a_failure() -> None:
    found = {"reference": {"losses": [1.0, 1.0]}, "float32": {"losses": [1.02, 1.0]}}
    assert not benchmark._agree(found)
    found["float32"]["losses"] = [1.005, 2.0]
    assert benchmark._agree(found)
