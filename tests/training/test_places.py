"""Places that a network learns from, and where they lie in a scan."""

from pathlib import Path

import numpy as np
import pytest

from lungmonai.data import open_volume
from lungmonai.data.datalist import ScanItem
from lungmonai.errors import DataError
from lungmonai.io import CTScan
from lungmonai.io.write_metaimage import write_metaimage
from lungmonai.training.places import (
    decided_places,
    malignancy_places,
    nodule_places,
    opened,
    touches_excluded,
)

# Columns run towards the right, as in some LUNA16 scans.
AFFINE = np.array([[-0.5, 0, 0, 20], [0, 0.5, 0, -30], [0, 0, 2.0, 100], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def item(tmp_path_factory: pytest.TempPathFactory) -> ScanItem:
    path = tmp_path_factory.mktemp("scan") / "scan.mhd"
    write_metaimage(CTScan(np.zeros((10, 40, 40), np.int16), AFFINE, "scan"), path)
    return {
        "image": str(path),
        "seriesuid": "scan",
        "patient": "scan",
        "nodules": [
            {"lps_mm": (15.0, -25.0, 104.0), "diameter_mm": 5.0, "malignant": True},
            {"lps_mm": (14.0, -24.0, 106.0), "diameter_mm": 6.0, "malignant": False},
            {"lps_mm": (13.0, -23.0, 108.0), "diameter_mm": 7.0, "malignant": None},
        ],
        "candidates": [(15.0, -25.0, 104.0, 1), (10.0, -20.0, 110.0, 0)],
        "fold": 0,
    }


def test_nodules_come_from_the_annotations_and_the_others_from_the_candidates(item: ScanItem) -> None:
    places = nodule_places([item])
    assert [(place.label, place.kind, place.diameter_mm) for place in places] == [
        (1, "nodule", 5.0), (1, "nodule", 6.0), (1, "nodule", 7.0), (0, "other", 0.0),
    ]  # fmt: skip
    assert places[-1].lps_mm == (10.0, -20.0, 110.0)
    assert places[0].name == "scan 15.0,-25.0,104.0"


def test_nodules_on_which_the_readers_did_not_decide_are_left_out(item: ScanItem) -> None:
    found = [(place.label, place.kind) for place in malignancy_places([item])]
    assert found == [(1, "malignant"), (0, "benign"), (0, "other")]
    assert [place.kind for place in decided_places([item])] == ["malignant", "benign"]


def test_positions_become_voxels_one_or_many(item: ScanItem) -> None:
    volume = open_volume(item["image"])
    # By hand: 5 mm of 0.5 mm in columns and rows, 4 mm of 2 mm in slices.
    assert volume.vox_from_lps((15.0, -25.0, 104.0)).tolist() == [2, 10, 10]
    assert volume.vox_from_lps([(20, -30, 100), (19.75, -30, 101)]).tolist() == [[0, 0, 0], [0.5, 0, 0.5]]


@pytest.mark.parametrize(
    ("finding", "touches"),
    [
        # Rows 10 to 19 and columns 10 to 19 of slice 5: x from 15.25 to 10.25 mm with its edges.
        ((12.5, -22.5, 110.0, 1.0), True),
        ((16.0, -22.5, 110.0, 1.4), False),
        ((16.0, -22.5, 110.0, 1.6), True),
        ((12.5, -22.5, 113.0, 3.0), False),
        ((12.5, -22.5, 113.0, 5.0), True),
        ((20.0, -22.5, 110.0, -1.0), True),  # not measured: 10 mm
        ((20.5, -22.5, 110.0, -1.0), False),
    ],
)
def test_a_finding_reaches_into_a_window_or_not(
    item: ScanItem, finding: tuple[float, ...], touches: bool
) -> None:
    item = {**item, "excluded": [(500.0, 500.0, 500.0, 9.0), finding]}
    assert touches_excluded(item, open_volume(item["image"]), (5, 10, 10), (1, 10, 10)) is touches


def test_without_findings_nothing_is_touched(item: ScanItem) -> None:
    assert not touches_excluded(item, open_volume(item["image"]), (5, 10, 10), (1, 10, 10))


def test_a_scan_that_went_away_is_named(item: ScanItem, tmp_path: Path) -> None:
    gone: ScanItem = {**item, "image": str(tmp_path / "gone.mhd")}
    with pytest.raises(DataError, match=r"gone.mhd does not exist; wanted the scan that the datalist names"):
        opened(gone, None)
