"""The re-stated reference augments as SciPy moves a volume, and the benchmark compares like with like."""

import math
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from benchmarks import augment as benchmark  # noqa: E402
from reference import augment as reference  # noqa: E402


@pytest.mark.parametrize("axes", [2, 3])
def test_moves_as_scipy_does(axes: int) -> None:
    random.seed(3)
    matrix = reference.draw_matrix(axes, offset=0.1, scale=0.2)
    size = 12
    crop = torch.rand((2, *[size] * axes), generator=torch.Generator().manual_seed(0))
    # Half the crop is 1; SciPy counts voxels from the first one's centre, slices first.
    linear = matrix[:axes, :axes].numpy()[::-1, ::-1]
    middle = (size - 1) / 2
    offset = middle - linear @ np.full(axes, middle) + matrix[:axes, axes].numpy()[::-1] * size / 2
    expected = [
        ndimage.affine_transform(channel, linear, offset, order=1, mode="nearest") for channel in crop.numpy()
    ]
    assert np.allclose(reference.move(crop, matrix), expected, atol=1e-4)


def test_draws_within_its_ranges() -> None:
    random.seed(0)
    for _ in range(200):
        matrix = reference.draw_matrix(3, offset=0.1, scale=0.2)
        assert abs(matrix[:3, 3]).max() <= 0.1
        assert 0.8 <= abs(float(matrix[2, 2])) <= 1.2
        assert 0.64 - 1e-6 <= abs(float(torch.linalg.det(matrix[:2, :2]))) <= 1.44 + 1e-6


def test_noise_has_its_strength() -> None:
    crop = torch.zeros(1, 16, 24, 24)
    assert float(reference.augment_classification(crop, noise_hu=25.0).std()) == pytest.approx(25, rel=0.05)
    moved, mask = reference.augment_segmentation(
        torch.zeros(7, 64, 64), torch.ones(1, 64, 64) > 0, noise_hu=0.0
    )
    assert not moved.any()
    assert mask.all()


@pytest.mark.parametrize("shape", [(4, 1, 32, 48, 48), (4, 7, 64, 64)])
def test_ours_equals_it(shape) -> None:
    assert benchmark._difference(shape) < 0.01
    assert math.isfinite(benchmark._difference(shape))
