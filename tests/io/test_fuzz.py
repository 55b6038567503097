"""Damaged files give a refusal or a valid scan, nothing else."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_writers import KINDS, write_any

from lungmonai.errors import LungmonaiError
from lungmonai.io import CTScan, read_ct

# Where the interesting bytes lie: headers, not voxels.
FIRST_BYTES = 700


@st.composite
def damages(draw):
    """(what, where, value): flips of single bytes, one cut, one insertion."""
    places = st.integers(0, FIRST_BYTES)
    flips = draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4))
    cut = draw(st.none() | places)
    extra = draw(st.binary(max_size=8))
    return flips, cut, draw(places), extra


def damaged(content, flips, cut, place, extra):
    changed = bytearray(content)
    for at, value in flips:
        if at < len(changed):
            changed[at] = value
    changed[place:place] = extra
    return bytes(changed if cut is None else changed[: -cut or None])


@pytest.fixture(scope="module", params=[kind for kind in KINDS if kind != "dicom"])
def written(request, tmp_path_factory):
    return write_any(tmp_path_factory.mktemp("fuzz"), request.param)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(damage=damages())
def test_header_damage(written, damage):
    with tempfile.TemporaryDirectory() as folder:
        for file in written.parent.iterdir():
            if file.is_file():
                (Path(folder) / file.name).write_bytes(file.read_bytes())
        path = Path(folder) / written.name
        path.write_bytes(damaged(written.read_bytes(), *damage))
        check(path)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@settings(max_examples=150, deadline=None, derandomize=True)
@given(damage=damages(), place=st.integers(0, 5))
def test_dicom_damage(dicom, damage, place):
    with tempfile.TemporaryDirectory() as folder:
        for index, (name, content) in enumerate(dicom.items()):
            (Path(folder) / name).write_bytes(damaged(content, *damage) if index == place else content)
        check(Path(folder))


@pytest.fixture(scope="module")
def dicom(tmp_path_factory):
    folder = write_any(tmp_path_factory.mktemp("fuzz"), "dicom")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def check(path):
    try:
        scan = read_ct(path)
    except LungmonaiError as error:
        message = str(error)
        assert message.isprintable()
    else:
        assert isinstance(scan, CTScan)
        assert np.isfinite(scan.canonical().affine_lps).all()
        assert scan.hu.min() >= -1024
