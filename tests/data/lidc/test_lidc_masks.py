"""Outlines become voxels."""

from pathlib import Path

import numpy as np
import pytest
from lidc_maker import Drawn, box_outline, drawn_box, made_scan
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray

from lungmonai.data.lidc.database import LidcDatabase, LidcScan, Reading
from lungmonai.data.lidc.masks import Box, agreed, cropped, reading_mask, stacked
from lungmonai.errors import SettingsError


def voxels(box: Box) -> set[tuple[int, ...]]:
    start, mask = box
    return {tuple(at) for at in (np.argwhere(mask) + start).tolist()}


def test_the_outline_itself_is_outside(tmp_path: Path) -> None:
    scan = made_scan(tmp_path, [drawn_box((3, 5), (10, 12), (20, 25))])
    start, mask = reading_mask(scan, scan.readings[0])
    assert start.tolist() == [3, 10, 20]
    assert mask.shape == (3, 3, 6)
    assert mask.all()


def test_a_hole_is_cut_with_its_edge(tmp_path: Path) -> None:
    whole = drawn_box((3, 3), (10, 20), (10, 20)).outlines
    scan = made_scan(tmp_path, [Drawn(whole, 3, {3: [box_outline((13, 16), (13, 17))]})])
    start, mask = reading_mask(scan, scan.readings[0])
    assert mask.sum() == 11 * 11 - 4 * 5
    assert not mask[0][13 - start[1] : 17 - start[1], 13 - start[2] : 18 - start[2]].any()


def test_two_outlines_in_a_slice_are_both_marked_also_where_they_cross(tmp_path: Path) -> None:
    two = [box_outline((0, 4), (0, 4)), box_outline((3, 8), (3, 8))]
    scan = made_scan(tmp_path, [Drawn({2: two})])
    marked = {(2, r, c) for r in range(1, 4) for c in range(1, 4)}
    marked |= {(2, r, c) for r in range(4, 8) for c in range(4, 8)}
    assert voxels(reading_mask(scan, scan.readings[0])) == marked


def test_an_outline_that_touches_itself_shuts_in_both_its_loops(tmp_path: Path) -> None:
    # Two squares that share a corner pixel, drawn in one line, in opposite senses.
    eight = [*box_outline((0, 4), (0, 4))[:8], *box_outline((4, 8), (4, 8))[::-1]]
    eight += box_outline((0, 4), (0, 4))[8:]
    scan = made_scan(tmp_path, [Drawn({2: [eight]})])
    assert reading_mask(scan, scan.readings[0])[1].sum() == 9 + 9


def test_an_open_outline_with_gaps_is_closed(tmp_path: Path) -> None:
    scan = made_scan(tmp_path, [Drawn({2: [[(0, 0), (0, 6), (6, 6), (6, 0)]]})])
    assert reading_mask(scan, scan.readings[0])[1].sum() == 5 * 5


def by_polygon(scan: LidcScan, reading: Reading) -> set[tuple[int, ...]]:
    """The inside of each outline by matplotlib's winding rule, without the outline: another way."""
    marked: set[tuple[int, ...]] = set()
    for contour in reading.contours:
        low, high = contour.points_vox.min(0), contour.points_vox.max(0)
        grid = np.argwhere(np.ones(high - low + 1)) + low
        inside = grid[Polygon(contour.points_vox).contains_points(grid)]
        edge = {tuple(point) for point in contour.points_vox.tolist()}
        marked |= {(scan.slice_of(contour.z_mm), *at) for at in map(tuple, inside.tolist()) if at not in edge}
    return marked


def test_real_readings_are_what_another_implementation_marks() -> None:
    lidc = LidcDatabase()
    equal = []
    for uid in lidc.series()[::40]:
        scan = lidc.scan(uid)
        assert scan is not None
        for reading in scan.readings:
            if all(contour.inclusion for contour in reading.contours):
                ours, theirs = voxels(reading_mask(scan, reading)), by_polygon(scan, reading)
                assert theirs <= ours
                # By crossing numbers, a few pixels in the loops of outlines that cross themselves are out.
                assert len(ours - theirs) < 5
                equal.append(ours == theirs)
    assert len(equal) > 100
    assert np.mean(equal) > 0.95


def test_every_real_reading_marks_something() -> None:
    lidc = LidcDatabase()
    scans = filter(None, map(lidc.scan, lidc.series()[::10]))
    assert all(reading_mask(scan, reading)[1].any() for scan in scans for reading in scan.readings)


def random_masks(seed: int) -> list[Box]:
    rng = np.random.default_rng(seed)
    return [(rng.integers(0, 4, 3), rng.random(rng.integers(3, 6, 3)) < 0.6) for _ in range(3)]


@pytest.mark.parametrize("level", [0.01, 1 / 3, 0.5, 2 / 3, 1.0])
def test_agreed_voxels_by_counting(level: float) -> None:
    for seed in range(20):
        masks = random_masks(seed)
        sets = [voxels(mask) for mask in masks]
        counted = {at for at in set.union(*sets) if sum(at in one for one in sets) >= 3 * level - 1e-6}
        assert voxels(agreed(masks, level)) == counted


def test_masks_without_a_common_voxel_agree_on_none() -> None:
    apart: list[Box] = [
        (np.array([0, 0, 0]), np.ones((1, 1, 1), bool)),
        (np.array([5, 5, 5]), np.ones((1, 1, 1), bool)),
    ]
    assert agreed(apart, 1.0)[1].shape == (0, 0, 0)
    assert len(voxels(agreed(apart, 0.5))) == 2


@pytest.mark.parametrize("level", [0, -0.5, 1.01, float("nan")])
def test_a_level_that_makes_no_sense_is_refused(level: float) -> None:
    with pytest.raises(SettingsError, match=r"agreement of readers; wanted a share over 0 and up to 1"):
        agreed(random_masks(0), level)


def test_stacked_masks_keep_their_places() -> None:
    masks = random_masks(1)
    start, stack = stacked(masks)
    assert [voxels((start, layer)) for layer in stack] == [voxels(mask) for mask in masks]


def test_cropping_keeps_the_voxels() -> None:
    mask: NDArray[np.bool_] = np.zeros((5, 6, 7), bool)
    mask[2, 3:5, 1] = True
    start, small = cropped(np.array([10, 10, 10]), mask)
    assert (start.tolist(), small.shape) == ([12, 13, 11], (1, 2, 1))
    assert small.all()
