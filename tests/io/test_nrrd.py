"""NRRD headers."""

import numpy as np
import pytest
from scan_writers import MARK, Geometry, replace_text, volume, write_itk

from lungmonai.errors import DamagedError, GeometryError, NotCTError
from lungmonai.io import read_ct

LPS = "space: left-posterior-superior"


@pytest.fixture
def nrrd(tmp_path):
    return write_itk(tmp_path / "scan.nrrd")


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("LPS", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
    ],
)
def test_spaces(nrrd, space, signs):
    replace_text(nrrd, LPS, f"space: {space}")
    np.testing.assert_allclose(read_ct(nrrd).lps_from_vox(MARK), Geometry().lps(MARK) * signs, atol=1e-6)


def test_free_text_and_comments(nrrd):
    replace_text(nrrd, LPS, f"# by hand\nnote:=type: float\n{LPS}")
    np.testing.assert_array_equal(read_ct(nrrd).hu, volume())


@pytest.mark.parametrize("space", ["scanner-xyz", "left-posterior-superior-time"])
def test_unknown_space(nrrd, space):
    replace_text(nrrd, LPS, f"space: {space}")
    with pytest.raises(GeometryError, match=f"has space: {space}, so left and right are unknown"):
        read_ct(nrrd)


def test_no_space(nrrd):
    replace_text(nrrd, LPS, "content: chest")
    with pytest.raises(GeometryError, match="has space: nothing"):
        read_ct(nrrd)


def test_no_directions(nrrd):
    replace_text(nrrd, "space directions", "content")
    with pytest.raises(GeometryError, match=r"has space directions: nothing; wanted 3 of \(x,y,z\)"):
        read_ct(nrrd)


def test_no_origin(nrrd):
    replace_text(nrrd, "space origin", "content")
    with pytest.raises(GeometryError, match="has space origin: nothing"):
        read_ct(nrrd)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ("(0,0,0)", "voxel spacing"),
        ("(nan,0,0)", "not finite"),
        ("(0.7,0.3,0)", "sheared axes"),
        ("(0.7,0)", "space directions"),
    ],
)
def test_directions_that_cannot_be(nrrd, vector, message):
    replace_text(nrrd, "space directions: ", f"space directions: {vector} ")
    text = nrrd.read_bytes()
    head, _, tail = text.partition(b"space directions: ")
    line, _, rest = tail.partition(b"\n")
    vectors = line.split(b" ")
    nrrd.write_bytes(head + b"space directions: " + b" ".join([vectors[0], *vectors[2:]]) + b"\n" + rest)
    with pytest.raises(GeometryError, match=message):
        read_ct(nrrd)


def test_units_other_than_mm(nrrd):
    replace_text(nrrd, LPS, f'{LPS}\nspace units: "cm" "cm" "cm"')
    with pytest.raises(GeometryError, match='has space units: "cm" "cm" "cm"'):
        read_ct(nrrd)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dimension: 3", "dimension: 4"),
        ("kinds: domain", "kinds: RGB-color"),
        ("kinds: domain", "kinds: list"),
    ],
)
def test_not_three_dimensions_of_space(nrrd, old, new):
    replace_text(nrrd, old, new)
    with pytest.raises(NotCTError, match="wanted dimension 3, all three in space"):
        read_ct(nrrd)


def test_real_colour_image(tmp_path):
    write_itk(tmp_path / "scan.nrrd", np.zeros((5, 6, 7, 3), np.uint8))
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(np.zeros((5, 6, 7, 3), np.uint8), isVector=True)
    sitk.WriteImage(image, str(tmp_path / "colour.nrrd"))
    with pytest.raises(NotCTError, match="dimension 4"):
        read_ct(tmp_path / "colour.nrrd")


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ("NRRD0004", "NRRDxxxx", DamagedError, "the first bytes b'NRRDxxxx'"),
        ("encoding: raw", "encoding: bzip2", DamagedError, "encoding: bzip2; wanted raw or gzip"),
        ("endian: little", "content: x", DamagedError, "endian: nothing; wanted little or big"),
        ("type: short", "type: block", NotCTError, "has type: block"),
        ("sizes: 10 8 6", "sizes: 10 8 x", DamagedError, "sizes: 10 8 x"),
        ("sizes: 10 8 6", "sizes: 10 8", NotCTError, "has the size 10×8"),
        ("sizes: 10 8 6", "sizes: 100000 100000 6", NotCTError, "60,000,000,000 voxels; wanted at most"),
        ("encoding: raw", "encoding: raw\nbyte skip: 2", DamagedError, "byte skip: 2"),
        ("encoding: raw", "encoding: raw\nencoding: raw", DamagedError, "encoding twice in its header"),
        ("encoding: raw", "encoding: raw\nhello", DamagedError, "the header line 'hello'"),
    ],
)
def test_header_faults(nrrd, old, new, kind, message):
    replace_text(nrrd, old, new)
    with pytest.raises(kind, match=message):
        read_ct(nrrd)


@pytest.mark.parametrize("compress", [False, True])
def test_truncated(tmp_path, compress):
    path = write_itk(tmp_path / "scan.nrrd", compress=compress)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedError, match=r"is truncated: .*; wanted 960 bytes"):
        read_ct(path)


@pytest.mark.parametrize("compress", [False, True])
def test_oversized(tmp_path, compress):
    path = write_itk(tmp_path / "scan.nrrd", compress=compress)
    replace_text(path, "sizes: 10 8 6", "sizes: 10 8 5")
    with pytest.raises(DamagedError, match=r"is oversized: .*; wanted 800 bytes"):
        read_ct(path)


def test_header_only(nrrd):
    nrrd.write_bytes(nrrd.read_bytes()[:60])
    with pytest.raises(DamagedError, match="no blank line after its header"):
        read_ct(nrrd)


@pytest.mark.parametrize("name", ["../scan.raw", "/dev/zero", "slice%d.raw 1 6 1", "LIST"])
def test_detached_data_elsewhere(tmp_path, name):
    path = write_itk(tmp_path / "scan.nhdr")
    replace_text(path, "data file: scan.raw", f"data file: {name}")
    with pytest.raises(DamagedError, match="wanted a plain file name in the header's own folder"):
        read_ct(path)


def test_detached_header_without_data(tmp_path):
    path = write_itk(tmp_path / "scan.nhdr")
    path.write_bytes(
        b"".join(line for line in path.read_bytes().splitlines(True) if b"data file" not in line) + b"\n"
    )
    with pytest.raises(DamagedError, match="no data file in its header"):
        read_ct(path)
