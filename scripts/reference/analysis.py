"""What the reference project does with one scan: segment, erode, label, classify.

A minimal re-statement of the end-to-end nodule analysis of *Deep Learning with PyTorch*, part 2,
written from its published description, in plain PyTorch and SciPy. It exists to be measured and
compared against, and makes the same choices where they cost time or memory:

- the whole scan as float32, clipped to [−1000, 1000] HU;
- seven neighbouring slices copied into each network input, batches of 4 slices, all 512×512;
- `scipy.ndimage` for erosion, labels and centres of mass over the whole volume;
- every candidate through millimetres and back to a voxel, its crop cut and classified in fours.

Everything runs in this process. The published code cuts crops in data-loader workers; on a few
cores they do not make it faster, and each of them loads the scan again, so leaving them out favours
the reference in memory. Its disk cache of crops is left out as well: a first run only fills it.
Each stage is a function, so that it can be timed and checked alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own documentation uses
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

__all__ = [
    "NoduleNet",
    "ReferenceResult",
    "Scan",
    "SegmentationNet",
    "analyze",
    "classify",
    "crop",
    "erode",
    "group",
    "load",
    "load_weights",
    "segment",
    "tile_slices",
]

HU_LIMITS = (-1000.0, 1000.0)
# Centre of mass wants positive weights: clipped HU plus this.
HU_TO_MASS = 1001
CONTEXT_SLICES = 3
CROP_WIDTHS_VOX = (32, 48, 48)
BATCH_SIZE = 4
THRESHOLD_PROB = 0.5


class ConvBlock(nn.Module):
    """Convolution, ReLU and batch norm, twice."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            nn.ReLU(),
            nn.BatchNorm2d(channels_out),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.ReLU(),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.block(features)


class UpBlock(nn.Module):
    """Doubles the plane, puts the skip connection after it, then a `ConvBlock`."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2)
        self.conv_block = ConvBlock(channels_in, channels_out)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        return self.conv_block(torch.cat([self.up(features), skip], dim=1))


class UNet(nn.Module):
    """Three levels of 16, 32 and 64 filters, average pooling between them."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.down_path = nn.ModuleList([ConvBlock(channels_in, 16), ConvBlock(16, 32), ConvBlock(32, 64)])
        self.up_path = nn.ModuleList([UpBlock(64, 32), UpBlock(32, 16)])
        self.last = nn.Conv2d(16, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        top = self.down_path[0](features)
        middle = self.down_path[1](nn.functional.avg_pool2d(top, 2))
        bottom = self.down_path[2](nn.functional.avg_pool2d(middle, 2))
        return self.last(self.up_path[1](self.up_path[0](bottom, middle), top))


class SegmentationNet(nn.Module):
    """(B, 7, rows, columns) float32 clipped HU → (B, 1, rows, columns) probability of nodule."""

    def __init__(self) -> None:
        super().__init__()
        channels = 2 * CONTEXT_SLICES + 1
        self.input_batchnorm = nn.BatchNorm2d(channels)
        self.unet = UNet(channels)

    def forward(self, windows_hu: Tensor) -> Tensor:
        return torch.sigmoid(self.unet(self.input_batchnorm(windows_hu)))


class PoolBlock(nn.Module):
    """Two 3×3×3 convolutions with ReLU, then a max pool by 2."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels_in, channels_out, 3, padding=1)
        self.conv2 = nn.Conv3d(channels_out, channels_out, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        features = torch.relu(self.conv2(torch.relu(self.conv1(features))))
        return nn.functional.max_pool3d(features, 2)


class NoduleNet(nn.Module):
    """(B, 1, 32, 48, 48) float32 clipped HU → (B, 2) scores of non-nodule and nodule."""

    def __init__(self) -> None:
        super().__init__()
        self.tail_batchnorm = nn.BatchNorm3d(1)
        self.block1 = PoolBlock(1, 8)
        self.block2 = PoolBlock(8, 16)
        self.block3 = PoolBlock(16, 32)
        self.block4 = PoolBlock(32, 64)
        self.head_linear = nn.Linear(1152, 2)

    def forward(self, crops_hu: Tensor) -> Tensor:
        features = self.tail_batchnorm(crops_hu)
        for block in (self.block1, self.block2, self.block3, self.block4):
            features = block(features)
        return self.head_linear(features.flatten(1))


@dataclass(frozen=True)
class Scan:
    """A scan as the reference holds it.

    Args:
        hu: (slices, rows, columns) float32, clipped.
        origin_mm: (3,) float, LPS position of voxel 0.
        spacing_mm: (3,) float, along column, row, slice.
        direction: (3, 3) float.
    """

    hu: NDArray[np.float32]
    origin_mm: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    direction: NDArray[np.float64]

    def lps_from_vox(self, vox: NDArray[np.float64]) -> NDArray[np.float64]:
        """(3,) float (slice, row, column) → (3,) float LPS mm."""
        return self.direction @ (vox[::-1] * self.spacing_mm) + self.origin_mm

    def vox_from_lps(self, lps_mm: NDArray[np.float64]) -> NDArray[np.int64]:
        """(3,) float LPS mm → (3,) int, the nearest voxel (slice, row, column)."""
        columns_first = np.linalg.inv(self.direction) @ (lps_mm - self.origin_mm) / self.spacing_mm
        return np.round(columns_first[::-1]).astype(np.int64)


@dataclass(frozen=True)
class ReferenceResult:
    """What the analysis found, and how long each stage took.

    Args:
        shape: (slices, rows, columns) of the scan.
        voxels_over_half: voxels with a probability over one half.
        voxels_after_erosion: those that are left after erosion.
        com_vox: (N, 3) float, centres of mass (slice, row, column).
        centers_vox: (N, 3) int, the voxels that crops are centred on.
        centers_lps_mm: (N, 3) float, centres of mass in LPS mm.
        probability: (N,) float32, of being a nodule.
        timings_s: seconds by stage.
    """

    shape: tuple[int, ...]
    voxels_over_half: int
    voxels_after_erosion: int
    com_vox: NDArray[np.float64]
    centers_vox: NDArray[np.int64]
    centers_lps_mm: NDArray[np.float64]
    probability: NDArray[np.float32]
    timings_s: dict[str, float]


def load(path: Path) -> Scan:
    """Read a `.mhd` (or any file that SimpleITK knows), or the one DICOM series of a folder."""
    if path.is_dir():
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
        image = reader.Execute()
    else:
        image = sitk.ReadImage(str(path))
    hu = np.array(sitk.GetArrayFromImage(image), dtype=np.float32)
    hu.clip(*HU_LIMITS, out=hu)
    return Scan(
        hu=hu,
        origin_mm=np.array(image.GetOrigin()),
        spacing_mm=np.array(image.GetSpacing()),
        direction=np.array(image.GetDirection()).reshape(3, 3),
    )


def tile_slices(scan: Scan, slices: int) -> Scan:
    """The same scan repeated along z until it has `slices` slices."""
    hu = scan.hu[np.arange(slices) % len(scan.hu)]
    return Scan(hu, scan.origin_mm, scan.spacing_mm, scan.direction)


def load_weights(net: nn.Module, path: Path) -> nn.Module:
    """Fill a network from a published checkpoint and set it to evaluation."""
    net.load_state_dict(torch.load(path, weights_only=True, map_location="cpu")["model_state"])
    return net.eval()


def window(scan: Scan, index: int) -> Tensor:
    """(7, rows, columns) float32, a copy of a slice and its neighbours, ends repeated."""
    neighbours = range(index - CONTEXT_SLICES, index + CONTEXT_SLICES + 1)
    last = len(scan.hu) - 1
    planes = [torch.from_numpy(scan.hu[min(max(neighbour, 0), last)]) for neighbour in neighbours]
    return torch.stack(planes)


def segment(scan: Scan, net: nn.Module, device: str = "cpu") -> NDArray[np.float32]:
    """(slices, rows, columns) float32, probability of nodule by slice."""
    probability = np.zeros_like(scan.hu, dtype=np.float32)
    with torch.no_grad():
        for rows in _batches(len(scan.hu)):
            windows_hu = torch.stack([window(scan, index) for index in rows])
            found = net(windows_hu.to(device))
            for index, plane in zip(rows, found, strict=True):
                probability[index] = plane[0].cpu().numpy()
    return probability


def erode(probability: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Voxels over one half that keep all their six neighbours."""
    return ndimage.binary_erosion(probability > THRESHOLD_PROB, iterations=1)


def group(scan: Scan, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, 3) float, density-weighted centres of the 6-connected components, as voxels."""
    labels, count = ndimage.label(mask)
    mass = scan.hu.clip(*HU_LIMITS) + HU_TO_MASS
    centers = ndimage.center_of_mass(mass, labels=labels, index=np.arange(1, count + 1))
    return np.array(centers, dtype=np.float64).reshape(-1, 3)


def crop(scan: Scan, center_vox: NDArray[np.int64]) -> NDArray[np.float32]:
    """(32, 48, 48) float32 around a voxel, shifted inward at the border."""
    where = []
    for center, width, size in zip(center_vox, CROP_WIDTHS_VOX, scan.hu.shape, strict=True):
        start = min(max(round(center - width / 2), 0), size - width)
        where.append(slice(start, start + width))
    return scan.hu[tuple(where)].copy()


def classify(
    scan: Scan, centers_vox: NDArray[np.int64], net: nn.Module, device: str = "cpu"
) -> NDArray[np.float32]:
    """(N,) float32, probability of nodule of the crop around each voxel."""
    probability = np.zeros(len(centers_vox), dtype=np.float32)
    with torch.no_grad():
        for rows in _batches(len(centers_vox)):
            crops_hu = torch.stack([torch.from_numpy(crop(scan, centers_vox[row]))[None] for row in rows])
            scores = net(crops_hu.to(device))
            probability[rows.start : rows.stop] = torch.softmax(scores, dim=1)[:, 1].cpu().numpy()
    return probability


def analyze(
    path: Path, segmentation: nn.Module, nodule: nn.Module, *, device: str = "cpu", slices: int = 0
) -> ReferenceResult:
    """The whole analysis of one scan.

    Args:
        path: DICOM folder or image file.
        segmentation: a `SegmentationNet` with weights.
        nodule: a `NoduleNet` with weights.
        device: where the networks run.
        slices: repeat the scan along z to this many slices; 0 leaves it as it is.
    """
    timings_s: dict[str, float] = {}
    segmentation.to(device)
    nodule.to(device)
    with _timed(timings_s, "load"):
        scan = load(path)
    if slices:
        scan = tile_slices(scan, slices)
    with _timed(timings_s, "segment"):
        probability = segment(scan, segmentation, device)
    with _timed(timings_s, "erode"):
        mask = erode(probability)
    with _timed(timings_s, "group"):
        com_vox = group(scan, mask)
    with _timed(timings_s, "classify"):
        lps_mm = np.array([scan.lps_from_vox(center) for center in com_vox]).reshape(-1, 3)
        centers_vox = np.array([scan.vox_from_lps(center) for center in lps_mm]).reshape(-1, 3)
        nodule_probability = classify(scan, centers_vox, nodule, device)
    return ReferenceResult(
        shape=scan.hu.shape,
        voxels_over_half=int((probability > THRESHOLD_PROB).sum()),
        voxels_after_erosion=int(mask.sum()),
        com_vox=com_vox,
        centers_vox=centers_vox,
        centers_lps_mm=lps_mm,
        probability=nodule_probability,
        timings_s=timings_s,
    )


def _batches(count: int) -> Iterator[range]:
    """Consecutive index ranges of at most `BATCH_SIZE`."""
    return (range(start, min(start + BATCH_SIZE, count)) for start in range(0, count, BATCH_SIZE))


class _timed:  # noqa: N801 - used like a function
    """Adds the seconds of a `with` block to a dict."""

    def __init__(self, timings_s: dict[str, float], stage: str) -> None:
        self.timings_s, self.stage = timings_s, stage

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.timings_s[self.stage] = time.perf_counter() - self.start
