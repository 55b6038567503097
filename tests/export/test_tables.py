import csv
import json

import numpy as np
import pytest

from lungmonai.errors import OutputError, SettingsError
from lungmonai.export import nodule_table, write_candidates, write_nodules, write_record
from lungmonai.export.tables import prob_text, ranked, slice_number

from .conftest import make_candidate, make_nodule, make_result, make_scan

SCAN = make_scan()
AWKWARD = (0.1, 1 / 3, 0.9985589385032654, 1.1238109891564818e-06, 0.0, 1.0, float(np.float32(0.7)))


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_candidates_begin_as_luna16_wants(tmp_path):
    write_candidates(make_result(candidates=[make_candidate()]), tmp_path / "candidates.csv")
    header = (tmp_path / "candidates.csv").read_bytes().split(b"\n")[0]
    assert header == (
        b"seriesuid,coordX,coordY,coordZ,probability,indexSlice,indexRow,indexColumn,"
        b"cropSlice,cropRow,cropColumn,voxels,location,weights"
    )


def test_candidates_read_back(tmp_path):
    candidates = [make_candidate(nodule_prob=prob) for prob in AWKWARD]
    write_candidates(make_result(candidates=candidates), tmp_path / "c.csv")
    rows = read(tmp_path / "c.csv")
    assert [float(row["probability"]) for row in rows] == list(AWKWARD)
    first = rows[0]
    assert first["seriesuid"] == "1.2.840.1"
    position = [float(first[name]) for name in ("coordX", "coordY", "coordZ")]
    np.testing.assert_allclose(position, candidates[0].center_lps_mm, atol=5.1e-7)
    assert [float(first[f"index{axis}"]) for axis in ("Slice", "Row", "Column")] == [12.25, 200.5, 310.0625]
    assert [first[f"crop{axis}"] for axis in ("Slice", "Row", "Column")] == ["12", "200", "310"]
    assert (first["voxels"], first["location"]) == ("42", "right lung")


def test_numpy_scalars_are_written_as_plain_numbers(tmp_path):
    candidate = make_candidate(nodule_prob=np.float64(0.25), voxels=np.int64(7), crop_vox=tuple(np.arange(3)))
    write_candidates(make_result(candidates=[candidate]), tmp_path / "c.csv")
    row = read(tmp_path / "c.csv")[0]
    assert (row["probability"], row["voxels"], row["cropColumn"]) == ("0.25", "7", "2")


def test_series_name_with_comma_and_quote_survives(tmp_path):
    result = make_result(candidates=[make_candidate()])
    object.__setattr__(result, "series_uid", 'a, "b" – ü')
    write_candidates(result, tmp_path / "c.csv")
    assert read(tmp_path / "c.csv")[0]["seriesuid"] == 'a, "b" – ü'


def test_nodules_read_back(tmp_path):
    nodules = [
        make_nodule(SCAN, (2.6, 3, 4), nodule_prob=0.9, malignancy_prob=0.125, candidates=(4, 7)),
        make_nodule(SCAN, (0, 1, 2), nodule_prob=0.95),
    ]
    write_nodules(make_result(nodules), tmp_path / "nodules.csv")
    header = (tmp_path / "nodules.csv").read_text().splitlines()[0]
    assert header == (
        "seriesuid,coordX,coordY,coordZ,probability,malignancy_probability,slice,"
        "volume_mm3,equivalent_diameter_mm,long_axis_mm,location,detections,weights"
    )
    first, second = read(tmp_path / "nodules.csv")
    assert (first["malignancy_probability"], second["malignancy_probability"]) == ("0.125", "")
    assert (first["slice"], second["slice"]) == ("4", "1")  # rounded, counted from 1
    assert (first["detections"], second["detections"]) == ("2", "1")
    assert float(first["volume_mm3"]) == 523.6
    position = [float(first[name]) for name in ("coordX", "coordY", "coordZ")]
    np.testing.assert_allclose(SCAN.vox_from_lps(position), (2.6, 3, 4), atol=1e-5)


def test_no_nodules_leave_the_header_alone(tmp_path):
    write_nodules(make_result(), tmp_path / "nodules.csv")
    assert len((tmp_path / "nodules.csv").read_text().splitlines()) == 1


def test_record_is_strict_json(tmp_path):
    record = {"device": "cpu", "seconds": {"segment": 1.23456789012345}, "stages": (1, True, None)}
    nodule = make_nodule(SCAN, (2, 3, 4), nodule_prob=1 / 3, candidates=(np.int64(5),))
    result = make_result([nodule], [make_candidate()], record=record, notes=("Slices are 2.5 mm apart.",))
    write_record(result, tmp_path / "result.json")
    text = (tmp_path / "result.json").read_text(encoding="utf-8")
    read_back = json.loads(text, parse_constant=pytest.fail)
    assert text.startswith('{\n  "purpose"')
    assert read_back["purpose"] == "research only, not a medical device"
    assert read_back["counts"] == {"candidates": 1, "nodules": 1}
    assert read_back["notes"] == ["Slices are 2.5 mm apart."]
    assert read_back["record"] == {
        "device": "cpu",
        "seconds": {"segment": 1.23456789},
        "stages": [1, True, None],
    }
    (written,) = read_back["nodules"]
    assert written["nodule_prob"] == 1 / 3
    assert (written["number"], written["slice"], written["malignancy_prob"]) == (1, 3, None)
    assert written["candidates"] == [5]
    np.testing.assert_allclose(written["center_lps_mm"], nodule.center_lps_mm, atol=1e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_record_that_json_cannot_hold_is_refused(tmp_path, value):
    with pytest.raises(SettingsError, match="what JSON cannot"):
        write_record(make_result(record={"deep": [value]}), tmp_path / "result.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [write_candidates, write_nodules, write_record])
def test_nothing_is_left_where_nothing_can_be_written(write, nowhere, tmp_path):
    with pytest.raises(OutputError):
        write(make_result([make_nodule(SCAN, (1, 2, 3))], [make_candidate()]), nowhere / "file.csv")
    assert not list(tmp_path.iterdir())


def test_an_existing_file_survives_a_failure(tmp_path, monkeypatch):
    (tmp_path / "n.csv").write_text("old")
    monkeypatch.setattr("lungmonai.export.tables._nodule_row", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_nodules(make_result([make_nodule(SCAN, (1, 2, 3))]), tmp_path / "n.csv")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_table_is_sorted_and_keeps_the_mask_numbers():
    probs = (0.5, 0.9, 0.7)
    nodules = [make_nodule(SCAN, (place, 1, 1), nodule_prob=prob) for place, prob in enumerate(probs)]
    lines = nodule_table(make_result(nodules), stand_in=False).splitlines()
    assert lines[0] == "1.2.840.1: 3 nodules in 0 candidates"
    assert [line.split()[0] for line in lines[3:]] == ["2", "3", "1"]
    assert lines[3].split()[4:9] == ["2", "10.0", "12.5", "524", "0.9000"]
    assert lines[3].endswith("left lung")


def test_malignancy_column_only_with_that_model():
    without = make_nodule(SCAN, (1, 1, 1))
    scored = make_nodule(SCAN, (1, 1, 1), malignancy_prob=0.25, nodule_prob=0.8)
    assert "malignant" not in nodule_table(make_result([without]), stand_in=False)
    lines = nodule_table(make_result([without, scored]), stand_in=False).splitlines()
    assert "P(malignant)" in lines[2]
    assert (lines[3].split()[9], lines[4].split()[9]) == ("0.2500", "-")


def test_table_fits_100_columns_at_its_widest():
    nodule = make_nodule(
        SCAN, (1233, 1, 1), center_lps_mm=(-1234.56, -1234.56, -1234.56), malignancy_prob=0.99999,
        volume_mm3=9999999.0, equivalent_diameter_mm=267.3, long_axis_mm=300.25, location="outside the lungs",
    )  # fmt: skip
    result = make_result([nodule] * 1200, record={})
    object.__setattr__(result, "series_uid", "1." * 100)
    lines = nodule_table(result, stand_in=True).splitlines()
    assert max(map(len, lines)) <= 100
    assert len({line.index("outside the lungs") for line in lines[4:]}) == 1


def test_table_says_what_it_leaves_out():
    result = make_result([make_nodule(SCAN, (1, 1, 1))] * 5)
    assert nodule_table(result, stand_in=False, rows=2).splitlines()[-1] == "… and 3 more in nodules.csv"
    assert "more in" not in nodule_table(result, stand_in=False, rows=5)
    with pytest.raises(SettingsError, match="rows is -1"):
        nodule_table(result, stand_in=False, rows=-1)


def test_table_without_nodules_says_so():
    assert "no nodule was found in 1 candidate" in nodule_table(
        make_result(candidates=[make_candidate()]), stand_in=False
    )


@pytest.mark.parametrize("nodules", [[], [make_nodule(SCAN, (1, 1, 1))]])
def test_stand_in_table_cannot_be_taken_for_detection(nodules):
    lines = nodule_table(make_result(nodules), stand_in=True).splitlines()
    assert lines[0] == "STAND-IN WEIGHTS: dense spots, not detections"
    assert "dense spot" in lines[1]
    assert "nodule" not in lines[1]


def test_probability_text_never_rounds_to_certainty():
    texts = [prob_text(prob) for prob in (0, 1e-9, 0.00005, 0.5, 0.99994, 0.99999, 1)]
    assert texts == ["0.0000", "<0.0001", "0.0001", "0.5000", "0.9999", ">0.9999", "1.0000"]


def test_ranked_keeps_the_order_of_equals():
    nodules = [make_nodule(SCAN, (place, 0, 0)) for place in range(4)]
    assert [number for number, _ in ranked(nodules)] == [1, 2, 3, 4]


def test_slice_number_counts_from_one():
    assert [slice_number(make_nodule(SCAN, (z, 0, 0))) for z in (0.0, 0.4, 0.6, 3.0)] == [1, 1, 2, 4]


def test_further_columns_stand_to_the_right_and_in_the_record(tmp_path):
    more = {"nodule_probability_calibrated": [0.25, 1 / 3], "malignancy_set": ["benign", "neither"]}
    nodules = [make_nodule(SCAN, (1, 2, 3)), make_nodule(SCAN, (2, 3, 4))]
    write_nodules(make_result(nodules), tmp_path / "n.csv", more)
    found = read(tmp_path / "n.csv")
    assert list(found[0])[-3:] == ["weights", *more]
    assert [float(row["nodule_probability_calibrated"]) for row in found] == [0.25, 1 / 3]
    assert [row["malignancy_set"] for row in found] == ["benign", "neither"]
    write_candidates(make_result(candidates=[make_candidate()]), tmp_path / "c.csv", {"x": [np.float64(0.5)]})
    assert read(tmp_path / "c.csv")[0]["x"] == "0.5"
    write_record(make_result(nodules), tmp_path / "r.json", more)
    written = json.loads((tmp_path / "r.json").read_text())["nodules"]
    assert [one["malignancy_set"] for one in written] == more["malignancy_set"]
    assert [one["nodule_probability_calibrated"] for one in written] == [0.25, 1 / 3]
