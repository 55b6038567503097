"""Candidates of a scan are those of the whole analysis, with probabilities of their own voxels."""

from concurrent.futures import ThreadPoolExecutor
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


def test_one_network_serves_scans_of_one_shape(
    coarse_scan: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder = CandidateFinder(models.seg)
    scan, prepared = read_ct(coarse_scan), []
    prepare = type(finder.engine).prepare
    monkeypatch.setattr(
        type(finder.engine), "prepare", lambda *given: prepared.append(given[2]) or prepare(*given)
    )
    calls = []
    first = finder(scan, progress=lambda *call: calls.append(call))
    again = finder(scan)
    np.testing.assert_array_equal(first.lps_mm, again.lps_mm)
    assert len(prepared) == 1
    assert calls[-1] == ("segment", scan.shape[0], scan.shape[0])
    with ThreadPoolExecutor(2) as pool:  # each thread prepares its own
        for found in pool.map(finder, [scan, scan, scan]):
            np.testing.assert_array_equal(first.prob, found.prob)
    prepared.clear()
    smaller = type(scan)(scan.hu[:, 16:-16], scan.affine_lps, "smaller")
    finder(smaller)
    assert len(prepared) == 1
