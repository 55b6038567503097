"""Block means against scikit-image, and their places against the voxels they are made of."""

import numpy as np
import pytest
from skimage.measure import block_reduce

from lungmonai.analysis.coarse import CoarseScan, block_means, blocks_for
from lungmonai.errors import NotCTError
from lungmonai.io import CTScan

BLOCKS = [(1, 3, 3), (2, 4, 4), (3, 1, 2), (1, 1, 1)]


def scan(shape: tuple[int, int, int] = (11, 17, 22)) -> CTScan:
    """Random HU in an oblique scan."""
    rng = np.random.default_rng(5)
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0] * (0.7, 0.8, 2.5)
    affine[:3, 3] = -120.5, 33.25, -410
    return CTScan(rng.integers(-1024, 3071, shape).astype(np.int16), affine, "oblique")


@pytest.mark.parametrize("blocks", BLOCKS)
def test_means_are_scikit_images(blocks: tuple[int, int, int]) -> None:
    ours = scan()
    whole = tuple(slice(0, size // block * block) for size, block in zip(ours.shape, blocks, strict=True))
    expected = block_reduce(ours.hu[whole].astype(np.float64), blocks, np.mean)
    means = block_means(ours, blocks)
    assert means.hu.dtype == np.int16
    assert means.hu.shape == expected.shape
    assert np.abs(means.hu - expected).max() <= 0.5


def test_sums_do_not_run_over() -> None:
    bright = CTScan(np.full((32, 64, 64), 32767, np.int16), np.eye(4), "bright")
    assert (block_means(bright, (10, 16, 16)).hu == 32767).all()


@pytest.mark.parametrize("blocks", BLOCKS)
def test_a_block_lies_in_the_middle_of_its_voxels(blocks: tuple[int, int, int]) -> None:
    coarse = CoarseScan.of(scan(), blocks)
    for place in ((0, 0, 0), (2, 3, 1)):
        number = np.ravel_multi_index(place, coarse.means.shape)
        voxels = coarse.own_voxels(np.array([number]))
        assert len(voxels) == np.prod(blocks)
        own = np.stack(np.unravel_index(voxels, coarse.own.shape), axis=1)
        middle = coarse.own.lps_from_vox(own).mean(axis=0)
        np.testing.assert_allclose(coarse.means.lps_from_vox(place), middle, atol=1e-9)
        np.testing.assert_allclose(coarse.own_vox(place), own.mean(axis=0), atol=1e-9)


@pytest.mark.parametrize("blocks", BLOCKS)
def test_own_voxels_are_the_coarse_mask_repeated(blocks: tuple[int, int, int]) -> None:
    coarse = CoarseScan.of(scan(), blocks)
    mask = np.random.default_rng(1).random(coarse.means.shape) < 0.3
    repeated = np.kron(mask, np.ones(blocks, bool))
    expected = np.zeros(coarse.own.shape, bool)
    expected[tuple(slice(0, size) for size in repeated.shape)] = repeated
    assert np.array_equal(coarse.own_voxels(np.flatnonzero(mask)), np.flatnonzero(expected))


@pytest.mark.parametrize(
    ("spacing_mm", "blocks"),
    [
        ((0.8418, 0.8418, 5.0), (1, 3, 3)),
        ((0.5645, 0.5645, 3.0), (1, 4, 4)),
        ((0.7, 0.6, 0.8), (3, 4, 4)),
        ((2.5, 2.5, 2.5), (1, 1, 1)),
        ((9.0, 9.0, 9.0), (1, 1, 1)),
    ],
)
def test_blocks_are_about_as_large_as_wanted(spacing_mm, blocks) -> None:
    assert blocks_for(spacing_mm, (2.5, 2.5, 2.5)) == blocks


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(NotCTError, match="at least 3 voxels along every axis"):
        block_means(scan(), (4, 1, 1))
