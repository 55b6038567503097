"""The table against the reference project's rule, written out detection by detection."""

import math

import numpy as np
import pytest
from answers_maker import make_answers, make_item, make_nodule, random_scan

from lungmonai.evaluation.judged_scan import COLUMNS, ROWS, JudgedScan


def by_the_rule(item, answers, threshold):
    """Each detection has a class, each nodule the highest class that hits it; the others are non-nodules."""
    candidates = list(zip(answers.candidate_lps_mm, answers.candidate_prob, strict=True))
    detections = [(place, 1) for place, prob in candidates if not prob > np.float32(threshold)]
    # Candidates that went into a report do not stand for themselves, but a nodule they hit was marked.
    swallowed = [place for place, prob in candidates if prob > np.float32(threshold)]
    for place, malignant in zip(answers.report_lps_mm, answers.report_malignancy, strict=True):
        detections.append((place, 3 if malignant > 0.5 else 2))
    table = [[0] * 4 for _ in range(4)]
    hit_something = [False] * len(detections)
    for nodule in item["nodules"]:
        size = 10.0 if nodule["diameter_mm"] < 0 else nodule["diameter_mm"]
        best = 0
        for number, (place, kind) in enumerate(detections):
            if math.dist(place, nodule["lps_mm"]) / size < 0.7:
                best, hit_something[number] = max(best, kind), True
        if any(math.dist(place, nodule["lps_mm"]) / size < 0.7 for place in swallowed):
            best = max(best, 1)
        table[{False: 1, True: 2, None: 3}[nodule["malignant"]]][best] += 1
    for (_, kind), hit in zip(detections, hit_something, strict=True):
        if not hit:
            table[0][kind] += 1
    return table


@pytest.mark.parametrize("seed", range(40))
def test_the_table_is_that_of_the_rule(seed: int) -> None:
    item, answers = random_scan(np.random.default_rng(seed))
    judged = JudgedScan(item, answers, 0.5)
    assert judged.table.tolist() == by_the_rule(item, answers, 0.5)
    assert judged.table[1:].sum() == len(item["nodules"])
    assert judged.found.sum() == judged.table[1:, 2:].sum()
    assert judged.false_reports == (~judged.report_hits.any(axis=1)).sum()


def test_the_rows_and_columns_are_the_reference_projects() -> None:
    assert ROWS[:3] == ("non-nodule", "benign", "malignant")
    assert COLUMNS == ("complete miss", "filtered out", "predicted benign", "predicted malignant")


def test_of_several_hits_the_highest_class_counts() -> None:
    item = make_item(nodules=[make_nodule(0, malignant=True)])
    benign, malignant = ((0, 0, 0), 0.9, 0.1), ((3, 0, 0), 0.6, 0.9)
    reports = [benign, malignant]
    answers = make_answers([one[:2] for one in reports], reports, marked=[1], eroded=[1])
    assert JudgedScan(item, answers, 0.5).table.tolist()[2] == [0, 0, 0, 1]


def test_without_a_malignancy_network_what_is_reported_is_predicted_benign() -> None:
    item = make_item(nodules=[make_nodule(0, malignant=True)])
    answers = make_answers([((0, 0, 0), 0.9)], [((0, 0, 0), 0.9, math.nan)], marked=[1], eroded=[1])
    assert JudgedScan(item, answers, 0.5).table.tolist()[2] == [0, 0, 1, 0]


def test_the_threshold_is_compared_as_the_analysis_compares_it() -> None:
    item = make_item()
    answers = make_answers([((0, 0, 0), 0.1)])  # 0.1 in float32 is a little over 0.1
    assert not JudgedScan(item, answers, 0.1).over.any()


def test_a_scan_without_anything() -> None:
    assert not JudgedScan(make_item(), make_answers(), 0.5).table.any()
