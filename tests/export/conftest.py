"""Small scans and results whose every value is known."""

from __future__ import annotations

import itertools
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lungmonai.io.scan import CTScan
from lungmonai.nodule import Candidate, Nodule, ScanResult

AXIS_ORDERS = [
    (order, flips)
    for order in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]


def rotation(degrees_x: float, degrees_y: float, degrees_z: float) -> np.ndarray:
    """(3, 3) rotation about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = (
        function(np.radians([degrees_x, degrees_y, degrees_z])) for function in (np.cos, np.sin)
    )
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def make_scan(
    shape=(5, 6, 7), spacing=(0.7, 0.8, 2.5), origin=(-120.5, 33.25, -410.0), turn=(0, 0, 0), hu=None
) -> CTScan:
    """A scan with spacing along (column, row, slice), turned in the patient."""
    affine = np.eye(4)
    affine[:3, :3] = rotation(*turn) * spacing
    affine[:3, 3] = origin
    volume = np.full(shape, -850, np.int16) if hu is None else hu
    return CTScan(volume, affine, "1.2.840.1", "scan.mhd")


def reordered(scan: CTScan, order, flips) -> CTScan:
    """The same voxels stored with other axes, built index by index from `lps_from_vox` alone."""
    array = scan.hu.transpose(order)
    array = np.flip(array, tuple(axis for axis, flip in enumerate(flips) if flip))

    def source(index):
        unflipped = [array.shape[a] - 1 - i if flips[a] else i for a, i in enumerate(index)]
        return scan.lps_from_vox([unflipped[order.index(a)] for a in range(3)])

    affine = np.eye(4)
    affine[:3, 3] = source((0, 0, 0))
    for column, step in enumerate(((0, 0, 1), (0, 1, 0), (1, 0, 0))):
        affine[:3, column] = source(step) - affine[:3, 3]
    return CTScan(np.ascontiguousarray(array), affine, scan.series_uid, scan.source)


def make_nodule(scan: CTScan, center_vox, **changes) -> Nodule:
    lps = tuple(float(value) for value in scan.lps_from_vox(center_vox))
    values = {
        "center_lps_mm": lps,
        "center_vox": tuple(float(value) for value in center_vox),
        "nodule_prob": 0.75,
        "malignancy_prob": None,
        "volume_mm3": 523.6,
        "equivalent_diameter_mm": 10.0,
        "long_axis_mm": 12.5,
        "location": "left lung",
        "candidates": (0,),
    }
    return Nodule(**{**values, **changes})


def make_result(nodules=(), candidates=(), **changes) -> ScanResult:
    return ScanResult("1.2.840.1", tuple(candidates), tuple(nodules), **changes)


def make_candidate(**changes) -> Candidate:
    values = {
        "center_lps_mm": (-100.654321, 20.25, -301.1234567),
        "center_vox": (12.25, 200.5, 310.0625),
        "crop_vox": (12, 200, 310),
        "voxels": 42,
        "nodule_prob": 0.1,
        "location": "right lung",
    }
    return Candidate(**{**values, **changes})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let no file grow while a test runs whose disk is full; only then, or pytest's own log cannot."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or callspec.params.get("nowhere") != "disk full":
        return (yield)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal, so that writing more fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        return (yield)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture(params=["no folder", "disk full", "disk full at the end"])
def nowhere(request, tmp_path, monkeypatch) -> Iterator[Path]:
    """A folder into which nothing can be written; nothing may be left in `tmp_path`."""
    if request.param == "no folder":
        yield tmp_path / "missing"
        return

    if request.param == "disk full":
        yield tmp_path  # `pytest_runtest_call` sets the limit
        return

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    yield tmp_path
