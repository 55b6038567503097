from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_tree import Node, read_page

from lungmonai.evaluation.svg_froc import froc_picture, rate_text

RATES = [0.125, 0.25, 0.5, 1, 2, 4, 8]


def _picture(froc: dict[str, Any], folder: Path) -> Node:
    (folder / "froc.svg").write_text(froc_picture(froc), encoding="utf-8")
    return read_page(folder / "froc.svg").one("svg")


def _places(points: str) -> np.ndarray[Any, Any]:
    return np.array([pair.split(",") for pair in points.split()], dtype=float)


@pytest.fixture
def froc() -> dict[str, Any]:
    rates = np.geomspace(1 / 16, 16, 9)  # a little wider than the picture
    curve = {
        "false_per_scan": rates,
        "sensitivity": np.linspace(0, 1, 9),
        "low": np.zeros(9),
        "high": np.ones(9),
    }
    return {
        "rates": RATES,
        "sensitivity": [0.0, 0.5, 1.0, 0.2, 0.4, 0.6, 0.8],
        "curve": {key: values.tolist() for key, values in curve.items()},
    }


def test_rates_stand_at_equal_distances_and_sensitivity_rises_upwards(
    froc: dict[str, Any], tmp_path: Path
) -> None:
    marks = _picture(froc, tmp_path).all("circle")
    xs, ys = (np.array([float(mark.attributes[key]) for mark in marks]) for key in ("cx", "cy"))
    assert np.ptp(np.diff(xs)) < 0.2
    height = ys[0] - ys[2]
    assert height > 100
    np.testing.assert_allclose((ys[0] - ys) / height, froc["sensitivity"], atol=1e-3)


def test_the_curve_and_the_band_stay_on_the_axis(froc: dict[str, Any], tmp_path: Path) -> None:
    picture = _picture(froc, tmp_path)
    xs = [float(mark.attributes["cx"]) for mark in picture.all("circle")]
    line = _places(picture.one("polyline").attributes["points"])
    np.testing.assert_allclose(line[:, 0], xs, atol=0.1)
    assert (np.diff(line[:, 1]) < 0).all()
    band = _places(picture.one("polygon").attributes["points"])
    assert len(band) == 2 * len(line)
    assert set(band[:7, 1]) == {band[:, 1].max()}
    assert set(band[7:, 1]) == {band[:, 1].min()}


def test_every_mark_says_its_numbers(froc: dict[str, Any], tmp_path: Path) -> None:
    froc["sensitivity_interval"] = [[0.1, 0.2]] * 6 + [[None, None]]
    said = [mark.one("title").text for mark in _picture(froc, tmp_path).all("circle")]
    assert said[1] == "1/4 a scan: 0.500 (0.100 to 0.200)"
    assert said[6] == "8 a scan: 0.800"


def test_what_is_not_known_is_not_drawn(froc: dict[str, Any], tmp_path: Path) -> None:
    froc["curve"].update(low=[None] * 9, high=None)
    froc["sensitivity"][3] = None
    picture = _picture(froc, tmp_path)
    assert not picture.all("polygon")
    assert len(picture.all("circle")) == 6
    del froc["curve"]
    assert not _picture(froc, tmp_path).all("polyline")


@pytest.mark.parametrize(
    ("rate", "text"), [(0.125, "1/8"), (0.5, "1/2"), (4.0, "4"), (0.3, "0.3"), (3, "3"), (1.5, "3/2")]
)
def test_rates_as_people_write_them(rate: float, text: str) -> None:
    assert rate_text(rate) == text
