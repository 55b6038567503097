"""The report as text: every count, what failed, and what is missing."""

import copy

import numpy as np
import pytest
from answers_maker import make_answers, make_item, make_nodule

from lungmonai.analysis.settings import AnalysisSettings
from lungmonai.evaluation.analysis_text import analysis_text
from lungmonai.evaluation.cohort import Cohort
from lungmonai.evaluation.cohort_evaluation import evaluate_cohort

HEAD = {
    "datalist": "d.json",
    "split": "test",
    "weights": {
        name: {"sha256": "0", "origin": "o", "stand_in": False} for name in ("seg", "nodule", "malignancy")
    },
}
AT = (0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def whole() -> dict:
    """A scan with a found and a missed nodule, one without, and one that failed."""
    nodules = [make_nodule(0), make_nodule(50, malignant=True)]
    items = [make_item("1.1", nodules), make_item("1.2", [make_nodule(9)]), make_item("1.3")]
    answers = make_answers([(AT, 0.9), ((99, 0, 0), 0.2)], [(AT, 0.9, 0.1)], marked=[9, 0], eroded=[4, 0],
        malignancy=[0.1, 0.9])  # fmt: skip
    cohort = Cohort(items, {"1.1": answers, "1.3": make_answers()}, {"1.2": "it is broken"})
    return evaluate_cohort(cohort, AnalysisSettings(), HEAD, draws=20, seed=0).evaluation


def test_every_part_is_told(whole: dict) -> None:
    lines = analysis_text(whole).splitlines()
    assert lines[0] == "d.json, list test: 2 scans analysed, 2 nodules, 1 found"
    assert lines[1] == "FAILED: 1 scan, in no number below."
    assert "   –/1/0/0  0/0/1/0    1/0/0/0    0/0/0/0  1.1" in lines
    assert "  1.2: it is broken" in lines
    table = next(at for at, line in enumerate(lines) if line.startswith("All scans"))
    assert [line.split() for line in lines[table + 1 : table + 5]] == [
        ["non-nodule", "–", "1", "0", "0"],
        ["benign", "0", "0", "1", "0"],
        ["malignant", "1", "0", "0", "0"],
        ["undecided", "0", "0", "0", "0"],
    ]
    assert "  under the segmentation threshold          1" in lines
    assert any(line.startswith("FROC by LUNA16's rule: CPM 0.500 (") for line in lines)
    assert lines[-1].startswith("Malignancy: not measured")


def test_what_is_missing_is_said(whole: dict) -> None:
    other = copy.deepcopy(whole)
    other["weights"]["malignancy"] = None
    other["weights"]["seg"]["stand_in"] = True
    text = analysis_text(other)
    assert "STAND-IN WEIGHTS: these numbers say nothing" in text
    assert "no network for it; every reported nodule stands as predicted benign." in text


def test_nodules_outside_their_scans_are_told() -> None:
    answers = make_answers(marked=[0, 0], eroded=[0, 0])
    answers.nodule_seg_prob[1] = np.nan
    cohort = Cohort([make_item("1.1", [make_nodule(0), make_nodule(9e3)])], {"1.1": answers})
    told = evaluate_cohort(cohort, AnalysisSettings(), HEAD, draws=0, seed=0).evaluation
    why = "annotated nodules that lie outside of their scans: 1, the first in 1.1; nothing can find them"
    assert f"NOTE: {why}: check that positions are LPS mm." in analysis_text(told).splitlines()


def test_scans_without_nodules_or_marks() -> None:
    cohort = Cohort([make_item("1")], {"1": make_answers()})
    told = evaluate_cohort(cohort, AnalysisSettings(), HEAD, draws=20, seed=0).evaluation
    assert told["froc"]["cpm"] is None
    text = analysis_text(told)
    assert "1 scan analysed, 0 nodules, 0 found" in text
    assert "CPM –" in text


def test_one_scan_and_one_patient_give_no_intervals_and_it_is_said() -> None:
    nodules = [make_nodule(30 * at, malignant=at % 2 == 0) for at in range(4)]
    answers = make_answers([(AT, 0.9)], [(AT, 0.9, 0.9)], marked=[9] * 4, eroded=[4] * 4,
        malignancy=[0.9, 0.2, 0.8, 0.3])  # fmt: skip
    cohort = Cohort([make_item("1", nodules)], {"1": answers})
    told = evaluate_cohort(cohort, AnalysisSettings(), HEAD, draws=20, seed=0).evaluation
    lines = analysis_text(told).splitlines()
    assert "FROC by LUNA16's rule: CPM 0.250" in lines
    assert any(line.startswith("  Note: one scan only: ") for line in lines)
    assert "  AUC                       1.000" in lines
    assert any(line.startswith("NOTE: malignancy: one patient only: ") for line in lines)
