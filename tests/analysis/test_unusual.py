"""Scans that are small, odd or empty go through every step."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.io import CTScan
from lungmonai.networks import build_network, save_weights


@pytest.fixture(scope="module", params=["seg_basic_unet", "seg_reference_unet"])
def models(request, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Untrained networks that mark about half of what they see."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(3)
    paths: list[Path] = []
    for name, shape in ((request.param, (2, 7, 64, 64)), ("nodule_cnn", (2, 1, 32, 48, 48))):
        network = build_network(name)
        network(torch.randn(shape) * 300 - 600)
        paths.append(folder / f"{name}.pt")
        save_weights(paths[-1], name, network, stand_in=True, origin="a test")
    return Models.load(*paths)


def scan(shape: tuple[int, int, int], fill: int | None = None) -> CTScan:
    rng = np.random.default_rng(0)
    hu = rng.integers(-1000, 400, shape) if fill is None else np.full(shape, fill)
    return CTScan(hu.astype(np.int16), np.diag([0.7, 0.7, 2.0, 1.0]), "unusual")


@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 40, 30), (9, 51, 63), (40, 33, 70), (5, 17, 18)])
@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_small_and_odd_scans(models: Models, shape, engine: str) -> None:
    settings = AnalysisSettings(engine=engine, device="cpu", nodule_threshold=0.0)
    found = analyze_scan(scan(shape), models, settings)
    # What the network says of the scan filled up with air, slice by slice, is the oracle.
    ct, network = scan(shape).hu, models.seg.network()
    rows, columns = (-(-size // 16) * 16 for size in shape[1:])
    if models.seg.architecture.align == 4:
        rows, columns = (-(-size // 4) * 4 for size in shape[1:])
    padded = np.pad(ct, [(3, 3), (0, 0), (0, 0)], mode="edge")
    air = [(0, 0), (0, rows - shape[1]), (0, columns - shape[2])]
    windows = np.pad(padded, air, constant_values=-1000).clip(-1000, 1000).astype(np.float32)
    with torch.no_grad():
        expected = [
            torch.sigmoid(network(torch.from_numpy(windows[z : z + 7][None])))[0, 0] for z in range(shape[0])
        ]
    away = found.probability / 255 - torch.stack(expected)[:, : shape[1], : shape[2]].numpy()
    assert np.abs(away).max() < 0.5 / 255 + 1e-4
    assert found.labels.shape == found.probability.shape == shape
    assert len(found.nodules) == len({n.center_lps_mm for n in found.nodules})
    for candidate in found.candidates:
        assert all(0 < at < size - 1 for at, size in zip(candidate.center_vox, shape, strict=True))


def test_a_scan_without_lungs_is_looked_at_whole_and_said(models: Models) -> None:
    settings = AnalysisSettings(device="cpu", region="lungs", mark_threshold=0.0)
    found = analyze_scan(scan((8, 64, 64)), models, settings)
    assert any("No lungs were found" in note for note in found.notes)
    assert len(found.candidates) == 1


def test_nothing_marked_is_no_nodule(models: Models) -> None:
    found = analyze_scan(scan((8, 64, 64)), models, AnalysisSettings(device="cpu", mark_threshold=1.0))
    assert (found.candidates, found.nodules, int(found.labels.max())) == ((), (), 0)


def test_everything_marked_is_one_candidate(models: Models) -> None:
    found = analyze_scan(scan((8, 64, 64)), models, AnalysisSettings(device="cpu", mark_threshold=0.0))
    assert [c.voxels for c in found.candidates] == [6 * 62 * 62]


def test_more_nodules_than_a_byte_can_number(models: Models) -> None:
    shape = (16, 96, 96)
    settings = AnalysisSettings(device="cpu", merge=False, nodule_threshold=0.0)
    # Half of the noise marked falls into many pieces.
    middle = float(np.percentile(analyze_scan(scan(shape), models, settings).probability, 40)) / 255
    found = analyze_scan(scan(shape), models, dataclasses.replace(settings, mark_threshold=middle))
    assert len(found.nodules) == len(found.candidates) > 255
    assert found.labels.dtype == np.uint16
    # The first of them may lie wholly in voxels that a more probable one took; the last cannot.
    assert 255 < int(found.labels.max()) <= len(found.nodules)
