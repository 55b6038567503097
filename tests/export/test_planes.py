import numpy as np
import pytest

from lungmonai.export.planes import AXIAL, CORONAL, PLANES, SAGITTAL, cut, projections

VOLUME = np.arange(5 * 6 * 7).reshape(5, 6, 7)
STEP = (3.0, 0.5, 0.7)


@pytest.mark.parametrize(
    ("plane", "wanted"), [(AXIAL, VOLUME[2]), (CORONAL, VOLUME[:, 3]), (SAGITTAL, VOLUME[:, :, 4])]
)
def test_a_cut_far_beyond_holds_the_plane_and_air(plane, wanted):
    piece = cut(VOLUME, plane, (2.0, 3.0, 4.0), STEP, (30.0, 30.0, 30.0), -1)
    inside = piece.image >= 0
    np.testing.assert_array_equal(piece.image[inside].reshape(wanted.shape), wanted)
    assert inside.sum() == wanted.size


@pytest.mark.parametrize("plane", PLANES)
def test_extent_puts_the_centre_at_zero(plane):
    center = (2.25, 3.4, 3.9)
    left, right, low, high = cut(VOLUME, plane, center, STEP, (2.0, 2.0, 2.0), -1).extent_mm
    piece = cut(VOLUME, plane, center, STEP, (2.0, 2.0, 2.0), -1).image
    assert (right - left) / piece.shape[1] == pytest.approx(STEP[plane.across])
    assert (high - low) / piece.shape[0] == pytest.approx(STEP[plane.down])
    assert max(left, low) <= -2 - 0.5 * min(STEP)
    assert min(right, high) >= 2 + 0.5 * min(STEP)
    # The voxel nearest to the centre lies where the extent says.
    row = int(-low / STEP[plane.down])
    column = int(-left / STEP[plane.across])
    nearest = [round(value) for value in center]
    assert piece[row, column] == VOLUME[tuple(nearest)]


def test_outside_the_volume_is_only_air():
    assert (cut(VOLUME, AXIAL, (9.0, 3.0, 3.0), STEP, (2.0, 2.0, 2.0), -7).image == -7).all()
    assert (cut(VOLUME, AXIAL, (2.0, 90.0, 3.0), STEP, (2.0, 2.0, 2.0), -7).image == -7).all()


def test_projections_are_means_with_padding_as_air():
    hu = np.random.default_rng(3).integers(-3024, 1500, (4, 10, 12)).astype(np.int16)
    front, side = projections(hu)
    kept = np.maximum(hu[:, ::2, ::2], -1000).astype(float)
    np.testing.assert_allclose(front, kept.mean(1), rtol=1e-5)
    np.testing.assert_allclose(side, kept.mean(2), rtol=1e-5)
