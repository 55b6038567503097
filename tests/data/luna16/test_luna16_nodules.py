"""Nodules and candidates of one scan: LUNA16's rule, written out once more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungmonai.data.luna16.nodules import candidates_of, findings_of, nodules_of
from lungmonai.data.luna16.tables import Rows
from lungmonai.io import CTScan

# Columns run to the right and rows to the front; slices are 2 mm apart.
AFFINE = np.array([[-0.5, 0, 0, 40], [0, -0.5, 0, 30], [0, 0, 2, -100], [0, 0, 0, 1.0]])
SCAN = CTScan(np.zeros((20, 40, 60), np.int16), AFFINE, "s")


def rows(*values: tuple[float, ...], first: int = 2) -> Rows:
    return Rows(np.arange(first, first + len(values)), np.array(values, float).reshape(-1, 4))


def lps(*vox: float) -> tuple[float, float, float]:
    """Position of a (slice, row, column), by hand."""
    k, row, column = vox
    return 40 - 0.5 * column, 30 - 0.5 * row, -100 + 2 * k


def test_a_nodule_keeps_its_position_to_the_last_digit() -> None:
    nodules, bad = nodules_of(rows((39.123456789, 20.1, -98.7654321, 5.651470635)), SCAN, "s")
    assert nodules == [
        {"lps_mm": (39.123456789, 20.1, -98.7654321), "diameter_mm": 5.651470635, "malignant": None}
    ]
    assert bad == ()


@pytest.mark.parametrize(
    ("vox", "inside"),
    [
        ((0, 0, 0), True),
        ((19, 39, 59), True),
        ((-0.5, 10, 10), True),
        ((-0.6, 10, 10), False),
        ((19.6, 10, 10), False),
        ((5, 39.6, 10), False),
        ((5, 10, -0.6), False),
        ((5, 10, 59.6), False),
    ],
)
def test_a_scan_ends_half_a_voxel_beyond_its_centres(vox: tuple[float, ...], inside: bool) -> None:
    nodules, bad = nodules_of(rows((*lps(*vox), 4)), SCAN, "s")
    assert (len(nodules), len(bad)) == ((1, 0) if inside else (0, 1))
    candidates = candidates_of(rows((*lps(*vox), 0)), [], SCAN, "s")
    assert (len(candidates.rows), len(candidates.bad)) == ((1, 0) if inside else (0, 1))


def test_bad_rows_say_why() -> None:
    here, there = lps(5, 10, 10), lps(30, 10, 10)
    table = rows((*here, 4), (*here, 4), (*here, 5), (*there, 4), (*lps(7, 7, 7), 0), (*lps(7, 7, 7), -1))
    nodules, bad = nodules_of(table, SCAN, "s")
    assert len(nodules) == 1
    assert [(row.line, row.reason) for row in bad] == [
        (3, "the same nodule as line 2"),
        (4, "with 5 mm it contradicts line 2"),
        (5, "the position (35, 25, -40) lies outside the scan: slice, row, column 30, 10, 10 of 20, 40, 60"),
        (6, "diameter_mm is 0, wanted a positive number"),
        (7, "diameter_mm is -1, wanted a positive number"),
    ]
    assert {row.seriesuid for row in bad} == {"s"}


def test_nodules_stand_for_the_candidates_on_them() -> None:
    nodules, _ = nodules_of(rows((*lps(10, 20, 30), 6)), SCAN, "s")
    table = rows(
        (*lps(10, 20, 30), 1),  # on the nodule
        (*lps(10, 21, 30), 0),  # 0.5 mm away
        (*lps(10, 26, 30), 0),  # 3 mm away: on the radius, which does not count as within
        (*lps(2, 2, 2), 1),  # where no nodule is
        (*lps(3, 3, 3), 2),
    )
    found = candidates_of(table, nodules, SCAN, "s")
    assert found.rows == [(*lps(10, 20, 30), 1), (*lps(10, 26, 30), 0)]
    assert (found.near, found.stray) == (2, 1)
    assert [(row.line, row.reason) for row in found.bad] == [(6, "class is 2, wanted 0 or 1")]


VOX = st.tuples(st.integers(0, 19), st.integers(0, 39), st.integers(0, 59))


@settings(max_examples=80, deadline=None)
@given(
    nodules=st.lists(st.tuples(VOX, st.floats(0.5, 25)), max_size=4, unique_by=lambda nodule: nodule[0]),
    places=st.lists(st.tuples(VOX, st.sampled_from([0, 1])), max_size=40),
)
def test_any_candidates_by_the_rule_written_out(nodules, places) -> None:
    made, _ = nodules_of(rows(*((*lps(*vox), mm) for vox, mm in nodules)), SCAN, "s")
    found = candidates_of(rows(*((*lps(*vox), kind) for vox, kind in places)), made, SCAN, "s")
    wanted = [(*lps(*vox), 1) for vox, _ in nodules]
    others = []
    for vox, kind in places:
        near = any(np.linalg.norm(np.subtract(lps(*vox), lps(*c))) < mm / 2 for c, mm in nodules)
        if kind == 0 and not near:
            others.append((*lps(*vox), 0))
    assert found.rows == [*wanted, *dict.fromkeys(others)]
    assert found.repeated == len(others) - len(set(others))
    assert len(places) == found.near + found.stray + found.repeated + len(found.rows) - len(nodules)


def test_excluded_findings_come_once_each() -> None:
    table = rows((1, 2, 3, -1), (1, 2, 3, -1), (4, 5, 6, 3.5), (1, 2, 3, 4))
    assert findings_of(table) == [(1, 2, 3, -1), (4, 5, 6, 3.5), (1, 2, 3, 4)]


def test_a_scan_without_rows_has_nothing() -> None:
    nothing = rows()
    assert nodules_of(nothing, SCAN, "s") == ([], ())
    assert candidates_of(nothing, [], SCAN, "s").rows == []
    assert findings_of(nothing) == []
