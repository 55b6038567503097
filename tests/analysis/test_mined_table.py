"""Which candidates are true, which false, and what the table says."""

import csv
from pathlib import Path

import numpy as np
import pytest

from lungmonai.analysis.candidates import FoundCandidates
from lungmonai.analysis.mined_table import judge_candidates, missed_path, write_mined
from lungmonai.data.luna16.tables import read_numbers
from lungmonai.errors import SettingsError


def found_at(*x_mm: float) -> FoundCandidates:
    """Candidates on the x axis."""
    lps_mm = np.column_stack([x_mm, np.zeros((len(x_mm), 2))]) if x_mm else np.zeros((0, 3))
    count = len(x_mm)
    return FoundCandidates(lps_mm, np.linspace(0.5, 1, count, dtype=np.float32), np.arange(1, count + 1))


def item_with(series: str, nodules: dict[float, float], excluded: dict[float, float] | None = None) -> dict:
    """A scan with nodules and excluded findings: their diameters by x."""
    return {
        "seriesuid": series,
        "nodules": [{"lps_mm": (x, 0.0, 0.0), "diameter_mm": mm} for x, mm in nodules.items()],
        "excluded": [(x, 0.0, 0.0, mm) for x, mm in (excluded or {}).items()],
    }


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_nearer_than_half_the_diameter_is_a_hit() -> None:
    item = item_with("1", {0: 10, 50: 4, 100: 8}, {200: -1, 2: 8})
    #               nodule, at the radius, false, excluded by 10 mm, at its radius
    found = found_at(4.99, 52.0, 60.0, 204.9, 205.0, 98.0)
    judged = judge_candidates(found, item)
    assert judged.true.tolist() == [True, False, False, False, False, True]
    assert judged.false.tolist() == [False, True, True, False, True, False]
    assert judged.found.tolist() == [True, False, True]


def test_the_table_is_what_luna16s_readers_read(tmp_path: Path) -> None:
    items = [item_with("a", {0: 10, 50: 4}), item_with("b", {}), item_with("left out", {0: 5})]
    found = {"a": found_at(1.0, 20.0, 2.0), "b": found_at()}
    path = tmp_path / "candidates.csv"
    counts = write_mined(path, items, found)
    rows = rows_of(path)
    assert list(rows[0]) == ["seriesuid", "coordX", "coordY", "coordZ", "class", "probability", "voxels"]
    assert [(float(row["coordX"]), row["class"], row["voxels"]) for row in rows] == [
        (1.0, "1", "1"),
        (20.0, "0", "2"),
        (2.0, "1", "3"),
    ]
    assert [float(row["probability"]) for row in rows] == [0.5, 0.75, 1.0]
    table = read_numbers(path, ("coordX", "coordY", "coordZ", "class"))
    assert (list(table.rows), len(table.bad)) == (["a"], 0)
    assert [(row["seriesuid"], float(row["coordX"]), float(row["diameter_mm"])) for row in rows_of(
        missed_path(path))] == [("a", 50.0, 4.0)]  # fmt: skip
    assert str(counts) == (
        "2 scans: 1 of 2 nodules found, by 2 candidates\n"
        "0.5 false candidates a scan, 0.5 of them kept; 0 at excluded findings left out"
    )


def test_most_draws_false_ones_by_seed_and_keeps_the_true(tmp_path: Path) -> None:
    found = {name: found_at(0.0, *range(100, 400)) for name in "ab"}
    items = [item_with(name, {0: 10}, {399: 1}) for name in "ab"]

    def drawn(seed: int, names: str = "ab") -> dict[str, list[float]]:
        only = [item for item in items if item["seriesuid"] in names]
        counts = write_mined(tmp_path / "t.csv", only, found, most=20, seed=seed)
        assert (counts.true, counts.false, counts.excluded, counts.kept) == tuple(
            len(names) * n for n in (1, 299, 1, 20)
        )
        rows = rows_of(tmp_path / "t.csv")
        return {name: [float(row["coordX"]) for row in rows if row["seriesuid"] == name] for name in names}

    first = drawn(0)
    for places in first.values():
        assert places == sorted(places)
        assert places[0] == 0.0
        assert len(set(places)) == 21
        assert max(places) > 300  # not the first ones
    assert drawn(0) == first
    assert drawn(1) != first
    assert first["a"] != first["b"]
    assert drawn(0, "b")["b"] == first["b"]  # whatever the other scans are


def test_a_negative_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="most is -1; wanted 0 or more"):
        write_mined(tmp_path / "t.csv", [], {}, most=-1)
    with pytest.raises(SettingsError, match="seed is -1; wanted 0 or more"):
        write_mined(tmp_path / "t.csv", [], {}, seed=-1)
