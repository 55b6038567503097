"""The table lies behind the patient, in most of the scans."""

import numpy as np

from lungmonai.data.phantom.couch import table
from lungmonai.data.phantom.patient import draw_patient
from lungmonai.data.phantom.shapes import Grid

GRID = Grid((100, 160, 160), (2.1, 2.1, 3.0))


def test_most_patients_lie_on_a_table() -> None:
    patients = [draw_patient(GRID, np.random.default_rng(seed)) for seed in range(20)]
    planes = [table(GRID, patient, np.random.default_rng(n)) for n, patient in enumerate(patients)]
    assert 10 <= sum(plane.max() > -500 for plane in planes) < 20
    for patient, plane in zip(patients, planes, strict=True):
        front = GRID.y[0, :, 0] < patient.depth_mm
        assert (plane[front] == -1000).all()
