"""Merged candidates are a submission from which any threshold keeps what the analysis would report."""

import numpy as np
import pytest
from answers_maker import make_answers, make_item, make_nodule, random_scan

from lungmonai.evaluation.cohort_marks import (
    cohort_submission,
    cohort_truth,
    mark_diameters,
    merged_candidates,
    on_pleura,
    texture,
)


@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_a_threshold_keeps_what_the_analysis_reports(threshold: float) -> None:
    for seed in range(30):
        _, answers = random_scan(np.random.default_rng(seed), threshold)
        places = merged_candidates(answers, 10.0)
        kept = places[answers.candidate_prob[places] > np.float32(threshold)]
        np.testing.assert_array_equal(answers.candidate_lps_mm[kept], answers.report_lps_mm)
        assert (np.diff(answers.candidate_prob[places]) <= 0).all()


def test_without_merging_all_are_kept() -> None:
    _, answers = random_scan(np.random.default_rng(5))
    assert sorted(merged_candidates(answers, 0.0)) == list(range(len(answers.candidate_prob)))


def test_scans_without_candidates_count_as_scans_only() -> None:
    items = [make_item("1"), make_item("2"), make_item("3")]
    answers = [make_answers(), make_answers([((1, 2, 3), 0.25), ((50, 0, 0), 0.75)]), make_answers()]
    merged = [merged_candidates(one, 10.0) for one in answers]
    submission = cohort_submission("s.csv", items, answers, merged)
    assert submission.seriesuids == ("2",)
    assert submission.prob.tolist() == [0.75, 0.25]
    assert submission.lps_mm.tolist() == [[50, 0, 0], [1, 2, 3]]
    assert mark_diameters(answers, merged).tolist() == [4.0, 4.0]
    assert cohort_truth(items).scans == ("1", "2", "3")
    nothing = cohort_submission("s.csv", items[:1], answers[:1], merged[:1])
    assert len(nothing.prob) == 0


def test_the_truth_is_the_datalists() -> None:
    rated = make_nodule(1, malignant=None, ratings={"texture": [4, 5]}, place="juxtapleural")
    items = [make_item("1"), make_item("2", [make_nodule(0, diameter=-1.0), rated], excluded=[(1, 2, 3, -1)])]
    truth = cohort_truth(items)
    assert truth.nodules.scan.tolist() == [1, 1]
    assert truth.nodules.diameter_mm.tolist() == [-1, 10]
    assert truth.excluded.scan.tolist() == [1]
    np.testing.assert_array_equal(truth.texture, [np.nan, 4.5])
    np.testing.assert_array_equal(truth.pleural, [np.nan, 1])


def test_what_nobody_said_is_not_known() -> None:
    assert texture(make_nodule(0)) is None
    assert on_pleura(make_nodule(0)) is None
    assert on_pleura(make_nodule(0, place="isolated")) is False
