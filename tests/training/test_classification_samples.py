"""Crops of places: against voxels cut by hand from the phantoms."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lungmonai.analysis.classify import crop_places
from lungmonai.data import open_volume
from lungmonai.errors import DataError, SettingsError
from lungmonai.io import CTScan, read_ct
from lungmonai.io.write_metaimage import write_metaimage
from lungmonai.training.classification_samples import DrawnCrops, EveryCrop
from lungmonai.training.items import training_items
from lungmonai.training.places import Place, malignancy_places, nodule_places


@pytest.fixture(scope="module")
def places(phantom_data: Path) -> list[Place]:
    return nodule_places(training_items(phantom_data))


def test_a_crop_lies_around_its_place(places: list[Place]) -> None:
    """The rule is the book's: start = round(centre − width / 2), kept inside."""
    place = places[0]
    sample = EveryCrop(places)[0]
    volume = open_volume(place.item["image"])
    column, row, index, _ = np.linalg.inv(volume.affine_lps) @ [*place.lps_mm, 1]
    starts = [
        min(max(round(center - width / 2), 0), size - width)
        for center, width, size in zip((index, row, column), (32, 48, 48), volume.shape, strict=True)
    ]
    where = tuple(slice(start, start + width) for start, width in zip(starts, (32, 48, 48), strict=True))
    assert np.array_equal(sample["image"][0].numpy(), volume.array[where])
    assert sample["label"] == 1
    assert place.item["seriesuid"] in sample["id"]


def test_a_sample_depends_on_seed_epoch_and_index_only(places: list[Place]) -> None:
    def samples(seed: int) -> DrawnCrops:
        return DrawnCrops(places, {"nodule": 1, "other": 1}, 50, seed=seed, jitter_vox=2)

    one, again, other = samples(1), samples(1), samples(2)
    ids = [one[3, index]["id"] for index in range(20)]
    assert [again[3, index]["id"] for index in reversed(range(20))] == ids[::-1]
    assert [one[4, index]["id"] for index in range(20)] != ids
    assert [other[3, index]["id"] for index in range(20)] != ids
    assert bool((one[3, 7]["image"] == again[3, 7]["image"]).all())


def test_kinds_are_drawn_in_their_shares(phantom_data: Path) -> None:
    places = malignancy_places(training_items(phantom_data))
    kinds = {place.name: place.kind for place in places}
    crops = DrawnCrops(places, {"malignant": 2, "benign": 1, "other": 1}, 400)
    drawn = Counter(kinds[crops[1, index]["id"]] for index in range(400))
    assert drawn["malignant"] == pytest.approx(200, abs=35)
    assert drawn["benign"] == pytest.approx(100, abs=30)
    assert {place.label for place in places if place.kind != "malignant"} == {0}


def test_half_of_the_others_are_mined_ones(phantom_data: Path, tmp_path: Path) -> None:
    items = training_items(phantom_data)
    uid = items[0]["seriesuid"]
    x, y, z = items[0]["candidates"][0][:3]
    table = tmp_path / "mined.csv"
    table.write_text(f"seriesuid,coordX,coordY,coordZ,class\n{uid},{x},{y},{z},0\n")
    places = nodule_places(training_items(phantom_data, candidates=str(table)))
    assert [place.lps_mm for place in places if place.mined] == [(x, y, z)]
    assert sum(not place.mined for place in places if place.label == 0) > 50
    crops = DrawnCrops(places, {"other": 1}, 200)
    assert sum(uid in crops[1, i]["id"] for i in range(200)) == pytest.approx(100, abs=25)


def test_a_jitter_moves_the_crop_by_no_more(places: list[Place]) -> None:
    place = places[0]
    still = EveryCrop([place])[0]["image"][0].numpy().astype(int)
    for index in range(5):
        moved = DrawnCrops([place], {"nodule": 1}, 9, jitter_vox=2)[1, index]["image"][0].numpy()
        shifts = [(a, b, c) for a in range(-2, 3) for b in range(-2, 3) for c in range(-2, 3)]
        inner = still[4:-4, 4:-4, 4:-4]
        assert any(
            np.array_equal(moved[4 - a : 28 - a, 4 - b : 44 - b, 4 - c : 44 - c], inner) for a, b, c in shifts
        )


def test_wrong_shares_and_missing_kinds_are_refused(places: list[Place]) -> None:
    with pytest.raises(DataError, match=r"none of the \d+ places is of the kind 'malignant'"):
        DrawnCrops(places, {"malignant": 1}, 10)
    with pytest.raises(SettingsError, match=r"the shares are \{'nodule': -1\}"):
        DrawnCrops(places, {"nodule": -1}, 10)
    with pytest.raises(SettingsError, match="jitter_vox is -1; wanted 0 or more"):
        DrawnCrops(places, {"nodule": 1}, 10, jitter_vox=-1)
    with pytest.raises(SettingsError, match="-10 samples an epoch"):
        DrawnCrops(places, {"nodule": 1}, -10)
    with pytest.raises(DataError, match="no place to look at"):
        EveryCrop([])


def test_crops_of_a_spacing_are_those_that_the_analysis_cuts(places: list[Place]) -> None:
    place, spacing_mm = places[0], (1.25, 0.7, 0.7)
    scan = read_ct(place.item["image"]).canonical()
    center_vox = scan.vox_from_lps([place.lps_mm])
    cut_at, cut = crop_places(scan, center_vox, spacing_mm)
    assert np.array_equal(EveryCrop([place], spacing_mm=spacing_mm)[0]["image"][0].numpy(), cut(cut_at[0]))
    with pytest.raises(SettingsError, match="spacing of crops is 3"):
        EveryCrop([place], spacing_mm=3)  # type: ignore[arg-type]


def test_a_jitter_is_counted_in_voxels_of_the_crop(tmp_path: Path) -> None:
    """On a scan whose HU rise by 4 a millimetre along the slices, the mean tells where a crop lies."""
    hu = np.broadcast_to(np.arange(200, dtype=np.int16)[:, None, None] * 4, (200, 80, 80))
    write_metaimage(CTScan(np.ascontiguousarray(hu), np.eye(4), "ramp"), tmp_path / "ramp.mhd")
    item = {"image": str(tmp_path / "ramp.mhd"), "seriesuid": "ramp"}
    place = Place(item, (40.0, 40.0, 100.0), 1, "nodule")  # type: ignore[arg-type]
    crops = DrawnCrops([place], {"nodule": 1}, 40, jitter_vox=2, spacing_mm=(3.0, 0.7, 0.7))
    away_mm = [float(crops[0, index]["image"].double().mean()) / 4 - 100 for index in range(40)]
    assert 5 < max(map(abs, away_mm)) <= 6.1  # 2 voxels of 3 mm
