"""The file beside weights: written part by part, refused when it is damaged or for others."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from lungmonai.analysis.operating import StoredThreshold, operating_path, read_operating, write_operating
from lungmonai.errors import DataError, OutputError
from lungmonai.metrics.calibrators import Temperature
from lungmonai.metrics.conformal import ConformalSets

THRESHOLD = StoredThreshold(
    value=0.7, low=0.6, high=0.8, level=0.95, at="1 fp/scan", scans=12, nodules=70,
    false_per_scan=1.0, false_per_scan_interval=(0.5, 1.5), sensitivity=0.8, sensitivity_interval=(0.7, 0.9),
    data="the validation list", made_with={"seg_sha256": "ab" * 32, "region": "scan"},
)  # fmt: skip
SETS = ConformalSets(0.9, 0.6, 0.3, 40, 30)
OURS, OTHERS = "11" * 32, "22" * 32


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return tmp_path / "model.pt"


def test_each_part_is_written_and_the_others_stay(weights: Path) -> None:
    assert read_operating(weights) is None
    write_operating(weights, OURS, {"conformal": SETS.as_dict() | {"data": "d"}})
    write_operating(weights, OURS, {"threshold": THRESHOLD.as_dict()})
    path = write_operating(weights, OURS, {"calibration": Temperature(1.5).as_dict() | {"samples": 9}})
    assert path == operating_path(weights) == weights.with_name("model.operating.json")
    there = read_operating(weights)
    assert there is not None
    assert there.weights_sha256 == OURS
    assert (there.threshold, there.calibration, there.conformal) == (THRESHOLD, Temperature(1.5), SETS)
    content = json.loads(path.read_text())
    assert list(content) == ["format", "weights_sha256", "threshold", "calibration", "conformal"]
    assert content["calibration"]["samples"] == 9
    assert content["conformal"]["data"] == "d"
    write_operating(weights, OURS, {"threshold": replace(THRESHOLD, value=0.4).as_dict()})
    again = read_operating(weights)
    assert again is not None
    assert again.threshold == replace(THRESHOLD, value=0.4)
    assert (again.calibration, again.conformal) == (Temperature(1.5), SETS)
    assert [one.name for one in weights.parent.iterdir()] == ["model.operating.json"]


def test_the_same_parts_give_the_same_bytes(weights: Path) -> None:
    parts = {"threshold": THRESHOLD.as_dict(), "calibration": Temperature(2.0).as_dict()}
    first = write_operating(weights, OURS, parts).read_bytes()
    operating_path(weights).unlink()
    write_operating(weights, OURS, {"calibration": parts["calibration"]})
    assert write_operating(weights, OURS, {"threshold": parts["threshold"]}).read_bytes() == first


def test_what_is_not_known_is_null(weights: Path) -> None:
    threshold = replace(THRESHOLD, low=math.nan, sensitivity_interval=(math.nan, math.nan))
    path = write_operating(weights, OURS, {"threshold": threshold.as_dict()})
    assert json.loads(path.read_text())["threshold"]["low"] is None
    there = read_operating(weights)
    assert there is not None
    assert there.threshold is not None
    assert math.isnan(there.threshold.low)


def test_a_file_for_other_weights_is_replaced_only_on_request(weights: Path) -> None:
    path = write_operating(weights, OTHERS, {"threshold": THRESHOLD.as_dict()})
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"is for the weights 2222.*, not for 1111.* Add --replace"):
        write_operating(weights, OURS, {"conformal": SETS.as_dict()})
    assert path.read_bytes() == before
    write_operating(weights, OURS, {"conformal": SETS.as_dict()}, replace=True)
    there = read_operating(weights)
    assert there is not None
    assert (there.weights_sha256, there.threshold, there.conformal) == (OURS, None, SETS)
    write_operating(weights, OURS, {"threshold": THRESHOLD.as_dict()}, replace=True)
    there = read_operating(weights)
    assert there is not None
    assert (there.threshold, there.conformal) == (THRESHOLD, SETS)  # its own parts are not lost


def _with(**changes: object) -> str:
    content = {"format": 1, "weights_sha256": OURS, "threshold": THRESHOLD.as_dict()}
    return json.dumps(content | changes)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "TypeError"),
        ("{}", "KeyError: 'format'"),
        (_with(format=2), "format 2 instead of 1"),
        (_with(threshold={"value": 0.5}), "KeyError"),
        (_with(threshold=THRESHOLD.as_dict() | {"value": 7}), "a stored threshold of 7"),
        (_with(threshold=THRESHOLD.as_dict() | {"value": None}), "a stored threshold of nan"),
        (_with(threshold="0.5"), "TypeError"),
        (_with(calibration={"method": "platt"}), "a calibration of method 'platt'"),
        (_with(conformal={"coverage": 3}), "conformal sets without sound numbers"),
    ],
)
def test_a_damaged_file_is_one_clear_error(text: str, why: str, weights: Path) -> None:
    operating_path(weights).write_text(text)
    with pytest.raises(DataError) as error:
        read_operating(weights)
    said = str(error.value)
    assert f"{operating_path(weights)} cannot be used: " in said
    assert why in said
    assert "wanted what `lungmonai evaluate threshold` and `calibrate` write" in said
    with pytest.raises(DataError, match="cannot be used"):
        write_operating(weights, OURS, {"threshold": THRESHOLD.as_dict()})
    assert operating_path(weights).read_text() == text
    write_operating(weights, OURS, {"threshold": THRESHOLD.as_dict()}, replace=True)
    there = read_operating(weights)
    assert there is not None
    assert there.threshold == THRESHOLD


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        write_operating(tmp_path / "none" / "model.pt", OURS, {})
    operating_path(tmp_path / "m.pt").mkdir()
    with pytest.raises(DataError, match="cannot be used"):
        read_operating(tmp_path / "m.pt")


def test_it_says_its_threshold_in_words() -> None:
    assert str(THRESHOLD) == (
        "0.7 (95% interval 0.6 to 0.8) for 1 fp/scan on the validation list: "
        "sensitivity 0.800 with 1 false a scan there"
    )


def test_a_threshold_from_one_scan_has_no_interval() -> None:
    alone = replace(THRESHOLD, low=math.nan, high=math.nan)
    assert str(alone).startswith("0.7 (no interval, from one scan) for 1 fp/scan on the validation list")
    assert str(THRESHOLD).startswith("0.7 (95% interval 0.6 to 0.8) for 1 fp/scan")
    assert (alone.has_intervals, THRESHOLD.has_intervals) == (False, True)
