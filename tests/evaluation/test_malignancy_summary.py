"""Malignancy beside the diameter: of whom it tells, and that `evaluate scores` would say the same."""

import numpy as np
import pytest
from answers_maker import make_answers, make_item, make_nodule

from lungmonai.evaluation.cohort import Cohort
from lungmonai.evaluation.malignancy_summary import decided_nodules, malignancy_summary


def cohort_of(*scans) -> Cohort:
    """Scans of (malignant, diameter, probability) triples."""
    items, answers = [], {}
    for number, rows in enumerate(scans):
        nodules = [make_nodule(at, malignant=row[0], diameter=row[1]) for at, row in enumerate(rows)]
        items.append(make_item(str(number), nodules))
        marked = [1] * len(rows)
        answers[str(number)] = make_answers(marked=marked, eroded=marked, malignancy=[row[2] for row in rows])
    return Cohort(items, answers)


ROWS = [(True, 20.0, 0.9), (False, 5.0, 0.8), (None, 6.0, 0.99)], [(True, 4.0, 0.85), (False, 3.0, 0.1)]


def test_areas_are_shares_of_ordered_pairs() -> None:
    found = malignancy_summary(cohort_of(*ROWS), draws=200, seed=1)
    assert (found["nodules"], found["malignant"], found["patients"]) == (4, 2, 2)
    # Probabilities 0.9, 0.85 over 0.8, 0.1: all four pairs; diameters 20, 4 over 5, 3: three of four.
    assert (found["auc"], found["auc_diameter"], found["difference"]) == (1.0, 0.75, 0.25)
    low, high = found["auc_diameter_interval"]
    assert low <= 0.75 <= high


def test_an_unknown_diameter_is_not_the_smallest_one() -> None:
    rows = [*ROWS[0], (True, -1.0, 0.2)], ROWS[1]
    found = malignancy_summary(cohort_of(*rows), draws=100, seed=1)
    # The fifth nodule, malignant at 0.2, is over one of two benign ones; its size says nothing.
    assert found["auc"] == pytest.approx(5 / 6)
    assert (found["auc_diameter"], found["difference"]) == (0.75, 0.25)
    assert malignancy_summary(cohort_of(*rows), draws=0, seed=1)["difference"] == 0.25
    unsized = [[(kind, -1.0, prob) for kind, _, prob in scan] for scan in ROWS]
    none = malignancy_summary(cohort_of(*unsized), draws=100, seed=1)
    assert none["auc"] == 1.0
    assert none["auc_diameter"] is none["auc_diameter_interval"] is none["difference"] is None


def test_without_draws_there_are_no_intervals() -> None:
    found = malignancy_summary(cohort_of(*ROWS), draws=0, seed=0)
    assert found["auc"] == 1.0
    assert found["auc_interval"] is found["difference_interval"] is None


def test_failed_scans_count_in_nothing() -> None:
    cohort = cohort_of(*ROWS)
    del cohort.answers["1"]
    assert malignancy_summary(cohort, draws=0, seed=0) is None
    assert [one.seriesuid for one in decided_nodules(cohort)] == ["0", "0"]


@pytest.mark.parametrize("rows", [[], [(True, 5.0, 0.5), (True, 5.0, 0.5), (False, 5.0, 0.5)]])
def test_too_few_of_a_kind(rows) -> None:
    assert malignancy_summary(cohort_of(rows), draws=10, seed=0) is None


def test_the_patient_of_a_composites_nodule_is_the_one_it_came_from() -> None:
    cohort = cohort_of([(True, 5.0, 0.5)])
    cohort.items[0]["nodules"][0]["source_patient"] = "LIDC-IDRI-0001"
    assert [one.patient for one in decided_nodules(cohort)] == ["LIDC-IDRI-0001"]


def test_without_a_network_there_is_nothing_to_tell() -> None:
    assert list(decided_nodules(cohort_of([(True, 5.0, np.nan)]))) == []


def test_one_patient_gives_no_interval() -> None:
    found = malignancy_summary(cohort_of([*ROWS[0], *ROWS[1]]), draws=50, seed=0)
    assert (found["patients"], found["auc"]) == (1, 1.0)
    assert found["auc_interval"] is found["auc_diameter_interval"] is found["difference_interval"] is None
