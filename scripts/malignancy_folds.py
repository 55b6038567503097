"""Choose settings of the malignancy network by folds: every nodule is judged by a network that never saw
its patient.

    python scripts/malignancy_folds.py --data DIR --candidates mined.csv -o scores.csv
        [--crop-spacing-mm 1.25 0.7 0.7] [--one-look] [--depth 6] [--steps 300] [--scale 0.05] [--folds 3]

DIR is what `training_data.py` made; its training and validation lists are taken together, the test is not
touched. Writes a row for each nodule; `lungmonai evaluate scores scores.csv` compares them with the diameter.
The network that is tuned has seen the held-out nodules as nodules, never their malignancy.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from lungmonai.bundles import default_weights
from lungmonai.cli import run_or_exit
from lungmonai.errors import SettingsError
from lungmonai.files import written_whole
from lungmonai.metrics import roc_auc
from lungmonai.networks import MirroredCNN, NoduleCNN
from lungmonai.training.classification_samples import DrawnCrops, EveryCrop
from lungmonai.training.finetune import finetune, trained_parameters
from lungmonai.training.items import training_items
from lungmonai.training.loader import evaluation_loader
from lungmonai.training.places import Place, decided_places, malignancy_places
from lungmonai.training.prepare import PrepareBatch
from lungmonai.training.speed import made_quick
from lungmonai.transforms import AugmentSettings, BatchAugment

BATCH = 32
# As train.json says: half malignant, a quarter benign, a quarter none.
SHARES = {"malignant": 2, "benign": 1, "other": 1}
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-4
COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "label", "probability", "diameter_mm", "patient")


def patient_of(place: Place) -> str:
    """The patient that a nodule was taken from."""
    for nodule in place.item["nodules"]:
        if tuple(nodule["lps_mm"]) == tuple(place.lps_mm):
            return nodule.get("source_patient", place.item["patient"])
    return place.item["patient"]


def folds_of(patients: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each nodule; a patient's are in one."""
    names, which = np.unique(patients, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(names)) % folds
    return dealt[which]


def trained(places: Sequence[Place], options: argparse.Namespace, name: str) -> nn.Module:
    """A network tuned on some places."""
    torch.manual_seed(options.seed)
    kind = NoduleCNN if options.one_look else MirroredCNN
    network = made_quick(finetune(kind(), str(options.finetune_from), options.depth))
    crops = DrawnCrops(
        places,
        SHARES,
        BATCH * options.steps,
        seed=options.seed,
        jitter_vox=options.jitter_vox,
        spacing_mm=options.crop_spacing_mm,
    )
    settings = AugmentSettings(offset=options.offset, scale=options.scale)
    prepare = PrepareBatch(BatchAugment(settings, seed=options.seed), channels_last=True)
    optimizer = torch.optim.AdamW(
        trained_parameters(network), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=options.steps)
    network.train()
    for step in tqdm(range(options.steps), desc=name, disable=None):
        samples = [crops[0, step * BATCH + number] for number in range(BATCH)]
        batch = {
            "image": torch.stack([sample["image"] for sample in samples]),
            "label": torch.tensor([sample["label"] for sample in samples]),
        }
        image, label, *_ = prepare(batch, torch.device("cpu"), False)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bfloat16"):
            logits = network(image)
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits.float(), label).backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def answered(network: nn.Module, places: Sequence[Place], options: argparse.Namespace) -> list[float]:
    """Probability of malignant for each place."""
    prepare = PrepareBatch(channels_last=True)
    loader = evaluation_loader(EveryCrop(places, spacing_mm=options.crop_spacing_mm), BATCH)
    probs: list[float] = []
    with torch.inference_mode():
        for batch in loader:
            image, *_ = prepare(batch, torch.device("cpu"), False)
            probs += torch.softmax(network(image), 1)[:, 1].tolist()
    return probs


def run(options: argparse.Namespace) -> None:
    """Train and judge every fold, and write the table."""
    if min(options.folds - 1, options.steps) < 1 or not options.output.absolute().parent.is_dir():
        raise SettingsError(
            f"{options.folds} folds of {options.steps} steps, to {options.output}",
            wanted="at least 2 folds and 1 step, and a file in a folder that is there",
            do="Change them.",
        )
    splits = ("training", "validation")
    items = [item for split in splits for item in training_items(options.data, split)]
    mined = training_items(options.data, candidates=str(options.candidates or ""))
    nodules = decided_places(items)
    others = [place for place in malignancy_places(mined) if place.kind == "other"]
    patients = [patient_of(place) for place in nodules]
    fold = folds_of(patients, options.folds, options.seed)
    label = np.array([place.label for place in nodules])
    diameter = np.array([place.diameter_mm for place in nodules])
    prob = np.full(len(nodules), np.nan)
    for number in range(options.folds):
        held = np.flatnonzero(fold == number)
        rest = [nodules[place] for place in np.flatnonzero(fold != number)]
        network = trained(rest + others, options, f"fold {number + 1} of {options.folds}")
        prob[held] = answered(network, [nodules[place] for place in held], options)
        said = f"fold {number + 1}: {len(held)} nodules, AUC {roc_auc(label[held], prob[held]):.4f}"
        sys.stdout.write(f"{said}, diameter {roc_auc(label[held], diameter[held]):.4f}\n")
        sys.stdout.flush()
    sys.stdout.write(f"all: AUC {roc_auc(label, prob):.4f}, diameter {roc_auc(label, diameter):.4f}\n")
    write(options.output, nodules, prob, patients)


def write(path: Path, nodules: Sequence[Place], prob: NDArray[np.float64], patients: Sequence[str]) -> None:
    """The table for `lungmonai evaluate scores`."""
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for place, said, patient in zip(nodules, prob.tolist(), patients, strict=True):
            series, found = place.item["seriesuid"], f"{said:.6f}"
            rows.writerow([series, *place.lps_mm, place.label, found, place.diameter_mm, patient])


def main() -> None:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--candidates", type=Path, metavar="FILE", help="mined hard negatives")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.csv")
    parser.add_argument("--crop-spacing-mm", type=float, nargs=3, metavar="MM",
        help="of slices, rows, columns; without it the scan's own voxels")  # fmt: skip
    parser.add_argument("--one-look", action="store_true", help="not the mean of eight mirror images")
    parser.add_argument("--finetune-from", type=Path, default=default_weights("nodule"), metavar="FILE")
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--scale", type=float, default=0.05, help="of the augmentation")
    parser.add_argument("--offset", type=float, default=0.1, help="of the augmentation")
    parser.add_argument("--jitter-vox", type=float, default=2.0)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    options = parser.parse_args()
    run_or_exit(lambda: run(options))


if __name__ == "__main__":
    main()
