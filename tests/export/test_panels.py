"""What stands beside the panels of a nodule."""

import dataclasses

import numpy as np
import pytest

from lungmonai.export import panels, write_overview

from .conftest import make_nodule, make_result, make_scan


@pytest.mark.parametrize(
    ("malignancy_prob", "networks", "said"),
    [
        (0.25, ("seg", "nodule", "malignancy"), "0.2500"),
        (None, ("seg", "nodule", "malignancy"), "not judged: too large"),
        (None, ("seg", "nodule"), None),
    ],
)
def test_malignancy_is_told_or_why_not(malignancy_prob, networks, said, tmp_path, monkeypatch) -> None:
    beside = []
    monkeypatch.setattr(panels, "draw_pairs", lambda page, pairs, top: beside.append(dict(pairs)))
    scan = make_scan((20, 40, 40))
    nodule = dataclasses.replace(make_nodule(scan, (10, 20, 20)), malignancy_prob=malignancy_prob)
    result = make_result([nodule], record={"weights": {name: {} for name in networks}})
    write_overview(scan, result, np.zeros(scan.shape, np.uint8), tmp_path / "o.png")
    assert [facts.get("P(malignant)") for facts in beside] == [said]
