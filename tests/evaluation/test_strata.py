"""Strata of nodules."""

import numpy as np

from lungmonai.evaluation.strata import strata_of
from lungmonai.evaluation.truth import Truth
from lungmonai.metrics.judging import Findings


def names_of(by: str, diameter_mm: list[float], **more: list[float]) -> list[set[str]]:
    """For each nodule the strata that hold it."""
    many = len(diameter_mm)
    nodules = Findings(np.zeros(many, np.int64), np.zeros((many, 3)), np.array(diameter_mm))
    truth = Truth(("a",), nodules, **{name: np.array(values) for name, values in more.items()})
    strata = [one for one in strata_of(truth) if one.by == by]
    return [{one.name for one in strata if one.chosen[at]} for at in range(many)]


def test_by_diameter() -> None:
    small, middle, large = {"under 6 mm"}, {"6 to 10 mm"}, {"over 10 mm"}
    found = names_of("diameter", [3, 5.99, 6, 10, 10.01, 40, -1])
    assert found == [small, small, middle, middle, large, large, {"diameter unknown"}]


def test_by_texture_a_mean_goes_to_the_nearest_rating() -> None:
    ratings = [1, 2, 2.4, 2.5, 3, 3.25, 3.5, 4, 5, np.nan]
    found = names_of("texture", [5.0] * 10, texture=ratings)
    kinds = ["non-solid"] * 3 + ["part-solid"] * 3 + ["solid"] * 3 + ["texture unknown"]
    assert found == [{kind} for kind in kinds]


def test_by_contact_with_the_pleura() -> None:
    found = names_of("pleural", [5.0] * 3, pleural=[1, 0, np.nan])
    assert found == [{"at the pleura"}, {"not at the pleura"}, {"pleura unknown"}]


def test_a_stratum_without_nodules_is_left_out() -> None:
    nodules = Findings(np.zeros(1, np.int64), np.zeros((1, 3)), np.array([7.0]))
    assert [one.name for one in strata_of(Truth(("a",), nodules))] == ["6 to 10 mm"]
