"""`CTScan` and the switch between LPS and RAS."""

import numpy as np
import pytest
from scan_writers import volume

from lungmonai.errors import GeometryError, NotCTError
from lungmonai.io import CTScan, ras_from_lps

AFFINE = np.array([[0.0, 0.7, 0, 10], [-0.6, 0, 0, 20], [0, 0, -2.5, 30], [0, 0, 0, 1]])


def test_there_and_back():
    scan = CTScan(volume(), AFFINE, "1.2.3")
    points = np.random.default_rng(0).uniform(-50, 50, (4, 5, 3))
    np.testing.assert_allclose(scan.lps_from_vox(scan.vox_from_lps(points)), points, atol=1e-9)
    np.testing.assert_allclose(scan.lps_from_vox([1, 2, 3]), [10 + 2 * 0.7, 20 - 3 * 0.6, 30 - 2.5])


def test_canonical_keeps_values_where_they_are():
    scan = CTScan(volume(), AFFINE, "1.2.3")
    turned = scan.canonical()
    np.testing.assert_allclose(turned.affine_lps[:3, :3], np.diag([0.7, 0.6, 2.5]), atol=1e-12)
    for vox in [(0, 0, 0), (5, 7, 9), (2, 3, 4)]:
        there = np.rint(turned.vox_from_lps(scan.lps_from_vox(vox))).astype(int)
        assert turned.hu[tuple(there)] == scan.hu[vox]
    assert turned.canonical() is turned


def test_ras_from_lps_is_its_own_inverse():
    np.testing.assert_array_equal(ras_from_lps(ras_from_lps(AFFINE)), AFFINE)
    np.testing.assert_array_equal(ras_from_lps(np.eye(4)), np.diag([-1, -1, 1, 1]))


def test_repr_shows_its_physics():
    assert repr(CTScan(volume(), AFFINE, "1.2.3")) == "CTScan(10×8×6, 0.6×0.7×2.5 mm, 1.2.3)"


def test_affine_cannot_be_changed():
    scan = CTScan(volume(), AFFINE, "1.2.3")
    with pytest.raises(ValueError, match="read-only"):
        scan.affine_lps[0, 0] = 1


@pytest.mark.parametrize(
    "hu",
    [volume().astype(np.float32), volume()[0], volume()[:2], volume()[:, :, :2]],
    ids=["float", "2d", "thin", "narrow"],
)
def test_not_a_volume(hu):
    with pytest.raises(NotCTError, match="wanted"):
        CTScan(hu, AFFINE, "1.2.3")


@pytest.mark.parametrize("affine", [np.eye(3), np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_not_an_affine(affine):
    with pytest.raises(GeometryError, match="wanted a finite, invertible 4 by 4 matrix"):
        CTScan(volume(), affine, "1.2.3")
