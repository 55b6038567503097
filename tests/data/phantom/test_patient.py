"""Patients differ, fit their volume, and place landmarks where anatomy has them."""

from dataclasses import astuple

import numpy as np

from lungmonai.data.phantom.patient import draw_patient
from lungmonai.data.phantom.shapes import Grid

GRID = Grid((280, 512, 512), (0.7, 0.7, 1.0))


def test_same_generator_same_patient() -> None:
    first, second, other = (draw_patient(GRID, np.random.default_rng(s)) for s in (1, 1, 2))
    assert astuple(first) == astuple(second)
    assert astuple(first) != astuple(other)


def test_patients_fit_into_the_volume() -> None:
    for seed in range(30):
        patient = draw_patient(GRID, np.random.default_rng(seed))
        assert patient.apex_mm < 140
        assert patient.apex_mm - patient.height_mm > -140
        assert patient.width_mm < 0.4 * 512 * 0.7
        assert patient.domes[0] < patient.domes[1]


def test_some_have_contrast_medium_and_some_have_breasts() -> None:
    patients = [draw_patient(GRID, np.random.default_rng(seed)) for seed in range(60)]
    assert 10 < sum(p.blood_hu > 100 for p in patients) < 40
    assert 15 < sum(p.breasts_mm > 0 for p in patients) < 45


def test_heights_go_both_ways() -> None:
    patient = draw_patient(GRID, np.random.default_rng(0))
    np.testing.assert_allclose(patient.down(patient.z([0, 0.25, 1.2])), [0, 0.25, 1.2])
    assert patient.z(0) > patient.z(1)
    assert patient.vertebra_z(0) > patient.vertebra_z(0.5) > patient.vertebra_z(1)


def test_landmarks_are_up_forwards_and_to_the_left() -> None:
    patient = draw_patient(GRID, np.random.default_rng(0))
    origin, up, front, left = patient.places([(0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10)])
    assert up[0] > origin[0]
    assert front[1] < origin[1]
    assert left[2] > origin[2]
    np.testing.assert_allclose(origin[1], patient.spine_y(origin[0]))
