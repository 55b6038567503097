"""Everything that is told of a submission."""

import json
from pathlib import Path

import numpy as np
import pytest
from froc_tables import HEAD, small_case, written

from lungmonai.errors import SettingsError
from lungmonai.evaluation.froc_report import CURVE_RATES, FrocReport, evaluate_froc
from lungmonai.evaluation.submission import Submission, read_submission
from lungmonai.evaluation.truth import Truth, read_truth
from lungmonai.metrics.froc import RATES, froc
from lungmonai.metrics.judging import Findings


def report_of(case: dict[str, Path], **more) -> FrocReport:
    truth = read_truth(case["annotations"], excluded=case["excluded"], scans=case["scans"])
    return evaluate_froc(read_submission(case["marks"]), truth, **more)


def test_a_small_case_by_hand(tmp_path: Path) -> None:
    told = report_of(small_case(tmp_path), rates=[0.3]).as_dict()
    counts = ("scans", "nodules", "marks", "true_positives", "false_positives", "false_negatives")
    assert [told[name] for name in counts] == [4, 3, 6, 2, 2, 1]
    assert [told[name] for name in ("ignored", "duplicates", "scans_with_marks")] == [1, 1, 3]
    # Points: (0, 1/3), (1/4, 1/3), (1/4, 2/3), (1/2, 2/3). For 1/4 the script reads at 0.2502.
    third = 1 / 3
    assert told["sensitivity"] == pytest.approx([third, *[2 * third] * 6])
    assert told["cpm"] == pytest.approx((third + 6 * 2 * third) / 7)
    assert (told["more_rates"], told["more_sensitivity"]) == ([0.3], [pytest.approx(2 * third)])
    assert (told["cpm_interval"], told["sensitivity_interval"], told["bootstrap"]) == (None, None, None)
    assert told["notes"] == []


def test_strata_have_their_own_nodules_and_all_false_marks(tmp_path: Path) -> None:
    strata = {one["name"]: one for one in report_of(small_case(tmp_path)).as_dict()["strata"]}
    assert [*strata] == [
        *("under 6 mm", "6 to 10 mm", "over 10 mm"),
        *("non-solid", "solid", "texture unknown"),
        *("at the pleura", "not at the pleura", "pleura unknown"),
    ]
    assert {name: (one["nodules"], one["found"]) for name, one in strata.items()} == {
        name: (1, name not in ("over 10 mm", "texture unknown", "pleura unknown")) for name in strata
    }
    assert strata["under 6 mm"]["sensitivity"] == [1] * 7
    # Found at 0.6 only, behind the false mark of 0.8: not yet at 1/8.
    assert strata["non-solid"]["sensitivity"][0] == 0
    assert strata["non-solid"]["sensitivity"][-1] == 1


def test_with_a_bootstrap_there_are_intervals(tmp_path: Path) -> None:
    report = report_of(small_case(tmp_path), bootstrap=200, seed=4, rates=[3.0])
    told = report.as_dict()
    assert report.drawn is not None
    draws = [froc(report.verdicts.judged, counts) for counts in report.drawn.counts]
    vec = np.sort([curve.cpm for curve in draws if np.isfinite(curve.cpm)])
    assert told["cpm_interval"] == [vec[int(0.025 * len(vec))], vec[int(0.975 * len(vec))]]
    assert len(told["sensitivity_interval"]) == len(RATES)
    assert told["more_sensitivity_interval"] == [
        [report.more_sensitivity[0].low, report.more_sensitivity[0].high]
    ]
    assert told["bootstrap"] == {"draws": 200, "seed": 4, "level": 0.95}
    assert all(one["cpm_interval"] is not None for one in told["strata"])
    curve = told["curve"]
    assert len(curve["low"]) == len(curve["high"]) == len(curve["sensitivity"]) == len(CURVE_RATES)
    at = curve["false_per_scan"].index(1.0)
    assert [curve["low"][at], curve["high"][at]] == told["sensitivity_interval"][RATES.index(1.0)]


def test_the_curve_is_read_evenly_from_an_eighth_to_eight() -> None:
    assert (CURVE_RATES[0], CURVE_RATES[-1]) == (1 / 8, 8)
    assert set(RATES) <= set(CURVE_RATES)
    np.testing.assert_allclose(np.diff(np.log2(CURVE_RATES)), 1 / 16)


def test_the_same_input_gives_the_same_json(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    first, again = (json.dumps(report_of(case, bootstrap=20).as_dict(), allow_nan=False) for _ in range(2))
    assert first == again
    assert first != json.dumps(report_of(case, bootstrap=20, seed=1).as_dict(), allow_nan=False)


def test_what_does_not_count_is_told(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    rows = [("a", 1, 1, 1, 0.5), ("a", 1, 1, 1, 0.5), ("z", 0, 0, 0, 1), ("a", 9, 9, 9, 0.25)]
    written(case["marks"], f"{HEAD},probability", rows)
    told = report_of(case, max_marks=2).as_dict()
    assert (told["unknown_scans"], told["unknown_marks"], told["repeated_rows"]) == (["z"], 1, 1)
    assert told["max_marks"] == 2
    assert told["notes"] == [
        "not counted: 1 mark of marks.csv in 1 scan not evaluated, such as z",
        "not counted: 1 mark beyond the 2 highest of a scan",
        "repeated exactly: 1 row of marks.csv; each counts, as in LUNA16's script: off the nodules as a "
        "false mark",
    ]


def test_a_repeated_row_counts_as_often_as_it_stands_there(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    written(case["marks"], f"{HEAD},probability", [("a", 0, 0, 0, 0.5)] * 3 + [("d", 0, 0, 0, 0.5)] * 3)
    told = report_of(case).as_dict()
    assert (told["true_positives"], told["duplicates"], told["false_positives"]) == (1, 2, 3)


def test_no_nodule_and_no_mark_give_no_numbers() -> None:
    nothing = Submission("x.csv", (), np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    none = Findings(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    told = evaluate_froc(nothing, Truth(("a", "b"), none), bootstrap=5).as_dict()
    assert (told["cpm"], told["sensitivity"], told["strata"]) == (None, [None] * 7, [])
    json.dumps(told, allow_nan=False)


def test_a_rate_is_refused_before_the_draws(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match="rates are 0, 1; wanted numbers of false positives a scan, all above"
    ):
        report_of(small_case(tmp_path), rates=[0, 1], bootstrap=10)


@pytest.mark.parametrize(
    ("turned", "said"),
    [
        (
            [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
            "with x and y negated (RAS) the marks would hit 8 of 8 nodules",
        ),
        (
            [[0, 0, 1], [0, 1, 0], [1, 0, 0]],
            "with the columns in the order z, y, x the marks would hit 8 of 8",
        ),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], ""),
    ],
)
def test_mistaken_axes_are_named(turned: list[list[int]], said: str) -> None:
    scan, probs = np.arange(8), np.linspace(0.1, 0.9, 8)
    places = np.random.default_rng(3).uniform(20, 200, (8, 3)) * [1, -1, -3]
    truth = Truth(
        tuple("abcdefgh"), Findings(scan, places, np.full(8, 8.0)), Findings(scan, places, np.ones(8))
    )
    marks = Submission("x.csv", truth.scans, scan, places @ np.array(turned, float), probs)
    notes = evaluate_froc(marks, truth).as_dict()["notes"]
    assert [note for note in notes if said in note] == notes
    assert len(notes) == (1 if said else 0)


def test_a_poor_system_in_the_right_axes_is_not_suspected() -> None:
    rng = np.random.default_rng(4)
    scan, places = np.arange(40), rng.uniform(-150, 150, (40, 3))
    truth = Truth(
        tuple(map(str, scan)), Findings(scan, places, np.full(40, 8.0)), Findings(scan, places, np.ones(40))
    )
    many = np.repeat(scan, 20)
    marks = Submission("x.csv", truth.scans, many, rng.uniform(-150, 150, (800, 3)), rng.random(800))
    assert evaluate_froc(marks, truth).notes == ()


def test_one_scan_has_no_interval_and_says_why(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    scans = written(tmp_path / "one.csv", "seriesuid", [("a",)])
    truth = read_truth(case["annotations"], excluded=case["excluded"], scans=scans)
    told = evaluate_froc(read_submission(case["marks"]), truth, bootstrap=50).as_dict()
    assert told["bootstrap"] is told["cpm_interval"] is told["sensitivity_interval"] is None
    assert told["curve"]["low"] == [None] * len(told["curve"]["sensitivity"])
    assert all(one["cpm_interval"] is None for one in told["strata"])
    assert sum(note.startswith("one scan only: ") for note in told["notes"]) == 1
