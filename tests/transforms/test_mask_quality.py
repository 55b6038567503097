"""The script behind docs/nodule_masks.md measures what it says."""

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import mask_quality  # noqa: E402

SAMPLE = 60


@pytest.fixture(scope="module")
def crops(shared_data: Path) -> list[mask_quality.Crop]:
    return list(islice(mask_quality.read_crops(shared_data / "lidc_nodules" / "nodules.csv"), SAMPLE))


@pytest.fixture(scope="module")
def found(crops) -> list[mask_quality.Measured]:
    from lungmonai.data.lidc.database import LidcDatabase

    database = LidcDatabase()
    return [mask_quality.measure(crop, database) for crop in crops]


def test_dice() -> None:
    one, other = np.array([1, 1, 1, 0], bool), np.array([0, 1, 1, 1], bool)
    assert mask_quality.dice(one, other) == pytest.approx(2 / 3)
    assert mask_quality.dice(one, other, outside=6) == pytest.approx(1 / 3)
    assert mask_quality.dice(one, one) == 1
    assert mask_quality.dice(~one & one, ~one & one) == 0


@pytest.mark.shared_data
def test_the_annotated_centre_lies_in_the_middle_of_the_mask(crops) -> None:
    away = [crop.center_vox - np.argwhere(crop.truth).mean(axis=0) for crop in crops]
    assert np.median(np.abs(away)) < 0.5
    assert np.max(np.abs(np.median(away, axis=0))) < 0.3


@pytest.mark.shared_data
def test_the_files_hold_what_any_reader_marked(found) -> None:
    union = [item.shares["outlines, any or a quarter", "any reader"] for item in found]
    assert len(union) == SAMPLE
    assert np.mean(np.array(union) > 0.99) > 0.9


@pytest.mark.shared_data
def test_the_box_is_as_good_as_the_page_says(found) -> None:
    # The page's quartiles over all nodules are 0.68 and 0.84.
    assert 0.7 < np.median([item.shares[mask_quality.BOX] for item in found]) < 0.84
    half = [item.shares["box", "half of the readers"] for item in found]
    assert 0.6 < np.median(half) < 0.8


@pytest.mark.shared_data
def test_tables_and_remarks(found) -> None:
    lines = list(mask_quality.tables(found))
    assert f"| all | {SAMPLE} |" in "\n".join(lines)
    assert any("all give it the same origin" in line for line in mask_quality.remarks(found))


def test_the_program_asks_for_the_table() -> None:
    with pytest.raises(SystemExit):
        mask_quality.main([])


def test_the_picture_shows_a_different_nodule_each_time() -> None:
    mask = np.ones((1, 2, 2), dtype=bool)
    found = []
    for number in range(12):
        row = {"diameter_mm": "9", "texture_value": "1" if number in (0, 5) else "5"}
        crop = mask_quality.Crop(row, mask.astype(np.int16), mask, np.eye(4))
        shares = {mask_quality.BOX: number / 12}
        # The worst is also the least precise.
        found.append(mask_quality.Measured(crop, mask, mask, shares, number / 12, 1.0, None))
    found += [mask_quality.Measured(crop, mask, None, shares, 0.0, 1.0, None)]
    chosen = mask_quality.examples(found)
    assert len({id(item) for item in chosen.values()}) == len(chosen) == 8
    assert chosen["best"] is found[11]
