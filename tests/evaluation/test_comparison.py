"""Two submissions compared: small ones by hand, and a published one beside copies of itself."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from compared_systems import POINTS, compared
from froc_tables import written

from lungmonai.errors import DataError, SettingsError
from lungmonai.evaluation.comparison import compare_submissions, write_comparison
from lungmonai.evaluation.submission import read_submission
from lungmonai.evaluation.truth import read_truth


def test_differences_are_those_of_the_curves_by_hand(tmp_path: Path) -> None:
    """B marks the third nodule first and nothing else: 1 of 3 at every rate."""
    found = compared(tmp_path, [("b", 90, 0, 0, 0.3)])
    content = found.as_dict()
    at = {one["false_per_scan"]: one for one in content["sensitivity"]}
    assert at[2.0]["first"]["value"] == pytest.approx(2 / 3)
    assert at[2.0]["second"]["value"] == pytest.approx(1 / 3)
    assert at[2.0]["difference"]["value"] == pytest.approx(1 / 3)
    assert at[0.125]["difference"]["value"] == pytest.approx(0)
    mean = np.mean([one["difference"]["value"] for one in content["sensitivity"]])
    assert content["cpm"]["difference"]["value"] == pytest.approx(mean)
    assert (content["scans"], content["nodules"], content["scans_listed"]) == (4, 3, True)


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    found = compared(tmp_path, [("b", 90, 0, 0, 0.3), ("c", 50, 0, 0, 0.2)])
    write_comparison(tmp_path / "one", found)
    write_comparison(tmp_path / "two", compared(tmp_path, [("b", 90, 0, 0, 0.3), ("c", 50, 0, 0, 0.2)]))
    for name in ("compare.json", "compare.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert json.loads((tmp_path / "one" / "compare.json").read_text())["second"] == "b.csv"
    other = compared(tmp_path, [("b", 90, 0, 0, 0.3), ("c", 50, 0, 0, 0.2)], seed=1)
    assert other.as_dict() != found.as_dict()


def test_without_a_list_both_must_name_the_same_scans(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"marks.csv and b.csv do not name the same scans: 2 stand in one only, such as a in marks.csv; "
        r"wanted a list that says which scans both looked at\. Give it with --scans",
    ):
        compared(tmp_path, [("b", 90, 0, 0, 0.3)], listed=False)
    same = [("a", 0, 0, 0, 0.3), ("b", 90, 0, 0, 0.3), ("c", 90, 0, 0, 0.3)]
    assert len(compared(tmp_path, same, listed=False).first.truth.scans) == 3


def test_numbers_of_draws_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="0 draws of 4 scans with seed 0; wanted at least one draw"):
        compared(tmp_path, [("b", 90, 0, 0, 0.3)], draws=0)
    with pytest.raises(SettingsError, match="-1 permutations with seed 0; wanted both from 0"):
        compared(tmp_path, [("b", 90, 0, 0, 0.3)], permutations=-1)


@pytest.mark.shared_data
def test_a_published_system_beside_copies_of_itself(shared_data: Path, tmp_path: Path) -> None:
    """With other scores in the same order it is as good; without its marks in 30 scans it is worse."""
    folder = shared_data / "luna16"
    with (folder / "deeplung_dpn26_submission.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    places = [[row[name] for name in ("seriesuid", "coordX", "coordY", "coordZ")] for row in rows]
    scaled = [[*place, math.sqrt(float(row["probability"]))] for place, row in zip(places, rows, strict=True)]
    gone = set(sorted({row[0] for row in scaled})[:30])
    copies = {
        "same.csv": scaled,
        "fewer.csv": [row for row in scaled if row[0] not in gone],
    }
    published = read_submission(folder / "deeplung_dpn26_submission.csv")
    truth = read_truth(
        folder / "annotations.csv",
        excluded=folder / "annotations_excluded.csv",
        scans=folder / "seriesuids.csv",
    )
    same, fewer = (
        compare_submissions(
            published,
            read_submission(written(tmp_path / name, POINTS, marks)),
            truth,
            draws=60,
            permutations=99,
        ).paired.cpm
        for name, marks in copies.items()
    )
    assert same.first.value == pytest.approx(0.841966, abs=5e-7)
    assert (same.difference.value, same.difference.low, same.difference.high, same.p_value) == (0, 0, 0, 1)
    assert 0.005 < fewer.difference.low <= fewer.difference.value < fewer.difference.high
    assert fewer.p_value == pytest.approx(1 / 100)
