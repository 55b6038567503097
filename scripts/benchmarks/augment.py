"""Augmentation: whole batches at once, against sample by sample, the reference's way and MONAI's.

The same crops go through all three in turn, in one process. First, crops are moved by the same
matrices in the reference's way and in ours, and must agree. MONAI draws in its own way, so that its
answers are not compared; its transforms are given the same ranges.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._common import begin, machine_line, say, table, versions_line

__all__ = ["main"]

# What the networks take: (samples, channels, …), Deep Learning with PyTorch, part 2.
SHAPES = {"3D 32×48×48": (32, 1, 32, 48, 48), "2D 7×64×64 and mask": (64, 7, 64, 64)}
OFFSETS = {3: 0.1, 2: 0.03}
SCALE = 0.2
AGREED_HU = 0.01
Ways = dict[str, Callable[[], Any]]


def main(argv: list[str]) -> int:
    """Run the benchmark; 1 if the answers differ."""
    options = _parser().parse_args(argv)
    settings = begin("augment", argv, options.threads, keep_memory=options.keep_memory)
    say(f"settings: {settings}, median of {options.repeats} interleaved batches")
    found = []
    for name, shape in SHAPES.items():
        say(f"largest difference from the reference's way, {name}: {(worst := _difference(shape)):.4f} HU")
        if not worst < AGREED_HU:
            return 1
        for noise_hu in (25.0, 0.0):
            found.append({"crop": name, "noise_hu": noise_hu, **_measured(shape, noise_hu, options.repeats)})
    say(
        table(
            [["ms a crop", "noise", "reference", "MONAI", "ours", "to ref.", "to MONAI"], *map(_row, found)]
        )
    )
    if options.json:
        raw = {"machine": machine_line(), "versions": versions_line(), "argv": argv, "runs": found}
        options.json.write_text(json.dumps(raw, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench augment", description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--keep-memory", action="store_true", help="as the analysis does; see its memory.py")
    parser.add_argument("--json", type=Path)
    return parser


def _crops(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """A batch of HU and its masks, alike in every run."""
    import torch

    generator = torch.Generator().manual_seed(0)
    images = torch.randint(-1000, 400, shape, generator=generator).float()
    return images, images[:, :1] > 0


def _difference(shape: tuple[int, ...]) -> float:
    """Largest difference in HU between the reference's way and ours for the same matrices."""
    import torch
    from reference import augment as reference

    from lungmonai.transforms import BatchAugment, Drawn

    axes, samples = len(shape) - 2, shape[0]
    torch.manual_seed(1)
    chosen = [torch.where(torch.rand(samples, axes) < 0.5, -1.0, 1.0), 1 + SCALE * _spread(samples, axes)]
    drawn = Drawn(*chosen, OFFSETS[axes] * _spread(samples, axes), torch.rand(samples) * 2 * math.pi)
    images, _ = _crops(shape)
    theirs = [reference.move(crop, _matrix(drawn, i)) for i, crop in enumerate(images)]
    return float((torch.stack(theirs) - BatchAugment(seed=0).apply(drawn, images)).abs().max())


def _spread(*shape: int) -> Any:
    import torch

    return 2 * torch.rand(*shape) - 1


def _matrix(drawn: Any, sample: int) -> Any:
    """A sample's matrix as the reference writes it."""
    import torch

    axes = drawn.flips.shape[1]
    matrix, turn = torch.eye(axes + 1), torch.eye(axes + 1)
    matrix[range(axes), range(axes)] = drawn.flips[sample] * drawn.scales[sample]
    matrix[:axes, axes] = drawn.offsets[sample]
    sine, cosine = drawn.angles[sample].sin(), drawn.angles[sample].cos()
    turn[0, 0], turn[0, 1], turn[1, 0], turn[1, 1] = cosine, -sine, sine, cosine
    return matrix @ turn


def _measured(shape: tuple[int, ...], noise_hu: float, repeats: int) -> dict[str, float]:
    """Median milliseconds a crop of each way; the ways take turns."""
    ways = _ways(shape, noise_hu)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, work in ways.items():
            began = time.perf_counter()
            work()
            if turn:  # the first is to warm up
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) / shape[0] * 1e3 for name, values in seconds.items()}


def _ways(shape: tuple[int, ...], noise_hu: float) -> Ways:
    import torch
    from reference import augment as reference

    from lungmonai.transforms import AugmentSettings, BatchAugment

    images, masks = _crops(shape)
    volumes = len(shape) == 5
    ours = BatchAugment(
        AugmentSettings(offset=OFFSETS[len(shape) - 2], scale=SCALE, noise_hu=noise_hu), seed=1
    )
    monai = _monai(len(shape) - 2, shape[-1], noise_hu, with_mask=not volumes)
    if volumes:
        return {
            "reference": lambda: torch.stack(
                [reference.augment_classification(crop, noise_hu=noise_hu) for crop in images]
            ),
            "monai": lambda: torch.stack([monai({"image": crop})["image"] for crop in images]),
            "ours": lambda: ours(images),
        }
    pairs = list(zip(images, masks, strict=True))
    return {
        "reference": lambda: _batched(
            [reference.augment_segmentation(*pair, noise_hu=noise_hu) for pair in pairs]
        ),
        "monai": lambda: _batched(
            [tuple(monai({"image": crop, "label": mask}).values()) for crop, mask in pairs]
        ),
        "ours": lambda: ours(images, masks),
    }


def _batched(samples: list[tuple[Any, ...]]) -> list[Any]:
    import torch

    return [torch.stack(values) for values in zip(*samples, strict=True)]


def _monai(axes: int, width: int, noise_hu: float, *, with_mask: bool) -> Any:
    """MONAI's transforms for one sample, with the same ranges; no metadata, which would cost more."""
    import numpy as np
    from monai.transforms import Compose, RandAffined, RandFlipd, RandGaussianNoised

    keys = ["image", "label"] if with_mask else ["image"]
    shift = OFFSETS[axes] * width / 2
    # The slice plane is the last two axes: in 3D a turn about the first.
    turn = [(-np.pi, np.pi)] if axes == 2 else [(-np.pi, np.pi), 0, 0]
    affine = RandAffined(
        keys,
        prob=1,
        rotate_range=turn,
        translate_range=[shift] * axes,
        scale_range=[SCALE] * axes,
        mode=["bilinear"] * len(keys),
        padding_mode="border",
    )
    flips = [RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in range(axes)]
    noise = [RandGaussianNoised("image", prob=1, std=noise_hu)] if noise_hu else []
    return Compose([*flips, affine, *noise])


def _row(item: dict[str, Any]) -> list[str]:
    times = [f"{item[name]:.3f}" for name in ("reference", "monai", "ours")]
    ratios = [f"{item[name] / item['ours']:.1f}×" for name in ("reference", "monai")]
    return [item["crop"], "25 HU" if item["noise_hu"] else "none", *times, *ratios]
