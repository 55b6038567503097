"""Validation marks from a folder or from tables, and the threshold that is chosen on them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from validation_folder import NODULE, SEG, write_folder

from lungmonai.errors import DataError, SettingsError
from lungmonai.evaluation.validation_marks import choose_threshold, marks_of_folder, marks_of_tables
from lungmonai.metrics.operating import Demand, operating_point

ONE = Demand.parse("1 fp/scan")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "v")


def change(folder: Path, **changes: Any) -> None:
    path = folder / "evaluation.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_folder_says_what_its_marks_were_made_with(folder: Path) -> None:
    marks = marks_of_folder(folder, NODULE)
    assert marks.data == "the validation list of datalist.json"
    assert marks.notes == ()
    assert marks.made_with == {
        "seg_sha256": SEG, "region": "scan", "merge": True, "merge_radius_mm": 10.0, "mark_threshold": 0.5,
    }  # fmt: skip
    chosen = choose_threshold(marks, ONE, seed=0, draws=50)
    assert (chosen.at, chosen.scans, chosen.nodules) == ("1 fp/scan", 4, 4)
    # Four false marks of 0.2 to 0.8 on four scans: one more would be 1.25 a scan.
    assert (chosen.false_per_scan, chosen.sensitivity) == (1.0, 0.75)
    assert 0.1 < chosen.value < 0.2
    assert chosen.low <= chosen.value <= chosen.high
    assert chosen.data == marks.data
    assert choose_threshold(marks, ONE, seed=0, draws=50, data="mine").data == "mine"


def test_tables_give_the_same_as_the_folder(folder: Path) -> None:
    given = marks_of_tables(
        [folder / "submission.csv"],
        folder / "annotations.csv",
        scans=folder / "seriesuids.csv",
        excluded=folder / "annotations_excluded.csv",
    )
    of_folder = marks_of_folder(folder, NODULE)
    for name in ("nodule_prob", "false_prob", "false_scan", "nodule_scan"):
        np.testing.assert_array_equal(getattr(given.judged, name), getattr(of_folder.judged, name))
    assert (given.data, given.made_with) == ("submission.csv", {})


def test_without_excluded_findings_marks_on_them_are_false(folder: Path) -> None:
    (folder / "annotations_excluded.csv").unlink()
    marks = marks_of_folder(folder, NODULE)
    assert len(marks.judged.false_prob) == 6
    assert "no excluded findings were given" in marks.notes[0]


@pytest.mark.parametrize(
    ("split", "text"),
    [
        ("test", "this is the test list: what is chosen on it can no longer be tested on it"),
        ("training", "this is the training list: the network learnt from it"),
    ],
)
def test_a_list_that_is_not_for_choosing_is_said(folder: Path, split: str, text: str) -> None:
    change(folder, split=split)
    assert marks_of_folder(folder, NODULE).notes[0].startswith(text)


def test_marks_in_scans_that_are_not_listed_are_said(folder: Path) -> None:
    with (folder / "submission.csv").open("a") as file:
        file.write("elsewhere,0,0,0,0.99\n")
    marks = marks_of_folder(folder, NODULE)
    assert marks.notes == ("not counted, for their scans are not listed: 1 of 11 marks",)
    assert len(marks.judged.false_prob) == 5


def test_what_cannot_be_used_is_refused(folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"was made with the nodule weights dddd.*; wanted an evaluation of the"
    ):
        marks_of_folder(folder, "ee" * 32)
    table = folder / "submission.csv"
    table.write_text(table.read_text().replace("0.8\n", "1.8\n"))
    with pytest.raises(
        DataError, match=r"submission\.csv has scores from 0\.1 to 1\.8; wanted probabilities"
    ):
        marks_of_folder(folder, NODULE)
    table.unlink()
    with pytest.raises(DataError, match=r"submission\.csv could not be read"):
        marks_of_folder(folder, NODULE)
    for text in ("{", "[]", '{"split": "test"}'):
        (folder / "evaluation.json").write_text(text)
        with pytest.raises(DataError, match=r"evaluation\.json cannot be used: .*; wanted a folder that"):
            marks_of_folder(folder, NODULE)
    with pytest.raises(DataError, match=r"evaluation\.json cannot be used: No such file"):
        marks_of_folder(folder / "nowhere", NODULE)


def test_a_demand_that_cannot_be_met_is_refused(folder: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"sensitivity 0\.9 cannot be had: all marks together reach 0\.75"
    ):
        choose_threshold(marks_of_folder(folder, NODULE), Demand.parse("sensitivity 0.9"), seed=0, draws=5)


@pytest.mark.shared_data
def test_the_published_submission_has_its_published_sensitivities(shared_data: Path) -> None:
    """LUNA16 reads them between two thresholds; a threshold has what lies just below."""
    from lungmonai.metrics.froc import RATES, froc

    luna16 = shared_data / "luna16"
    marks = marks_of_tables(
        [luna16 / "deeplung_dpn26_submission.csv"],
        luna16 / "annotations.csv",
        scans=luna16 / "seriesuids.csv",
        excluded=luna16 / "annotations_excluded.csv",
    )
    for rate, published in zip(RATES, froc(marks.judged).at_rates, strict=True):
        chosen = operating_point(marks.judged, Demand(rate, is_rate=True))
        assert rate - 2 / 888 < chosen.false_per_scan <= rate
        assert published - 0.002 < chosen.sensitivity <= published + 0.001
        back = operating_point(marks.judged, Demand(chosen.sensitivity, is_rate=False))
        assert back.threshold >= chosen.threshold
        assert back.sensitivity == chosen.sensitivity
