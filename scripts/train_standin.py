"""Train the stand-in weights that come with lungmonai, on synthetic scans alone.

They let a fresh checkout show the whole way from scan to report. They have never seen a patient:
they find the round blobs of `standin/toy_scan.py` and must not be used to find real nodules.
The files say so: `stand_in` is true in each.

    python scripts/train_standin.py            # about 14 minutes on two cores
    python scripts/train_standin.py --steps 20 # to see that it runs
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.losses import DiceCELoss
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from standin.toy_scan import ToyScan, make_toy_scan
from torch import Tensor, nn

from lungmonai.analysis.group import group_voxels
from lungmonai.networks import CONTEXT_SLICES, CROP_SHAPE, build_network, save_weights

ROOT = Path(__file__).resolve().parents[1]
ORIGIN = (
    "Stand-in trained for minutes on synthetic scans by scripts/train_standin.py; "
    "it has seen no patient and does not detect real nodules."
)
SEG_CROP, SEG_BATCH, CNN_BATCH = 96, 6, 12
# Missed nodule voxels cost more than false ones: the classifier sorts those out.
MISS_WEIGHT = 5.0
MARKED_CASES = 5  # how many scans the segmentation is run on for its false marks
TRAIN_SEEDS, HELD_OUT_SEEDS = range(1000, 1040), range(2000, 2003)


@dataclass
class Case:
    """One toy scan with what sampling needs, all in voxels (slice, row, column).

    Args:
        hu: (slices, rows, columns) int16.
        step_mm: (3,) distance between neighbours.
        centers: (nodules, 3) float.
        radii_mm: (nodules,) float.
        edges: (points, 3) int, on vessels, walls and bones.
        false_marks: (points, 3) int, where the segmentation marks something else than a nodule.
    """

    hu: NDArray[np.int16]
    step_mm: NDArray[np.float64]
    centers: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    edges: NDArray[np.int64]
    false_marks: NDArray[np.int64]

    def depth_mm(self, vox: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far (..., 3) voxels lie inside the nearest nodule; negative outside."""
        far = np.linalg.norm((vox[..., None, :] - self.centers) * self.step_mm, axis=-1)
        return np.asarray((self.radii_mm - far).max(axis=-1))


def make_case(seed: int) -> Case:
    """A toy scan whose size and spacing vary with the seed."""
    rng = np.random.default_rng(seed)
    pixel_mm, slice_mm = float(rng.uniform(0.6, 1.5)), float(rng.uniform(1.25, 3.0))
    pixels, slices = int(min(512, 340 / pixel_mm)), int(min(110, 230 / slice_mm))
    toy = make_toy_scan(seed, shape=(slices, pixels, pixels), spacing_mm=(pixel_mm, pixel_mm, slice_mm))
    return as_case(toy, rng)


def as_case(toy: ToyScan, rng: Generator) -> Case:
    """Find the points that are worth training on."""
    hu = toy.scan.hu
    dense = (hu[::2, ::2, ::2] > -500).astype(np.float32)
    edges = np.argwhere((dense > 0) & (uniform_filter(dense, (5, 11, 11)) < 0.5)) * 2
    centers = toy.scan.vox_from_lps([center for center, _ in toy.truth])
    radii = np.array([diameter / 2 for _, diameter in toy.truth])
    step = np.array(toy.scan.spacing_mm[::-1])
    return Case(hu, step, centers, radii, rng.permutation(edges)[:20000], np.empty((0, 3), np.int64))


def crop_at(hu: NDArray[np.int16], center: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The window of that shape around a voxel, shifted inwards at the borders."""
    first = np.clip(center - np.array(shape) // 2, 0, np.array(hu.shape) - shape)
    return tuple(slice(int(a), int(a) + n) for a, n in zip(first, shape, strict=True))


def slice_windows(hu: NDArray[np.int16], slices: NDArray[np.int64]) -> NDArray[np.int16]:
    """(len(slices), 7, rows, columns): each slice with its neighbours, the ends repeated."""
    around = np.arange(-CONTEXT_SLICES, CONTEXT_SLICES + 1)
    return hu[np.clip(slices[:, None] + around, 0, len(hu) - 1)]


def as_input(hu: NDArray[np.int16]) -> Tensor:
    """What the networks take: float HU clamped to ±1000."""
    return torch.from_numpy(np.ascontiguousarray(hu)).float().clamp_(-1000, 1000)


def segmentation_sample(case: Case, rng: Generator) -> tuple[Tensor, Tensor]:
    """A (7, 96, 96) window and its (1, 96, 96) label: near a nodule, at an edge, or anywhere."""
    where = rng.random()
    if where < 0.5:
        nodule = rng.integers(len(case.centers))
        reach = case.radii_mm[nodule] / case.step_mm + [1, 0.4 * SEG_CROP, 0.4 * SEG_CROP]
        point = case.centers[nodule] + rng.uniform(-reach, reach)
    elif where < 0.8:
        point = case.edges[rng.integers(len(case.edges))] + rng.integers([0, -30, -30], [1, 31, 31])
    else:
        point = rng.uniform(0, case.hu.shape)
    center = np.clip(np.rint(point).astype(int), 0, np.array(case.hu.shape) - 1)
    box = crop_at(case.hu, center, (1, SEG_CROP, SEG_CROP))
    window = slice_windows(case.hu[:, box[1], box[2]], center[:1])[0]
    truth = case.depth_mm(np.moveaxis(np.mgrid[box].astype(float), 0, -1))[0] > 0
    image, target = as_input(window), torch.from_numpy(truth)[None].float()
    flips = [axis for axis in (-1, -2) if rng.random() < 0.5]
    if rng.random() < 0.5:
        image = image.flip(0)
    image = image + float(rng.normal(0, 15)) + float(rng.uniform(0, 15)) * torch.randn(image.shape)
    if rng.random() < 0.5:
        image, target = image.mT, target.mT
    return image.flip(flips).clamp(-1000, 1000), target.flip(flips)


def classifier_sample(case: Case, rng: Generator) -> tuple[Tensor, Tensor]:
    """A (1, 32, 48, 48) crop and its class: a nodule, or what the segmentation mistakes for one."""
    is_nodule = rng.random() < 0.5
    if is_nodule:
        point = case.centers[rng.integers(len(case.centers))] + rng.uniform(-3, 3, 3) * [0.5, 1, 1]
    else:
        marked = len(case.false_marks) > 0 and rng.random() < 0.6
        points = case.false_marks if marked else case.edges
        point = points[rng.integers(len(points))] + rng.integers(-1, 2, 3)
        if case.depth_mm(point.astype(float)) > -3:  # a nodule after all: take another
            return classifier_sample(case, rng)
    crop = as_input(case.hu[crop_at(case.hu, np.rint(point).astype(int), CROP_SHAPE)])[None]
    crop = crop + float(rng.normal(0, 15)) + float(rng.uniform(0, 15)) * torch.randn(crop.shape)
    return crop.flip([a for a in (1, 2, 3) if rng.random() < 0.5]).clamp(-1000, 1000), torch.tensor(is_nodule)


Sample = Callable[[Case, Generator], tuple[Tensor, Tensor]]


def batches(cases: list[Case], sample: Sample, size: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """`steps` batches of fresh samples, the same on every run."""
    rng = np.random.default_rng(0)
    for _ in range(steps):
        pairs = [sample(cases[rng.integers(len(cases))], rng) for _ in range(size)]
        yield torch.stack([image for image, _ in pairs]), torch.stack([target for _, target in pairs])


def fit(net: nn.Module, data: Iterator[tuple[Tensor, Tensor]], steps: int, loss: nn.Module) -> None:
    """Adam with the step size running down to zero."""
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    net.train()
    started, mean = time.monotonic(), 0.0
    for step, (images, targets) in enumerate(data, 1):
        answer = net(images)
        value = loss(answer, targets if targets.ndim > 1 else targets.long())
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        mean = 0.95 * mean + 0.05 * float(value.detach()) if step > 1 else float(value.detach())
        if step % 50 == 0:
            say(f"  step {step:4d}  loss {mean:.3f}  {time.monotonic() - started:.0f} s")
    net.eval()


@torch.inference_mode()
def marked_points(net: nn.Module, hu: NDArray[np.int16]) -> NDArray[np.int64]:
    """Centres of what the segmentation marks: probability over one half, eroded once, grouped."""
    marked = np.zeros(hu.shape, bool)
    for z in range(len(hu)):
        marked[z] = net(as_input(slice_windows(hu, np.array([z]))))[0, 0].numpy() > 0
    return np.rint(group_voxels(marked, hu).center_vox).astype(np.int64)


def split_marks(case: Case, points: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """How many nodules the points hit, and the points that hit none."""
    if len(points) == 0:
        return 0, points
    far = np.linalg.norm((points[:, None] - case.centers) * case.step_mm, axis=-1)
    hits = far < case.radii_mm
    return int(hits.any(axis=0).sum()), points[~hits.any(axis=1)]


@torch.inference_mode()
def kept_points(net: nn.Module, hu: NDArray[np.int16], points: NDArray[np.int64]) -> NDArray[np.int64]:
    """The points that the classifier calls nodules."""
    crops = (as_input(hu[crop_at(hu, point, CROP_SHAPE)])[None, None] for point in points)
    return points[[bool(net(crop).softmax(1)[0, 1] > 0.5) for crop in crops]] if len(points) else points


def measure(seg: nn.Module, cnn: nn.Module) -> None:
    """Print what the pair finds and wrongly reports on scans that neither was trained on."""
    nodules = marked = found = false_marks = false = 0
    for seed in HELD_OUT_SEEDS:
        case = make_case(seed)
        points = marked_points(seg, case.hu)
        hit, wrong = split_marks(case, points)
        kept_hit, kept_wrong = split_marks(case, kept_points(cnn, case.hu, points))
        nodules, marked, found = nodules + len(case.radii_mm), marked + hit, found + kept_hit
        false_marks, false = false_marks + len(wrong), false + len(kept_wrong)
    scans = len(HELD_OUT_SEEDS)
    say(f"held out: {scans} toy scans with {nodules} nodules")
    say(f"  the segmentation marks {marked} of them and {false_marks} other places")
    say(f"  the classifier keeps {found} of them and {false} other places (false positives)")


def write(bundle: Path, architecture: str, net: nn.Module) -> None:
    """Write a bundle's `models/model.pt`, marked as a stand-in."""
    path = bundle / "models" / "model.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, architecture, net, stand_in=True, origin=ORIGIN)
    say(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


def say(line: str) -> None:
    """One line of progress."""
    print(line, flush=True)  # noqa: T201


def main() -> None:
    """Train both, measure both, write both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="segmentation's; the other gets a fifth")
    parser.add_argument("--out", type=Path, default=ROOT / "bundles", help="folder of the bundles")
    parser.add_argument("--threads", type=int, default=2, help="for torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)

    say(f"making {len(TRAIN_SEEDS)} toy scans")
    cases = [make_case(seed) for seed in TRAIN_SEEDS]

    say("segmentation")
    seg = build_network("seg_basic_unet")
    seg_loss = DiceCELoss(sigmoid=True, batch=True, weight=torch.tensor([MISS_WEIGHT]))
    fit(seg, batches(cases, segmentation_sample, SEG_BATCH, options.steps), options.steps, seg_loss)
    write(options.out / "seg", "seg_basic_unet", seg)
    for case in cases[:MARKED_CASES]:
        hit, case.false_marks = split_marks(case, marked_points(seg, case.hu))
        say(f"  marks {hit} of {len(case.radii_mm)} nodules and {len(case.false_marks)} other places")

    say("nodule or not")
    cnn, cnn_steps = build_network("nodule_cnn"), max(options.steps // 5, 2)
    fit(cnn, batches(cases, classifier_sample, CNN_BATCH, cnn_steps), cnn_steps, nn.CrossEntropyLoss())

    write(options.out / "nodule", "nodule_cnn", cnn)
    measure(seg, cnn)


if __name__ == "__main__":
    main()
