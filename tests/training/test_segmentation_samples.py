"""Windows and slices of the segmentation, against the phantoms' own voxels and masks."""

import re
from pathlib import Path

import nibabel
import numpy as np
import pytest

from lungmonai.data import open_volume
from lungmonai.data.datalist import ScanItem
from lungmonai.errors import DataError, SettingsError
from lungmonai.training.items import training_items
from lungmonai.training.segmentation_samples import DrawnWindows, NoduleSlices


@pytest.fixture(scope="module")
def items(phantom_data: Path) -> list[ScanItem]:
    return training_items(phantom_data)


def place_of(name: str) -> tuple[str, int, int, int]:
    uid, *numbers = re.fullmatch(r"(\S+) slice (\d+), row (\d+), column (\d+)", name).groups()
    index, row, column = map(int, numbers)
    return uid, index, row, column


def test_a_window_is_seven_slices_and_the_mask_of_the_middle_one(items: list[ScanItem]) -> None:
    windows = DrawnWindows(items, 40, negative_share=0.5)
    by_uid = {item["seriesuid"]: item for item in items}
    for number in range(40):
        sample = windows[1, number]
        uid, index, row, column = place_of(sample["id"])
        hu = open_volume(by_uid[uid]["image"]).array
        mask = np.asarray(nibabel.load(by_uid[uid]["label"]).dataobj).transpose(2, 1, 0) > 0
        around = np.clip(np.arange(index - 3, index + 4), 0, len(hu) - 1)
        assert np.array_equal(sample["image"], hu[around, row : row + 64, column : column + 64])
        assert np.array_equal(sample["label"][0], mask[index, row : row + 64, column : column + 64])


def test_every_window_holds_its_nodule_without_negatives(items: list[ScanItem]) -> None:
    """Slices are drawn through the sphere of its diameter; a shape that is none can leave a few empty."""
    windows = DrawnWindows(items, 200)
    filled = sum(bool(windows[2, number]["label"].any()) for number in range(200))
    assert filled > 170


def test_a_share_of_the_windows_is_drawn_elsewhere(items: list[ScanItem]) -> None:
    windows = DrawnWindows(items, 200, negative_share=0.9)
    assert sum(bool(windows[1, number]["label"].any()) for number in range(200)) < 60


def test_windows_keep_away_from_findings_that_count_neither_way(items: list[ScanItem]) -> None:
    """A ball in the middle of the scan that many windows would otherwise meet."""
    free = {**items[0], "excluded": [], "candidates": []}
    volume = open_volume(free["image"])
    middle = volume.affine_lps @ [*(size / 2 for size in volume.shape[::-1]), 1]
    guarded = {**free, "excluded": [(*middle[:3].tolist(), 120.0)]}

    def meeting(item: ScanItem) -> int:
        windows = DrawnWindows([item], 150, negative_share=0.999)
        places = [place_of(windows[1, number]["id"])[1:] for number in range(150)]
        return sum(meets(place, guarded["excluded"][0], volume.affine_lps) for place in places)

    assert meeting(free) > 20
    assert meeting(guarded) <= 2


def meets(place: tuple[int, int, int], ball: tuple[float, ...], affine: np.ndarray) -> bool:
    """Whether the centre of any voxel of a window lies in a ball, asked of each."""
    index, row, column = place
    rows, columns = np.mgrid[row : row + 64, column : column + 64]
    voxels = np.stack([columns, rows, np.full_like(rows, index), np.ones_like(rows)])
    points = np.tensordot(affine, voxels, 1)[:3]
    return bool((np.linalg.norm(points.T - ball[:3], axis=-1) < ball[3] / 2).any())


def test_slices_hold_the_nodules_and_are_filled_up(items: list[ScanItem]) -> None:
    slices = NoduleSlices(items)
    uids = {sample["id"].split()[0] for sample in map(slices.__getitem__, range(len(slices)))}
    assert uids == {item["seriesuid"] for item in items if item["nodules"]}
    sample = slices[0]
    assert sample["image"].shape[1] % 16 == sample["image"].shape[2] % 16 == 0
    assert sample["label"].shape == (1, *sample["image"].shape[1:])
    assert all(bool(slices[i]["label"].any()) for i in range(len(slices)))
    wanted = sum(
        int((np.asarray(nibabel.load(item["label"]).dataobj) > 0).any(axis=(0, 1)).sum()) for item in items
    )
    assert len(slices) == wanted


def test_a_few_slices_are_spread_over_all(items: list[ScanItem]) -> None:
    every, few = NoduleSlices(items), NoduleSlices(items, most=3)
    names = [every[i]["id"] for i in range(len(every))]
    chosen = [names.index(few[i]["id"]) for i in range(3)]
    assert chosen[0] == 0
    assert chosen[-1] == len(names) - 1
    assert chosen == sorted(chosen)


def test_scans_without_nodules_are_refused(items: list[ScanItem]) -> None:
    empty = [{key: value for key, value in items[0].items() if key != "label"} | {"nodules": []}]
    with pytest.raises(DataError, match="none of the 1 scans has a nodule"):
        DrawnWindows(empty, 10)
    with pytest.raises(DataError, match="none of the 1 scans has a nodule"):
        NoduleSlices(empty)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_is_none_is_refused(items: list[ScanItem], share: float) -> None:
    with pytest.raises(SettingsError, match=f"negative_share is {share}; wanted 0 to below 1"):
        DrawnWindows(items, 10, negative_share=share)
    with pytest.raises(SettingsError, match="10 samples an epoch with the seed -1"):
        DrawnWindows(items, 10, seed=-1)
