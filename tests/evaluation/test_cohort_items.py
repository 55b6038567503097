"""What cannot be evaluated is refused before the first scan is read."""

import re

import pytest
from answers_maker import make_item, make_nodule

from lungmonai.errors import DataError
from lungmonai.evaluation.cohort_items import check_items

PLACE = "; wanted x, y and z in mm, and a diameter in mm: above 0, or -1 where nobody measured it"
GOOD = make_nodule(0)


def without(key: str) -> dict:
    return {name: value for name, value in GOOD.items() if name != key}


@pytest.mark.parametrize(
    ("nodule", "why"),
    [
        ({**GOOD, "diameter_mm": 0}, "scan 7 has the nodule (0, 0.0, 0.0, 0)" + PLACE),
        ({**GOOD, "diameter_mm": float("nan")}, "0.0, nan)" + PLACE),
        ({**GOOD, "diameter_mm": None}, "0.0, None)" + PLACE),
        ({**GOOD, "diameter_mm": True}, "0.0, True)" + PLACE),
        ({**GOOD, "lps_mm": (0, "1", 0)}, "scan 7 has the nodule (0, '1', 0, 10.0)" + PLACE),
        ({**GOOD, "lps_mm": (0, 0)}, "scan 7 has the nodule (0, 0, 10.0)" + PLACE),
        ({**GOOD, "lps_mm": None}, "scan 7 has the nodule {'lps_mm': None"),
        (without("lps_mm"), "scan 7 has the nodule {'diameter_mm': 10.0"),
        (without("diameter_mm"), "0.0, None)" + PLACE),
        ("n1", "scan 7 has the nodule 'n1'" + PLACE),
        ({**GOOD, "malignant": 1}, "has a nodule with 1 under malignant; wanted true, false, or null"),
        ({**GOOD, "malignant": "yes"}, "has a nodule with 'yes' under malignant"),
        (without("malignant"), "has a nodule with 'nothing' under malignant"),
        ({**GOOD, "ratings": {"texture": [9]}}, "the texture [9]; wanted a list of ratings from 1 to 5"),
        ({**GOOD, "ratings": {"texture": "solid"}}, "the texture 'solid'; wanted a list of ratings"),
    ],
)
def test_a_nodule_that_cannot_be_used(nodule: object, why: str) -> None:
    with pytest.raises(DataError, match=re.escape(why)):
        check_items([make_item("6", [GOOD]), make_item("7", [GOOD, nodule])])


@pytest.mark.parametrize("finding", [(0.0, 0.0, 0.0, 0.0), (1.0, 2.0, 3.0), None])
def test_an_excluded_finding_that_cannot_be_used(finding: object) -> None:
    with pytest.raises(DataError, match=re.escape(f"scan 7 has the excluded finding {finding!r}{PLACE}")):
        check_items([make_item("7", excluded=[finding])])


def test_a_list_of_findings_is_one() -> None:
    with pytest.raises(
        DataError, match="scan 7 has 'None' under excluded; wanted a list, which may be empty"
    ):
        check_items([make_item("7", excluded=None)])


def test_each_scan_counts_once() -> None:
    with pytest.raises(DataError, match="scan 7 is listed 2 times; wanted each scan once"):
        check_items([make_item("7"), make_item("8"), make_item("7")])
    with pytest.raises(DataError, match="there is no scan to evaluate; wanted at least one"):
        check_items([])


def test_what_nobody_knows_is_no_mistake() -> None:
    unknown = [make_nodule(0, diameter=-1.0, malignant=None, ratings=None), {**GOOD, "ratings": {}}]
    check_items([make_item("7", unknown, excluded=[(0.0, 0.0, 0.0, -1.0)]), make_item("8")])
