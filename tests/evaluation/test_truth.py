"""What submissions are judged against is read or refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from froc_tables import HEAD, small_case, written

from lungmonai.errors import DataError
from lungmonai.evaluation.submission import read_submission
from lungmonai.evaluation.truth import Truth, read_scan_list, read_truth


def truth_of(folder: Path, *rows: object, scans: str = "a\nb\n", head: str = "") -> Truth:
    """The truth of some annotations."""
    path = written(folder / "annotations.csv", f"{HEAD},diameter_mm{head}", rows)
    listed = folder / "scans.csv"
    listed.write_text(scans)
    return read_truth(path, scans=listed)


def test_scans_nodules_and_what_is_known_of_them(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    truth = read_truth(case["annotations"], excluded=case["excluded"], scans=case["scans"])
    assert truth.scans == ("a", "b", "c", "d")
    assert truth.nodules.scan.tolist() == [0, 1, 1]
    assert truth.nodules.diameter_mm.tolist() == [5, 8, 12]
    assert truth.excluded is not None
    assert (truth.excluded.scan.tolist(), truth.excluded.diameter_mm.tolist()) == ([2], [-1])
    np.testing.assert_array_equal(truth.texture, [5, 1.2, np.nan])
    np.testing.assert_array_equal(truth.pleural, [1, 0, np.nan])
    assert (truth.listed, truth.notes) == (True, ())


def test_ratings_stay_with_their_nodules(tmp_path: Path) -> None:
    # The rows of a scan need not stand together.
    rows = [("a", 0, 0, 0, 5, 1), ("b", 1, 0, 0, 6, 2), ("a", 2, 0, 0, 7, 3)]
    truth = truth_of(tmp_path, *rows, head=",texture")
    by_diameter = dict(zip(truth.nodules.diameter_mm.tolist(), truth.texture.tolist(), strict=True))
    assert by_diameter == {5: 1, 6: 2, 7: 3}
    assert truth.pleural is None


def test_without_a_list_the_scans_that_anything_names_are_counted(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    truth = read_truth(case["annotations"], submissions=[read_submission(case["marks"])])
    assert (truth.scans, truth.listed) == (("a", "b", "c"), False)
    assert truth.notes[0].startswith(
        "NO LIST OF SCANS was given: only scans with a nodule or a mark are counted"
    )
    assert truth.notes[1] == "no excluded findings were given: marks on such findings count as false"


def test_a_nodule_outside_the_listed_scans_is_left_out_and_told(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, ("a", 0, 0, 0, 5), ("x", 1, 0, 0, 5), ("x", 2, 0, 0, 5))
    assert len(truth.nodules.scan) == 1
    told = "left out of annotations.csv, for their scans are not listed: 2 of 3 rows, such as those of x"
    assert told in truth.notes
    with pytest.raises(
        DataError, match=r"none of the scans of .*annotations.csv is in .*scans.csv; wanted nod"
    ):
        truth_of(tmp_path, ("x", 1, 0, 0, 5))


def test_repeated_annotations_are_told(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, ("a", 0, 0, 0, 5), ("a", 0, 0, 0, 5), ("a", 0, 0, 0, 6))
    assert "repeated exactly in annotations.csv: 1 of 3 rows; each counts" in truth.notes
    assert len(truth.nodules.scan) == 3


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (
            ("a", 0, 0, 0, 0),
            "has a diameter of 0 in line 3; wanted a diameter in mm above 0, or -1 where it is",
        ),
        (("a", 0, 0, 0, "nan"), "has 1 row that cannot be used, the first in line 3: diameter_mm is 'nan'"),
        (("a", 0, 0, 0, ""), "has 1 row that cannot be used, the first in line 3: diameter_mm is ''"),
    ],
)
def test_a_nodule_has_a_diameter(tmp_path: Path, row: tuple, why: str) -> None:
    with pytest.raises(DataError, match=re.escape(why)):
        truth_of(tmp_path, ("b", 0, 0, 0, -1), row)


def test_annotations_without_rows_or_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"annotations\.csv has no rows; wanted the nodules, one a row"):
        truth_of(tmp_path)
    path = written(tmp_path / "other.csv", HEAD, [("a", 0, 0, 0)])
    with pytest.raises(DataError, match=r"other\.csv lacks diameter_mm; its header has seriesuid"):
        read_truth(path)
    with pytest.raises(DataError, match=r"none\.csv could not be read: No such file"):
        read_truth(tmp_path / "none.csv")


def test_an_excluded_finding_has_a_diameter_too(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    written(case["excluded"], f"{HEAD},diameter_mm", [("c", 0, 0, 0, 0)])
    why = r"excluded\.csv has a diameter of 0 in line 2.*nothing can hit such a finding"
    with pytest.raises(DataError, match=why):
        read_truth(case["annotations"], excluded=case["excluded"], scans=case["scans"])


def test_excluded_findings_may_be_none(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    written(case["excluded"], f"{HEAD},diameter_mm", [])
    truth = read_truth(case["annotations"], excluded=case["excluded"], scans=case["scans"])
    assert truth.excluded is not None
    assert len(truth.excluded.scan) == 0


@pytest.mark.parametrize("text", ["6", "0.5", "solid", "nan"])
def test_a_texture_is_a_rating(tmp_path: Path, text: str) -> None:
    why = f"has {text!r} under texture in line 2; wanted a mean rating from 1 to 5, or nothing"
    with pytest.raises(DataError, match=re.escape(why)):
        truth_of(tmp_path, ("a", 0, 0, 0, 5, text), head=",texture")


def test_at_the_pleura_or_not(tmp_path: Path) -> None:
    rows = [("a", 0, 0, 0, 5, text) for text in ("1", "True", "no", "")]
    np.testing.assert_array_equal(truth_of(tmp_path, *rows, head=",pleural").pleural, [1, 1, 0, np.nan])
    with pytest.raises(DataError, match="has 'near' under pleural in line 2; wanted 1, 0 or nothing"):
        truth_of(tmp_path, ("a", 0, 0, 0, 5, "near"), head=",pleural")


@pytest.mark.parametrize("text", ["1.2\n3.4\n", "\ufeff1.2 \r\n\r\n3.4\r\n", "seriesuid\n1.2,x\n3.4,y\n"])
def test_lists_of_scans(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scans.csv"
    path.write_bytes(text.encode())
    assert read_scan_list(path) == ("1.2", "3.4")


def test_what_is_no_list_of_scans_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scans.csv"
    with pytest.raises(
        DataError, match=r"scans\.csv could not be read: No such file.*wanted a list of series"
    ):
        read_scan_list(path)
    path.write_text("seriesuid\n\n")
    with pytest.raises(DataError, match=r"scans\.csv names no scan; wanted a list of series UIDs"):
        read_scan_list(path)
    path.write_text("b\na\nb \n")
    with pytest.raises(DataError, match=r"scans\.csv names b more than once.*divided by its length"):
        read_scan_list(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"scans\.csv could not be read: 'utf-8' codec"):
        read_scan_list(path)
