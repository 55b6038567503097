"""Airways: the windpipe is found, and a bronchus where it opens into the lung; lung is left to nodules."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from lungmonai.data.phantom.airways import find_airways
from lungmonai.data.phantom.lung_room import LungRoom
from lungmonai.data.phantom.nodule_shapes import shape_from_mask
from lungmonai.io import CTScan, read_ct

SPACING_MM = (1.0, 1.0, 2.5)
SHAPE = (80, 180, 240)


def chest(pipe_at: int = 120) -> tuple[CTScan, np.ndarray, np.ndarray]:
    """Two lungs and a windpipe that opens into one of them below; which voxels are air of which."""
    z, y, x = np.indices(SHAPE)
    lungs = np.zeros(SHAPE, bool)
    for side in (-1, 1):
        far = ((z - 36) / 32) ** 2 + ((y - 90) / 60) ** 2 + ((x - 120 - side * 50) / 38) ** 2
        lungs |= far < 1
    pipe = (np.hypot(y - 90, x - pipe_at) < 8) & (z > 34)
    bronchus = (np.hypot(y - 90, (z - 36) * 2.5) < 6) & (x > pipe_at) & (x < pipe_at + 30)
    airways = pipe | bronchus
    wall = (np.hypot(y - 90, x - pipe_at) < 10) & (z > 32)
    wall |= (np.hypot(y - 90, (z - 36) * 2.5) < 8) & (x > pipe_at) & (x < pipe_at + 26)
    hu = np.where(lungs, -850, 40)
    hu[wall] = 40
    hu[airways] = -1000
    # Dark lung that reaches far in its slice, as emphysema does.
    hu[lungs & ~wall & ~airways & (x < 60)] = -960
    hu = hu + np.random.default_rng(0).normal(0, 15, SHAPE)
    return CTScan(hu.clip(-1024).astype(np.int16), np.diag([*SPACING_MM, 1.0]), "1.2"), airways, lungs


def test_windpipe_and_bronchus_are_airways_and_lung_is_not() -> None:
    scan, airways, lungs = chest()
    found = find_airways(scan, np.ones(SHAPE, bool), -850)
    # Its rim is partial volume.
    assert found[ndimage.binary_erosion(airways, np.ones((1, 3, 3)))].mean() > 0.95
    assert found[lungs & ~airways].mean() < 0.01


@pytest.mark.parametrize("pipe_at", [120, 160])
def test_no_room_in_or_across_an_airway(pipe_at: int) -> None:
    scan, airways, _ = chest(pipe_at)
    room = LungRoom(scan)
    rng = np.random.default_rng(0)
    ball = np.linalg.norm(np.indices((13, 13, 13)) - 6, axis=0) <= 5
    shape = shape_from_mask(ball, (1.0, 1.0, 1.0))
    # Wide enough for the ball, and with a wall: it would pass for lung, free or at the pleura.
    found = [room.find(place, shape, rng) for place in ("isolated", "juxtapleural") * 150]
    centers = np.array([center for center in found if center is not None])
    assert len(centers) > 200
    to_airway = ndimage.distance_transform_edt(~airways, sampling=SPACING_MM[::-1])
    # A voxel at the rim of either may be partial volume.
    assert to_airway[tuple(np.rint(centers).astype(int).T)].min() > 3


@pytest.mark.shared_data
def test_a_real_windpipe_is_found_as_one_column(shared_data: Path) -> None:
    scan = read_ct(shared_data / "ct" / "c3n-00247").canonical()
    found = find_airways(scan, np.ones(scan.shape, bool), -850)
    # From the neck to the carina the windpipe lies in the body's middle, 1 to 6 cm² wide.
    columns = found[66:86, 190:280, 215:285]
    area_mm2 = columns.sum(axis=(1, 2)) * scan.spacing_mm[0] * scan.spacing_mm[1]
    assert (area_mm2 > 100).all()
    assert (area_mm2 < 700).all()


def test_a_long_nodule_lies_as_a_whole_in_the_lung() -> None:
    scan, _, lungs = chest()
    room = LungRoom(scan)
    rng = np.random.default_rng(0)
    shape = shape_from_mask(np.ones((3, 3, 33), bool), (1.0, 1.0, 1.0))
    for _ in range(40):
        center = room.find("isolated", shape, rng)
        assert center is not None
        z, y, x = np.rint(center).astype(int)
        assert lungs[z, y, x - 15 : x + 16].mean() > 0.95


def test_two_long_nodules_do_not_overlap() -> None:
    scan, _, _ = chest()
    room = LungRoom(scan)
    rng = np.random.default_rng(0)
    shape = shape_from_mask(np.ones((3, 3, 33), bool), (1.0, 1.0, 1.0))
    centers: list[np.ndarray] = []
    for _ in range(6):
        center = room.find("isolated", shape, rng)
        if center is not None:
            room.take(center, shape.reach_mm)
            centers.append(center * SPACING_MM[::-1])
    assert len(centers) >= 2
    assert all(np.linalg.norm(a - b) > 33 for a, b in combinations(centers, 2))
