"""Candidates of a scan are those of the whole analysis, with probabilities of their own voxels."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.analysis.candidates import CandidateFinder
from lungmonai.io import read_ct


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.load()


def grouped(marked: np.ndarray, spacing_mm: tuple[float, ...], keep_thin_mm: float) -> np.ndarray:
    """What erosion leaves, and the whole groups of which it leaves nothing that are large enough."""
    left = ndimage.binary_erosion(marked)
    labels, count = ndimage.label(marked)
    volumes_mm3 = np.bincount(labels.ravel()) * np.prod(spacing_mm)
    lost = [n for n in range(1, count + 1) if not left[labels == n].any()]
    kept = [n for n in lost if keep_thin_mm and volumes_mm3[n] >= np.pi / 6 * keep_thin_mm**3]
    return left | np.isin(labels, kept)


def test_the_smaller_thin_groups_may_be_the_more_are_kept(coarse_scan: Path, models: Models) -> None:
    scan = read_ct(coarse_scan)
    counts = [
        len(CandidateFinder(models.seg, AnalysisSettings(mark_threshold=0.3, keep_thin_mm=mm))(scan))
        for mm in (0.0, 6.0, 2.0)
    ]
    assert counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("keep_thin_mm", [0.0, 6.0])
def test_candidates_are_those_of_the_analysis(coarse_scan: Path, models: Models, keep_thin_mm: float) -> None:
    scan = read_ct(coarse_scan)
    settings = AnalysisSettings(mark_threshold=0.3, keep_thin_mm=keep_thin_mm, masses=False)
    found = CandidateFinder(models.seg, settings)(scan)
    result = analyze_scan(scan, models, settings)
    assert len(found) == len(result.candidates) > 0
    np.testing.assert_array_equal(found.lps_mm, [one.center_lps_mm for one in result.candidates])
    np.testing.assert_array_equal(found.voxels, [one.voxels for one in result.candidates])
    assert result.probability is not None
    labels, count = ndimage.label(grouped(result.probability > 0.3 * 255, scan.spacing_mm, keep_thin_mm))
    assert count == len(found)
    means = ndimage.mean(result.probability / 255, labels, range(1, count + 1))
    np.testing.assert_allclose(found.prob, means, rtol=1e-6)


def test_progress_is_told_by_slices(coarse_scan: Path, models: Models) -> None:
    scan, calls = read_ct(coarse_scan), []
    small = type(scan)(scan.hu[:8], scan.affine_lps, "small")
    CandidateFinder(models.seg)(small, progress=lambda *call: calls.append(call))
    assert calls[-1] == ("segment", 8, 8)
