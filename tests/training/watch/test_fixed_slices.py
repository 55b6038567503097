"""The fixed slices against their definition."""

from pathlib import Path

import numpy as np
import pytest

from lungmonai.data.datalist import ScanItem
from lungmonai.errors import DataError
from lungmonai.io import read_ct
from lungmonai.training.items import training_items
from lungmonai.training.watch import FixedSlices


@pytest.fixture
def items(phantom_data: Path) -> list[ScanItem]:
    return training_items(phantom_data, "training")


def test_slices_are_evenly_spaced_in_the_first_scans(items: list[ScanItem]) -> None:
    slices = FixedSlices(list(reversed(items)), scans=1, slices=6)
    first = min(items, key=lambda item: item["seriesuid"])
    last = read_ct(Path(first["image"])).shape[0] - 1
    assert [(item["seriesuid"], index) for item, index in slices.slices] == [
        (first["seriesuid"], number * last // 5) for number in range(6)
    ]
    assert slices.slices[-1][1] == last


def test_the_middle_channel_is_the_slice(items: list[ScanItem]) -> None:
    slices = FixedSlices(items, slices=3)
    assert len(slices) == 3 * len(items)
    item, index = slices.slices[1]
    sample = slices[1]
    hu = read_ct(Path(item["image"])).hu[index]
    image = sample["image"].numpy()
    assert image.shape[0] == 7
    np.testing.assert_array_equal(image[3, : hu.shape[0], : hu.shape[1]], hu)
    assert sample["label"].shape == (1, *image.shape[1:])


def test_no_scans_are_refused() -> None:
    with pytest.raises(DataError, match=r"there is no scan to draw; wanted at least one\."):
        FixedSlices([])
