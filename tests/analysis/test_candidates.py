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


def test_candidates_are_those_of_the_analysis(coarse_scan: Path, models: Models) -> None:
    scan = read_ct(coarse_scan)
    settings = AnalysisSettings(mark_threshold=0.3)
    found = CandidateFinder(models.seg, settings)(scan)
    result = analyze_scan(scan, models, settings)
    assert len(found) == len(result.candidates) > 0
    np.testing.assert_array_equal(found.lps_mm, [one.center_lps_mm for one in result.candidates])
    np.testing.assert_array_equal(found.voxels, [one.voxels for one in result.candidates])
    assert result.probability is not None
    labels, count = ndimage.label(ndimage.binary_erosion(result.probability > 0.3 * 255))
    assert count == len(found)
    means = ndimage.mean(result.probability / 255, labels, range(1, count + 1))
    np.testing.assert_allclose(found.prob, means, rtol=1e-6)


def test_progress_is_told_by_slices(coarse_scan: Path, models: Models) -> None:
    scan, calls = read_ct(coarse_scan), []
    small = type(scan)(scan.hu[:8], scan.affine_lps, "small")
    CandidateFinder(models.seg)(small, progress=lambda *call: calls.append(call))
    assert calls[-1] == ("segment", 8, 8)
