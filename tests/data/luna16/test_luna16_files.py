"""Finding a LUNA16 download, as its archives unpack."""

import re
from pathlib import Path

import pytest

from lungmonai.data.luna16.files import find_luna16
from lungmonai.errors import DataError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_any_number_of_subsets(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "annotations.csv",
        "subset10/b.mhd",
        "subset2/1.2.3.mhd",
        "subset2/1.2.3.raw",
        "subset2/subset2/a.mhd",
        "subset2/._a.mhd",
        "subset_mine/c.mhd",
        "other/d.mhd",
        "e.mhd",
    )
    found = find_luna16(tmp_path)
    assert [(scan.subset, scan.seriesuid) for scan in found.scans] == [
        (2, "1.2.3"),
        (2, "a"),
        (10, "b"),
        (None, "c"),
    ]
    assert found.shown(found.scans[1].path) == "subset2/subset2/a.mhd"
    assert found.shown(Path("/far/away.csv")) == "/far/away.csv"


def test_capital_letters_are_taken_too(tmp_path: Path) -> None:
    touch(tmp_path, "annotations.csv", "Subset3/a.MHD", "subset4.zip")
    (scan,) = find_luna16(tmp_path).scans
    assert (scan.seriesuid, scan.subset) == ("a", 3)


def test_a_folder_named_from_below_is_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "subset0/a.mhd", "annotations.csv", "mine.csv")
    monkeypatch.chdir(tmp_path / "subset0")
    above = Path("..")
    assert find_luna16(above, candidates=above / "mine.csv") == find_luna16(
        tmp_path, candidates=tmp_path / "mine.csv"
    )


def test_a_subset_folder_may_be_a_link(tmp_path: Path) -> None:
    touch(tmp_path, "root/annotations.csv", "disk/a.mhd")
    (tmp_path / "root" / "subset0").symlink_to(tmp_path / "disk")
    (scan,) = find_luna16(tmp_path / "root").scans
    assert (scan.seriesuid, scan.subset) == ("a", 0)


@pytest.mark.parametrize(
    ("names", "kind", "wanted"),
    [
        (["candidates.csv", "candidates_V2.csv"], "candidates", "candidates_V2.csv"),
        (["candidates.csv"], "candidates", "candidates.csv"),
        (["candidates_V2.csv", "candidates_V2/candidates_V2.csv"], "candidates", "candidates_V2.csv"),
        (
            ["annotations_excluded.csv", "evaluationScript/annotations/annotations_excluded.csv"],
            "excluded",
            "annotations_excluded.csv",
        ),
        (
            ["candidates.csv", "candidates_V2/candidates_V2.csv"],
            "candidates",
            "candidates_V2/candidates_V2.csv",
        ),
        (
            ["evaluationScript/annotations/annotations_excluded.csv"],
            "excluded",
            "evaluationScript/annotations/annotations_excluded.csv",
        ),
        (["annotations_with_malignancy.csv"], "malignancy", "annotations_with_malignancy.csv"),
        (["patients.csv"], "patients", "patients.csv"),
    ],
)
def test_the_table_that_is_preferred(tmp_path: Path, names: list[str], kind: str, wanted: str) -> None:
    touch(tmp_path, "subset0/a.mhd", "annotations.csv", *names)
    assert find_luna16(tmp_path).tables[kind] == tmp_path / wanted


def test_a_table_that_was_given_comes_first(tmp_path: Path) -> None:
    touch(tmp_path, "root/subset0/a.mhd", "root/annotations.csv", "mine.csv")
    found = find_luna16(tmp_path / "root", annotations=tmp_path / "mine.csv", candidates=None)
    assert found.tables == {"annotations": tmp_path / "mine.csv"}


@pytest.mark.parametrize(
    ("names", "given", "text"),
    [
        (["annotations.csv", "a.mhd"], {}, "has no .mhd file below a folder subset*; wanted the folder that"),
        (["subset0/a.mhd"], {}, "has no annotations.csv; wanted LUNA16's table of nodules. Copy it there"),
        (["subset0/a.mhd"], {"annotations": Path("gone.csv")}, "gone.csv is not there; wanted the table of"),
        (["subset0/a.mhd"], {"annotations": Path("/")}, "/ is no file; wanted the table of annotations"),
    ],
    ids=["no scans", "no annotations", "given and gone", "a folder given"],
)
def test_what_is_no_luna16_folder_is_refused(
    tmp_path: Path, names: list[str], given: dict[str, Path], text: str
) -> None:
    touch(tmp_path, *names)
    with pytest.raises(DataError, match=re.escape(text)):
        find_luna16(tmp_path, **given)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere is no folder"):
        find_luna16(tmp_path / "nowhere")
