"""Crops: where they start, that equal ones are classified once, and small scans."""

import numpy as np
import pytest

from lungmonai.analysis.classify import classify_crops, crop_starts
from lungmonai.io import CTScan
from lungmonai.networks import CROP_SHAPE


def test_crops_are_shifted_inward_at_the_border() -> None:
    shape = (99, 512, 512)
    centers = np.array([[0, 0, 0], [50, 100, 200], [98, 511, 511], [16, 24, 24], [83, 488, 488]])
    expected = [[0, 0, 0], [34, 76, 176], [67, 464, 464], [0, 0, 0], [67, 464, 464]]
    assert crop_starts(centers, shape).tolist() == expected


class Recorder:
    """Answers with the mean HU of each crop, and counts what it was shown."""

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self, blocks):
        for block in blocks:
            assert block.shape[1:] == (1, *CROP_SHAPE)
            self.shown += len(block)
            yield block.mean(axis=(1, 2, 3, 4)).astype(np.float32)


@pytest.mark.parametrize("per_call", [1, 3, 8])
@pytest.mark.parametrize("shape", [(40, 60, 70), (5, 60, 20)])
def test_each_centre_gets_its_own_crops_answer(per_call: int, shape) -> None:
    rng = np.random.default_rng(1)
    hu = rng.integers(-1000, 1000, shape).astype(np.int16)
    centers = rng.integers(0, shape, (17, 3))
    centers = np.concatenate([centers, centers[::2]])
    network = Recorder()
    answers = classify_crops(
        CTScan(hu, np.eye(4), "test"),
        centers.astype(float),
        network,
        crop_spacing_mm=None,
        crops_per_call=per_call,
        progress=lambda d, t: None,
    )
    padded = np.pad(
        hu, [(0, max(0, c - s)) for c, s in zip(CROP_SHAPE, shape, strict=True)], constant_values=-1000
    )
    for center, answer in zip(centers, answers, strict=True):
        start = [max(0, min(c - w // 2, s - w)) for c, w, s in zip(center, CROP_SHAPE, shape, strict=True)]
        crop = padded[tuple(slice(a, a + w) for a, w in zip(start, CROP_SHAPE, strict=True))]
        assert answer == pytest.approx(crop.mean(), rel=1e-5)
    distinct = len(np.unique(crop_starts(centers, shape), axis=0))
    assert network.shown == -(-distinct // per_call) * per_call


def test_no_candidates_need_no_network() -> None:
    def fail(blocks):
        raise AssertionError

    scan = CTScan(np.zeros((40, 60, 60), np.int16), np.eye(4), "test")
    none = np.zeros((0, 3))
    answers = classify_crops(scan, none, fail, crop_spacing_mm=None, crops_per_call=4, progress=print)
    assert answers.shape == (0,)


def test_crops_of_a_spacing_lie_where_the_centres_are() -> None:
    """On a volume whose HU are a linear function of the position, any crop's mean is that of its centre."""
    affine = np.diag([-0.6, 0.8, 2.5, 1.0])
    affine[:3, 3] = 30, -40, 7
    z, y, x = np.indices((60, 100, 110))
    scan = CTScan((8 * z + 3 * y - 2 * x).astype(np.int16), affine, "ramp")
    centers = np.array([[30.25, 50.5, 60.75], [25.0, 60.0, 55.5]])
    answers = classify_crops(
        scan,
        centers,
        Recorder(),
        crop_spacing_mm=(1.25, 0.7, 0.7),
        crops_per_call=2,
        progress=lambda d, t: None,
    )
    assert answers == pytest.approx(centers @ [8, 3, -2], abs=0.05)
