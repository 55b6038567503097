"""Where a scan lies is told from boxes around its nodules."""

from pathlib import Path

import numpy as np
import pytest
from lidc_maker import drawn_box, made_scan

from lungmonai.data.lidc.database import LidcScan
from lungmonai.data.lidc.frames import FITS_MM, Frame, LpsBox, place_box
from lungmonai.data.lidc.nodules import LidcNodule, lidc_nodules


@pytest.fixture
def scan(tmp_path: Path) -> LidcScan:
    """Two readers of one nodule, one of another with the same box but for its place, one of a flat one."""
    readings = [
        drawn_box((9, 11), (18, 22), (30, 34)),
        drawn_box((9, 12), (18, 25), (30, 37)),
        drawn_box((9, 12), (68, 73), (70, 75)),
        drawn_box((30, 30), (18, 22), (90, 99)),
    ]
    return made_scan(tmp_path, readings)


@pytest.fixture
def nodules(scan: LidcScan) -> list[LidcNodule]:
    return lidc_nodules(scan)


def published(nodule: LidcNodule, frame: Frame) -> LpsBox:
    first, last = (frame.lps_from_vox(corner).tolist() for corner in nodule.outline_box_vox)
    return (first[0], first[1], first[2]), (last[0], last[1], last[2])


def test_the_box_is_the_mean_of_the_readers_outlines(nodules: list[LidcNodule]) -> None:
    first, last = nodules[0].outline_box_vox
    # Outlines at rows 17 to 23 and 17 to 26, columns 29 to 35 and 29 to 38; halves go to even numbers.
    assert first.tolist() == [9, 17, 29]
    assert last.tolist() == [12, 24, 36]
    assert (nodules[1].outline_box_vox - nodules[0].outline_box_vox).tolist() == [[0, 50, 40]] * 2


def test_a_frame_places_voxels_and_finds_them_again(scan: LidcScan) -> None:
    vox = np.array([[0.0, 0, 0], [3, 10, 20], [3.5, 10.5, 20.25]])
    straight = Frame(scan, (-150.0, 80.0))
    assert straight.lps_from_vox(vox).tolist() == [[-150, 80, -100], [-140, 85, -94], [-139.875, 85.25, -93]]
    turned = Frame(scan, (150.0, 80.0), -1)
    assert turned.lps_from_vox(vox[1]).tolist() == [140, 75, -94]
    for frame in (straight, turned):
        assert frame.vox_from_lps(frame.lps_from_vox(vox)) == pytest.approx(vox)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_box_gives_the_frame_back(
    scan: LidcScan, nodules: list[LidcNodule], number: int, direction: int
) -> None:
    truth = Frame(scan, (-123.456, 78.9), direction)
    nodule = nodules[number]
    frame = place_box(scan, nodules, published(nodule, truth), nodule.diameter_mm)
    assert frame
    assert frame.direction == direction
    assert frame.origin_xy_mm == pytest.approx(truth.origin_xy_mm)


def test_a_box_that_fits_no_nodule_gives_none(scan: LidcScan, nodules: list[LidcNodule]) -> None:
    (x, y, z), last = published(nodules[0], Frame(scan, (0.0, 0.0)))
    assert place_box(scan, nodules, ((x + 0.9 * FITS_MM, y, z), last), 3.0)
    assert place_box(scan, nodules, ((x + 1.1 * FITS_MM, y, z), last), 3.0) is None
    assert place_box(scan, nodules, ((x, y, z + 2), last), 3.0) is None
    assert place_box(scan, [], ((x, y, z), last), 3.0) is None
