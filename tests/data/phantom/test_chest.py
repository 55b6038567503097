"""The made-up chest has the anatomy that it claims, by measures taken from outside."""

import numpy as np
import pytest
from scipy import ndimage

from lungmonai.analysis.lungs import find_lungs
from lungmonai.data.phantom.chest import Chest, make_chest
from lungmonai.errors import SettingsError
from lungmonai.io.scan import CTScan

# 300 mm from top to bottom: a whole chest.
SHAPE, SPACING_MM = (100, 160, 160), (2.1, 2.1, 3.0)
RIGHT, LEFT = 1, 2


@pytest.fixture(scope="module", params=[0, 3, 8])
def chest(request: pytest.FixtureRequest) -> Chest:
    return make_chest(np.random.default_rng(request.param), shape=SHAPE, spacing_mm=SPACING_MM)


def test_same_generator_same_chest_and_another_one_another() -> None:
    size: dict[str, tuple] = {"shape": (50, 90, 90), "spacing_mm": (3.6, 3.6, 5.0)}
    first, second, other = (make_chest(np.random.default_rng(seed), **size) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.hu, second.hu)
    np.testing.assert_array_equal(first.lungs, second.lungs)
    np.testing.assert_array_equal(first.vessels.end_mm, second.vessels.end_mm)
    assert (first.lungs != other.lungs).mean() > 0.01


def test_arrays_have_the_shape_and_types_that_were_asked_for(chest: Chest) -> None:
    assert chest.hu.shape == chest.lungs.shape == chest.grid.shape == SHAPE
    assert chest.hu.dtype == np.float32
    assert chest.lungs.dtype == np.uint8
    assert set(np.unique(chest.lungs)) == {0, RIGHT, LEFT}
    assert np.isfinite(chest.hu).all()
    assert -1001 < chest.hu.min() < -980
    assert chest.hu.max() < 1500


def test_lungs_hold_the_litres_of_an_adults_and_the_right_one_more(chest: Chest) -> None:
    right, left = (float((chest.lungs == side).sum() * np.prod(SPACING_MM) / 1e6) for side in (RIGHT, LEFT))
    assert 3 < right + left < 7
    assert 1.02 < right / left < 1.5


def test_right_lung_lies_at_low_columns(chest: Chest) -> None:
    columns = [np.nonzero(chest.lungs == side)[2] for side in (RIGHT, LEFT)]
    # In front of the heart the right one reaches over the middle by a finger's breadth.
    assert (columns[0].max() - (SHAPE[2] - 1) / 2) * SPACING_MM[0] < 15
    assert columns[0].mean() + 90 / SPACING_MM[0] < columns[1].mean()


def test_something_lies_between_the_lungs_everywhere(chest: Chest) -> None:
    grown = ndimage.binary_dilation(chest.lungs == RIGHT)
    assert not (grown & (chest.lungs == LEFT)).any()


def test_each_lung_is_one_piece(chest: Chest) -> None:
    for side in (RIGHT, LEFT):
        labels, _ = ndimage.label(chest.lungs == side)
        sizes = np.bincount(labels.ravel())[1:]
        assert sizes.max() > 0.999 * sizes.sum()


def test_apex_is_narrow_and_on_top_and_the_base_is_hollow(chest: Chest) -> None:
    for side in (RIGHT, LEFT):
        lung = chest.lungs == side
        areas = lung.sum(axis=(1, 2))
        slices = np.flatnonzero(areas)
        assert areas[slices[-3]] < 0.35 * areas.max()
        assert slices[-1] > 0.85 * SHAPE[0]
        # In the middle the dome of the diaphragm pushes the base up.
        _, row, column = (int(where.mean()) for where in np.nonzero(lung))
        middle = np.flatnonzero(lung[:, row, column])
        assert (middle[0] - slices[0]) * SPACING_MM[2] > 30


def test_our_lung_finder_finds_the_same_lungs(chest: Chest) -> None:
    scan = CTScan(np.rint(chest.hu).astype(np.int16), np.diag([*SPACING_MM, 1.0]), series_uid="chest")
    found = find_lungs(scan)
    assert found.note == ""
    z, y, x = found.step
    truth = chest.lungs[::z, ::y, ::x]
    for side, label in ((LEFT, 1), (RIGHT, 2)):
        air = (found.labels == label) & (found.air_mm == 0)
        dice = 2 * (air & (truth == side)).sum() / (air.sum() + (truth == side).sum())
        assert dice > 0.95


def test_tissues_have_their_hounsfield_units(chest: Chest) -> None:
    deep = ndimage.binary_erosion(chest.lungs > 0, iterations=2)
    assert -900 < np.median(chest.hu[deep]) < -800
    assert chest.hu[:, :4, :4].mean() == pytest.approx(-1000, abs=2)
    inside = chest.hu > -300
    shares = [((chest.hu > low) & (chest.hu < high)).sum() / inside.sum() for low, high in HU_RANGES]
    fat, soft, bone = shares
    assert 0.1 < fat < 0.6
    assert 0.3 < soft < 0.8
    assert 0.01 < bone < 0.12


# Fat, soft tissue with or without contrast medium, bone.
HU_RANGES = ((-130, -60), (10, 270), (300, 2000))


def test_gravity_makes_the_back_of_the_lungs_denser(chest: Chest) -> None:
    deep = ndimage.binary_erosion(chest.lungs > 0, iterations=2)
    rows, values = np.nonzero(deep)[1], chest.hu[deep]
    front, back = np.percentile(rows, [12, 88])
    assert 15 < np.median(values[rows > back]) - np.median(values[rows < front]) < 100


def test_the_windpipe_is_a_round_hole_in_the_middle_above_the_lungs_roots(chest: Chest) -> None:
    slices = np.flatnonzero(chest.lungs.any(axis=(1, 2)))
    z = int(slices[-1] - 0.17 * len(slices))
    labels, _ = ndimage.label((chest.hu[z] < -500) & (chest.lungs[z] == 0))
    # Air around the patient and the table's foam reach the edge.
    labels[np.isin(labels, np.concatenate([labels[0], labels[-1], labels[:, 0]]))] = 0
    largest = labels == np.bincount(labels[labels > 0]).argmax()
    rows, columns = np.nonzero(largest)
    # A lumen of some 17 mm, as adults have it.
    assert 150 < largest.sum() * SPACING_MM[0] * SPACING_MM[1] < 330
    assert abs(columns.mean() - (SHAPE[2] - 1) / 2) * SPACING_MM[0] < 10
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)


def test_a_cut_through_the_side_meets_a_row_of_ribs(chest: Chest) -> None:
    right = np.nonzero(chest.lungs == RIGHT)
    rows = int(np.median(right[1]))
    beside = int(right[2].min()) - 2
    wall = chest.hu[:, rows, beside - 4 : beside + 3].max(axis=1)
    _, ribs = ndimage.label(wall > 250)
    assert 6 <= ribs <= 11


def test_a_heart_lies_between_the_lungs(chest: Chest) -> None:
    slices = np.flatnonzero(chest.lungs.any(axis=(1, 2)))
    z = int(slices[-1] - 0.6 * len(slices))
    right, left = (chest.lungs[z] == side for side in (RIGHT, LEFT))
    # What has the right lung somewhere to its right, and the left lung to its left.
    between = np.maximum.accumulate(right, axis=1) & np.maximum.accumulate(left[:, ::-1], axis=1)[:, ::-1]
    soft = between & (chest.lungs[z] == 0) & (chest.hu[z] > 0) & (chest.hu[z] < 300)
    in_cm2 = SPACING_MM[0] * SPACING_MM[1] / 100
    assert 60 < ndimage.binary_opening(soft, iterations=2).sum() * in_cm2 < 180


def test_the_liver_lies_under_the_right_lung_and_gas_of_the_stomach_under_the_left(chest: Chest) -> None:
    right = chest.lungs == RIGHT
    _, row, column = (int(where.mean()) for where in np.nonzero(right))
    dome = int(np.flatnonzero(right[:, row, column])[0])
    liver = chest.hu[max(dome - 12, 0) : dome - 4, row - 4 : row + 5, column - 4 : column + 5]
    assert 40 < np.median(liver) < 160
    gas, _ = ndimage.label((chest.hu < -700) & (chest.lungs == 0))
    volumes_ml = np.bincount(gas.ravel())[1:] * np.prod(SPACING_MM) / 1000
    places = ndimage.center_of_mass(gas > 0, gas, np.arange(1, len(volumes_ml) + 1))
    below = [ml for ml, (z, y, x) in zip(volumes_ml, places, strict=True) if z < dome and x > SHAPE[2] / 2]
    assert [ml for ml in below if 10 < ml < 150]


def test_airways_in_the_lungs_hold_air(chest: Chest) -> None:
    deep = ndimage.binary_erosion(chest.lungs > 0, iterations=2)
    # Darker than any tissue of the lungs.
    assert (chest.hu[deep] < -980).sum() > 50


def densest_in_the_middle(chest: Chest, where: slice) -> np.ndarray:
    """(slices,) highest HU in rows of the middle 25 mm."""
    middle = slice((SHAPE[2] - 12) // 2, (SHAPE[2] + 12) // 2)
    return chest.hu[:, where, middle].max(axis=(1, 2))


def test_the_spine_lies_behind_and_the_breastbone_before_the_lungs_middle(chest: Chest) -> None:
    slices, rows, _ = np.nonzero(chest.lungs)
    bottom, top = int(slices.min()), int(slices.max())
    spine = densest_in_the_middle(chest, slice(int(np.percentile(rows, 75)), None)) > 300
    assert spine[bottom : top + 1].mean() > 0.95
    # Thinner, so that large voxels blur its shell; heart and vessels lie further back than this.
    breastbone = densest_in_the_middle(chest, slice(0, int(np.percentile(rows, 5)))) > 150
    assert breastbone.any()
    from_mm, to_mm = (top - np.flatnonzero(breastbone)[[-1, 0]]) * SPACING_MM[2]
    # Some 12 cm long in front of the lungs, from the second or third vertebra down.
    assert 20 < from_mm < 80
    assert 90 < to_mm - from_mm < 180


@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    [((200, 128, 128), (2.2, 2.2, 0.7)), ((60, 80, 120), (3.0, 3.0, 8.0))],
    ids=["short", "long and flat"],
)
def test_unusual_volumes_hold_both_lungs(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> None:
    chest = make_chest(np.random.default_rng(1), shape=shape, spacing_mm=spacing_mm)
    assert set(np.unique(chest.lungs)) == {0, RIGHT, LEFT}
    assert len(chest.vessels) > 100


def test_a_volume_too_small_for_a_chest_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"a volume of 64 by 64 by 64 mm .*; wanted at least 130 by 220 by"
    ):
        make_chest(np.random.default_rng(0), shape=(64, 64, 64), spacing_mm=(1, 1, 1))
    with pytest.raises(SettingsError, match=r"a volume of 300 by 300 by nan mm"):
        make_chest(np.random.default_rng(0), shape=(300, 300, 300), spacing_mm=(float("nan"), 1, 1))
