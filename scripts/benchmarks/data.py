"""Training samples a second: mapped volumes against the reference's disk cache, and MONAI's.

Each way makes the same batches on the CPU, in turn, in one process: from the files, all in the page
cache, to float32 tensors. First the ways' crops are compared, with the random part off: they must be
equal. The scan is a real CT or a phantom, written as LUNA16 writes it; its mask is compressed, so
that ours reads it from the cache.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._common import begin, machine_line, say, shared_data, table, versions_line

__all__ = ["main"]

SCAN = "c3n-00247"
# Of the reference project's training.
SEGMENTATION_BATCH, CLASSIFICATION_BATCH = 16, 32
OFFSET, SCALE, NOISE_HU = 0.1, 0.2, 25.0
NODULE_RADIUS_VOX = 6
Ways = dict[str, Callable[[list[int]], Any]]


@dataclass(frozen=True, eq=False)
class Files:
    """What the ways read.

    Args:
        folder: for all of it.
        scan: `.mhd` beside an uncompressed `.raw`.
        mask: a compressed MetaImage.
        hu: (slices, rows, columns) of the scan, clipped as the reference does, to fill the other caches.
        marked: its mask.
        centers_vox: (N, 3) int, where samples lie.
    """

    folder: Path
    scan: Path
    mask: Path
    hu: NDArray[np.int16]
    marked: NDArray[np.bool_]
    centers_vox: NDArray[np.int64]


def main(argv: list[str]) -> int:
    """Run the benchmark; 1 if the crops differ."""
    options = _parser().parse_args(argv)
    settings = begin("data", argv, options.threads, keep_memory=options.keep_memory)
    say(f"settings: one process, {settings}, median of {options.repeats} turns")
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), options.scan, options.samples)
        say(f"scan:     {'×'.join(map(str, files.hu.shape[::-1]))}, {options.samples} samples")
        tasks = {
            "segmentation 7×64×64 + mask": (_segmentation(files), SEGMENTATION_BATCH),
            "classification 32×48×48, augmented": (_classification(files), CLASSIFICATION_BATCH),
        }
        if not _agree(files):
            say("the crops differ")
            return 1
        say("crops:    equal, to the last bit")
        _say_sizes(files)
        found = [{"task": name, **_measured(ways, batch, options)} for name, (ways, batch) in tasks.items()]
    head = ["samples a second", "reference", "MONAI", "ours", "to ref.", "to MONAI"]
    say(table([head, *map(_row, found)]))
    if options.json:
        raw = {"machine": machine_line(), "versions": versions_line(), "argv": argv, "runs": found}
        options.json.write_text(json.dumps(raw, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    real = shared_data() / "ct" / SCAN
    parser = argparse.ArgumentParser(prog="scripts/bench data", description=__doc__)
    parser.add_argument("--scan", type=Path, default=real if real.is_dir() else None,
        help="any CT (default: the real one beside the checkout, else a phantom)")  # fmt: skip
    parser.add_argument("--samples", type=int, default=256, help="different samples in the caches")
    parser.add_argument("--threads", type=int, default=1, help="a data loader's worker has one")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--batches", type=int, default=4, help="batches of each way in a turn")
    parser.add_argument("--keep-memory", action="store_true", help="as the analysis does; see its memory.py")
    parser.add_argument("--json", type=Path)
    return parser


def _files(folder: Path, scan: Path | None, samples: int) -> Files:
    """Scan, mask and places of the samples."""
    import SimpleITK as sitk  # noqa: N813

    from lungmonai.data import make_phantom
    from lungmonai.io import read_ct
    from lungmonai.networks.shapes import HU_LIMIT

    ct = read_ct(scan) if scan else make_phantom(seed=0).scan
    rng = np.random.default_rng(0)
    margin = np.array([4, 8, 8])
    centers = rng.integers(margin, np.array(ct.shape) - margin, (samples, 3))
    marked = np.zeros(ct.shape, dtype=bool)
    reach = NODULE_RADIUS_VOX
    for z, y, x in centers:
        marked[max(z - 1, 0) : z + 2, max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach] = True
    image = sitk.GetImageFromArray(np.asarray(ct.hu))
    image.SetSpacing(ct.spacing_mm)
    sitk.WriteImage(image, str(folder / "scan.mhd"))
    sitk.WriteImage(sitk.GetImageFromArray(marked.astype(np.uint8)), str(folder / "mask.mha"), True)
    clipped = ct.hu.clip(-HU_LIMIT, HU_LIMIT)
    return Files(folder, folder / "scan.mhd", folder / "mask.mha", clipped, marked, centers)


def _segmentation(files: Files) -> Ways:
    """The reference's cache and MONAI's are filled here; a batch is a list of sample numbers."""
    import torch
    from reference import data as reference

    kept = _kept(files, "segmentation")
    for path, chunk, mask in zip(kept, *map(list, _chunks(files)), strict=True):
        reference.keep(path, chunk.astype(np.float32), mask)
    monai = _monai_segmentation(files)

    def theirs(batch: list[int]) -> Any:
        samples = [reference.read_segmentation(kept[index], *_window()) for index in batch]
        return [torch.stack(parts) for parts in zip(*samples, strict=True)]

    return {
        "reference": theirs,
        "monai": lambda batch: [
            torch.stack(parts)
            for parts in zip(
                *((monai[index]["image"], monai[index]["label"]) for index in batch), strict=True
            )
        ],
        "ours": lambda batch: _our_segmentation(files, batch, [_window() for _ in batch]),
    }


def _classification(files: Files) -> Ways:
    import torch
    from reference import augment
    from reference import data as reference

    from lungmonai.transforms import AugmentSettings, BatchAugment

    kept = _kept(files, "classification")
    for path, crop in zip(kept, _crops(files), strict=True):
        reference.keep(path, crop.astype(np.float32))
    ours = BatchAugment(AugmentSettings(offset=OFFSET, scale=SCALE, noise_hu=NOISE_HU), seed=1)
    monai = _monai_classification(files)
    return {
        "reference": lambda batch: torch.stack(
            [
                augment.augment_classification(reference.read_classification(kept[index]), noise_hu=NOISE_HU)
                for index in batch
            ]
        ),
        "monai": lambda batch: torch.stack([monai[index]["image"] for index in batch]),
        "ours": lambda batch: ours(_our_crops(files, batch)),
    }


def _our_segmentation(files: Files, batch: list[int], windows: list[tuple[int, int]]) -> Any:
    """(B, 7, 64, 64) float32 HU and (B, 1, 64, 64) int64 from the mapped volumes."""
    import torch
    from reference.data import CHUNK_SHAPE, MIDDLE, WINDOW

    from lungmonai.data.mapped import open_volume

    images, masks = [], []
    for index, window in zip(batch, windows, strict=True):
        ct, mask = open_volume(files.scan), open_volume(files.mask, files.folder / "cache", kind="label")
        center = files.centers_vox[index].tolist()
        first, *corner = (
            min(max(round(at - width / 2), 0), size - width)
            for at, width, size in zip(center, CHUNK_SHAPE, ct.shape, strict=True)
        )
        starts = [start + moved for start, moved in zip(corner, window, strict=True)]
        rows, columns = (slice(start, start + WINDOW) for start in starts)
        images.append(ct.context(first + MIDDLE, rows, columns))
        masks.append(mask.context(first + MIDDLE, rows, columns, neighbours=0))
    return _clipped(images), torch.from_numpy(np.stack(masks).astype(np.int64))


def _our_crops(files: Files, batch: list[int]) -> Any:
    """(B, 1, 32, 48, 48) float32 HU from the mapped volume."""
    from reference.data import CROP_SHAPE

    from lungmonai.data.mapped import open_volume

    crops = [
        open_volume(files.scan).crop(files.centers_vox[index].tolist(), CROP_SHAPE)[0] for index in batch
    ]
    return _clipped(crops).unsqueeze(1)


def _clipped(crops: list[NDArray[np.int16]]) -> Any:
    """One float32 tensor of crops, clipped as the reference does."""
    import torch

    from lungmonai.networks.shapes import HU_LIMIT

    # NumPy, since torch would wake its threads for each of these short steps.
    batch = np.stack(crops).astype(np.float32)
    return torch.from_numpy(np.clip(batch, -HU_LIMIT, HU_LIMIT, out=batch))


def _monai_segmentation(files: Files) -> Any:
    from monai.data import PersistentDataset
    from monai.transforms import RandSpatialCropd
    from reference.data import MIDDLE, WINDOW

    chunks = [
        {"image": chunk.astype(np.float32), "label": mask[MIDDLE : MIDDLE + 1].astype(np.int64)}
        for chunk, mask in zip(*_chunks(files), strict=True)
    ]
    random_part = RandSpatialCropd(["image", "label"], roi_size=(WINDOW, WINDOW), random_size=False)
    return _persistent(PersistentDataset, chunks, [random_part], files.folder / "monai_segmentation")


def _monai_classification(files: Files) -> Any:
    """MONAI's transforms with the same ranges; no metadata, which would cost more."""
    from monai.data import PersistentDataset
    from monai.transforms import RandAffined, RandFlipd, RandGaussianNoised
    from reference.data import CROP_SHAPE

    crops = [{"image": crop.astype(np.float32)[None]} for crop in _crops(files)]
    random_part = [
        *(RandFlipd("image", prob=0.5, spatial_axis=axis) for axis in range(3)),
        RandAffined(
            "image",
            prob=1,
            rotate_range=[(-np.pi, np.pi), 0, 0],
            translate_range=[OFFSET * width / 2 for width in CROP_SHAPE],
            scale_range=[SCALE] * 3,
            padding_mode="border",
        ),
        RandGaussianNoised("image", prob=1, std=NOISE_HU),
    ]
    return _persistent(PersistentDataset, crops, random_part, files.folder / "monai_classification")


def _persistent(kind: Any, samples: list[Any], random_part: list[Any], folder: Path) -> Any:
    """MONAI's disk cache, filled."""
    from monai.transforms import Compose, Lambda

    made = kind(list(range(len(samples))), Compose([Lambda(samples.__getitem__), *random_part]), folder)
    for index in range(len(samples)):
        made[index]
    return made


def _chunks(files: Files) -> tuple[Iterator[NDArray[Any]], Iterator[NDArray[Any]]]:
    from reference.data import CHUNK_SHAPE, cut

    return (
        (cut(files.hu, center, CHUNK_SHAPE) for center in files.centers_vox),
        (cut(files.marked, center, CHUNK_SHAPE) for center in files.centers_vox),
    )


def _crops(files: Files) -> Iterator[NDArray[Any]]:
    from reference.data import CROP_SHAPE, cut

    return (cut(files.hu, center, CROP_SHAPE) for center in files.centers_vox)


def _kept(files: Files, name: str) -> list[Path]:
    folder = files.folder / name
    folder.mkdir(exist_ok=True)
    return [folder / f"{index}.pkl.gz" for index in range(len(files.centers_vox))]


def _window() -> tuple[int, int]:
    """Where the random crop lies in its chunk."""
    return random.randrange(32), random.randrange(32)


def _agree(files: Files) -> bool:
    """Whether both ways read the same crops."""
    import torch
    from reference import data as reference

    every = list(range(len(files.centers_vox)))
    windows = [_window() for _ in every]
    kept = _kept(files, "segmentation")
    ours = _our_segmentation(files, every, windows)
    theirs = [reference.read_segmentation(kept[index], *windows[index]) for index in every]
    stacked = [torch.stack(parts) for parts in zip(*theirs, strict=True)]
    same = [torch.equal(*pair) for pair in zip(stacked, ours, strict=True)]
    kept = _kept(files, "classification")
    crops = torch.stack([reference.read_classification(kept[index]) for index in every])
    return all(same) and torch.equal(crops, _our_crops(files, every))


def _say_sizes(files: Files) -> None:
    """Bytes on disk that each way needs."""
    from lungmonai.data.cache.upkeep import used_bytes

    kept = sum(
        path.stat().st_size for name in ("segmentation", "classification") for path in _kept(files, name)
    )
    entry = used_bytes(files.folder / "cache" / "data")
    samples = len(files.centers_vox)
    say(f"on disk:  reference {kept / samples / 1e3:.0f} kB a sample (both kinds); "
        f"ours {entry / 1e6:.0f} MB for the mask, nothing for the scan")  # fmt: skip


def _measured(ways: Ways, batch_size: int, options: argparse.Namespace) -> dict[str, float]:
    """Median samples a second of each way; the ways take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    chosen = random.Random(0)
    for turn in range(options.repeats + 1):
        batches = [chosen.choices(range(options.samples), k=batch_size) for _ in range(options.batches)]
        for name, work in ways.items():
            began = time.perf_counter()
            for batch in batches:
                work(batch)
            if turn:  # the first is to warm up
                seconds[name].append(time.perf_counter() - began)
    count = batch_size * options.batches
    return {name: count / statistics.median(values) for name, values in seconds.items()}


def _row(item: dict[str, Any]) -> list[str]:
    speeds = [f"{item[name]:,.0f}" for name in ("reference", "monai", "ours")]
    return [item["task"], *speeds, *(f"{item['ours'] / item[name]:.1f}×" for name in ("reference", "monai"))]
