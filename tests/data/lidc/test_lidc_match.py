"""Annotations find their LIDC nodule, and the published table is read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lidc_maker import drawn_box, made_scan
from numpy.typing import NDArray

from lungmonai.data.lidc.match import match_annotations, read_malignancy_table
from lungmonai.data.lidc.nodules import LidcNodule, lidc_nodules
from lungmonai.errors import DataError

HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm,mal_bool,mal_details,bboxLowX\n"
ROW = '1.2.3,-10.5,20,-30.25,4.5,{},"[3, 5, 4]",0\n'
Place = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@pytest.fixture
def nodules(tmp_path: Path) -> list[LidcNodule]:
    """Two nodules, centred in slice 10, column 20, rows 20 and 60, and one in slice 30."""
    boxes = [drawn_box((9, 11), (r - 2, r + 2), (18, 22)) for r in (20, 60)]
    return lidc_nodules(made_scan(tmp_path, [*boxes, drawn_box((29, 31), (18, 22), (18, 22))]))


def lps(vox: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns run to the left, rows to the back, at 0.5 mm; slices of 2 mm."""
    return vox[:, ::-1] * (0.5, 0.5, 2.0) + (-50, 100, 7)


def at(row: float, k: float = 10) -> tuple[float, float, float]:
    x, y, z = lps(np.array([[k, row, 20.0]]))[0].tolist()
    return x, y, z


def test_an_annotation_finds_the_nodule_within_half_its_diameter(nodules: list[LidcNodule]) -> None:
    first, second, high = match_annotations(nodules, lps, [at(21), at(57), at(20, 30)], [6, 6, 6])
    assert first
    assert second
    assert high
    assert [first.nodule, second.nodule, high.nodule] == nodules
    assert [first.distance_mm, second.distance_mm, high.distance_mm] == pytest.approx([0.5, 1.5, 0])


def test_half_the_diameter_itself_is_too_far(nodules: list[LidcNodule]) -> None:
    assert match_annotations(nodules, lps, [at(26)], [6.0]) == [None]
    assert match_annotations(nodules, lps, [at(26)], [6.01])[0]


def test_the_nearest_pair_is_taken_first_and_nothing_twice(nodules: list[LidcNodule]) -> None:
    # Both are within reach of both nodules; the second is nearer to the first nodule.
    one, other = match_annotations(nodules[:2], lps, [at(24), at(21)], [60, 60])
    assert one
    assert other
    assert (other.nodule, one.nodule) == (nodules[0], nodules[1])
    alone = match_annotations(nodules[:1], lps, [at(24), at(21)], [60, 60])
    assert alone[0] is None
    assert alone[1]


def test_what_is_no_number_matches_nothing_and_spoils_no_other(nodules: list[LidcNodule]) -> None:
    nan = float("nan")
    found = match_annotations(nodules, lps, [at(20), (nan, nan, nan), at(60)], [nan, 6, 6])
    assert [match and match.nodule for match in found] == [None, None, nodules[1]]


def test_nothing_to_match(nodules: list[LidcNodule]) -> None:
    assert match_annotations([], lps, [at(20)], [6]) == [None]
    assert match_annotations(nodules, lps, [], []) == []


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("said", "malignant"), [("True", True), ("False", False), ("1", True), ("0", False)])
def test_a_row_of_the_published_table(tmp_path: Path, said: str, malignant: bool) -> None:
    rows = read_malignancy_table(table(tmp_path, HEADER + ROW.format(said)))
    assert rows == {"1.2.3": [((-10.5, 20, -30.25), 4.5, malignant, [3, 5, 4])]}


def test_spaces_around_a_series_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    rows = read_malignancy_table(
        table(tmp_path, HEADER + "\n  \n" + ROW.format("1").replace("1.2.3", " 1.2.3 "))
    )
    assert list(rows) == ["1.2.3"]


@pytest.mark.parametrize(
    ("was", "instead"),
    [
        ("True", "perhaps"), ("4.5", "0"), ("4.5", "inf"), ("20", "nan"), ("1.2.3", " "),
        ("[3,", "[9,"), ("[3,", "(3,"), ("[3, 5, 4]", "3"),
    ],
)  # fmt: skip
def test_a_row_that_makes_no_sense_is_refused(tmp_path: Path, was: str, instead: str) -> None:
    good = ROW.format("True")
    assert was in good
    with pytest.raises(
        DataError, match="line 3 a row that makes no sense; wanted the columns seriesuid, coordX"
    ):
        read_malignancy_table(table(tmp_path, HEADER + good + good.replace(was, instead)))


@pytest.mark.shared_data
def test_the_published_table_whole(shared_data: Path) -> None:
    rows = read_malignancy_table(shared_data / "luna16" / "annotations_with_malignancy.csv")
    every = [row for series in rows.values() for row in series]
    assert (len(rows), len(every)) == (481, 959)
    # The rule that the table was made by: two readers of 4 or more.
    assert all(row.malignant == (sum(rating >= 4 for rating in row.ratings) >= 2) for row in every)
