"""What an evaluation tells of each nodule."""

import dataclasses
import math

import numpy as np
import pytest
from answers_maker import make_answers, make_item, make_nodule

from lungmonai.evaluation.analysis_entries import nodule_entries
from lungmonai.evaluation.judged_scan import JudgedScan

AT, BESIDE = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("malignancy", "told"),
    # One of its reports may be over 30 mm, and not judged.
    [((0.2, 0.7), 0.7), ((math.nan, 0.7), 0.7), ((0.7, math.nan), 0.7), ((math.nan, math.nan), None)],
)
def test_malignancy_is_the_highest_of_the_reports_that_were_judged(malignancy, told) -> None:
    reports = [(AT, 0.9, malignancy[0]), (BESIDE, 0.8, malignancy[1])]
    answers = make_answers([(AT, 0.9)], reports, marked=[5], eroded=[2])
    (entry,) = nodule_entries([JudgedScan(make_item(nodules=[make_nodule(0)]), answers, 0.5)], region="scan")
    assert entry["malignancy_prob"] == told


def test_the_measured_diameter_is_that_of_the_most_probable_report_that_hits() -> None:
    far = (90.0, 0.0, 0.0)
    reports = [(far, 0.95, 0.1), (BESIDE, 0.9, 0.2), (AT, 0.8, 0.3)]
    answers = make_answers([(AT, 0.9)], reports, marked=[5, 0], eroded=[2, 0])
    answers = dataclasses.replace(answers, report_diameter_mm=np.array([11.0, 7.1234, 5.0]))
    nodules = [make_nodule(0), make_nodule(-90)]
    judged = JudgedScan(make_item(nodules=nodules), answers, 0.5)
    assert [one["measured_mm"] for one in nodule_entries([judged], region="scan")] == [7.123, None]
