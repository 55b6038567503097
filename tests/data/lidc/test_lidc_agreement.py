"""Our reading of LIDC against what others published of it."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from lidc_maker import drawn_box, write_database

from lungmonai.cli import main
from lungmonai.data.lidc.agreement import Compared, averaged_by, commonest, compare_published, read_published
from lungmonai.data.lidc.database import LidcDatabase
from lungmonai.data.lidc.frames import Frame
from lungmonai.data.lidc.nodules import LidcNodule, lidc_nodules
from lungmonai.data.lidc.published_masks import mask_dice
from lungmonai.data.lidc.report import agreement_report
from lungmonai.errors import DataError

HEADER = (
    "seriesuid,coordX,coordY,coordZ,diameter_mm,mal_bool,mal_details,"
    "bboxLowX,bboxLowY,bboxLowZ,bboxHighX,bboxHighY,bboxHighZ\n"
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two nodules, the first read by three readers, 5 4 1, the second by two, 2 3."""
    sizes = ((18, 22, 5), (18, 26, 4), (16, 24, 1))
    first = [drawn_box((9, 11), (low, high), (30, 36), rating) for low, high, rating in sizes]
    second = [drawn_box((20, 24), (60, 66), (70, high), 2 + high - 78) for high in (78, 79)]
    return write_database(tmp_path / "lidc.sqlite", [*first, *second])


def found(database: Path) -> tuple[list[LidcNodule], Frame]:
    scan = LidcDatabase(database).scan("1.2.3")
    assert scan
    return lidc_nodules(scan), Frame(scan, (-120.0, -90.0))


def published_row(nodule: LidcNodule, frame: Frame, **other: object) -> str:
    """A row that says of a nodule what is true, but for `other`."""
    said: dict[str, object] = {
        "series": "1.2.3",
        "center": frame.lps_from_vox(nodule.center_vox).tolist(),
        "diameter": nodule.diameter_mm,
        "malignant": bool(nodule.malignant),
        "ratings": nodule.ratings["malignancy"],
        **other,
    }
    corners = [value for corner in nodule.outline_box_vox for value in frame.lps_from_vox(corner)]
    numbers = [*said["center"], said["diameter"]]  # type: ignore[misc]
    return ",".join(
        [
            str(said["series"]),
            *map(str, numbers),
            str(said["malignant"]),
            f'"{said["ratings"]}"',
            *map(str, corners),
        ]
    )


def compared(folder: Path, database: Path, rows: list[str]) -> list[Compared]:
    path = folder / "published.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return compare_published(read_published(path), LidcDatabase(database))


def test_a_true_table_agrees(tmp_path: Path, database: Path) -> None:
    nodules, frame = found(database)
    result = compared(tmp_path, database, [published_row(nodule, frame) for nodule in nodules])
    assert [one.match and one.match.nodule.readers for one in result] == [3, 2]
    assert all(one.by_others and one.match and one.match.distance_mm < 1e-6 for one in result)
    report = agreement_report("published.csv", result)
    assert "published.csv: 2 nodules in 1 scan" in report
    assert "malignancy equal                    2 of 2" in report
    assert "No disagreement." in report


def test_each_planted_disagreement_is_told(tmp_path: Path, database: Path) -> None:
    nodules, frame = found(database)
    x, y, z = frame.lps_from_vox(nodules[1].center_vox).tolist()
    rows = [
        published_row(nodules[0], frame, malignant=False, ratings=[5, 4, 2]),
        published_row(nodules[1], frame, center=[x + 1.25, y, z], ratings=[2, 3, 3, 3, 3]),
        published_row(nodules[1], frame, center=[x, y, z + 9]),
        published_row(nodules[1], frame, series="1.2.4"),
    ]
    report = agreement_report("published.csv", compared(tmp_path, database, rows))
    assert "4 disagreements" in report
    assert (
        "malignant False published, True here; ratings of malignancy [5, 4, 2] published, [5, 4, 1] here"
        in report
    )
    assert "centres 1.25 mm apart. Published from 5 readings, where LIDC had 4 readers." in report
    assert "no nodule within half the diameter. Not explained." in report
    assert "1.2.4, " in report
    assert "LIDC does not hold the series" in report


def test_a_row_alone_is_placed_by_its_own_box_or_not_at_all(tmp_path: Path, database: Path) -> None:
    nodules, frame = found(database)
    (one,) = compared(tmp_path, database, [published_row(nodules[0], frame)])
    assert one.match
    assert not one.by_others
    turned_out = published_row(nodules[0], frame).rsplit(",", 1)[0] + ",999"
    (one,) = compared(tmp_path, database, [turned_out])
    assert one.frame is None
    assert "its box fits no nodule" in agreement_report("published.csv", [one])


def test_a_row_twice_is_not_placed_by_itself(tmp_path: Path, database: Path) -> None:
    nodules, frame = found(database)
    one, other = compared(tmp_path, database, [published_row(nodules[0], frame)] * 2)
    assert not one.by_others
    assert not other.by_others
    assert one.match
    assert other.match is None


def test_averages_in_pairs_are_recognised(tmp_path: Path, database: Path) -> None:
    nodules, frame = found(database)
    centers = frame.lps_from_vox(nodules[0].reading_centers_vox)
    diameters = nodules[0].reading_diameters_mm
    for weights, count in (((0.5, 0.25, 0.25), 3), ((0, 0.5, 0.5), 2), ((0.4, 0.3, 0.3), 0)):
        row = published_row(
            nodules[0], frame, center=(weights @ centers).tolist(), diameter=float(np.dot(weights, diameters))
        )
        (one,) = compared(tmp_path, database, [row])
        assert averaged_by(one) == count


def test_the_commonest_rating(database: Path) -> None:
    nodules, _ = found(database)
    assert commonest(nodules[0])["malignancy"] == 1  # of 5, 4, 1: each once
    assert commonest(nodules[0])["texture"] == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("mal_bool", "mal"), "line 2 a row that makes no sense; wanted the columns seriesuid, coordX"),
        (("bboxLowX", "bbox"), "lacks bboxLowX; its header has seriesuid, coordX"),
        (("True", "unknown"), "line 2 a row that makes no sense"),
        (("[5", "[55"), "line 2 a row that makes no sense"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    tmp_path: Path, database: Path, change: tuple[str, str], what: str
) -> None:
    nodules, frame = found(database)
    text = (HEADER + published_row(nodules[0], frame)).replace(*change)
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=what):
        read_published(tmp_path / "bad.csv")


def test_the_command_prints_the_table(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodules, frame = found(database)
    (tmp_path / "table.csv").write_text(HEADER + published_row(nodules[0], frame) + "\n")
    words = ["lidc", "agreement", "--database", str(database), "--quiet"]
    assert main([*words, "--published", str(tmp_path / "table.csv")]) == 0
    assert "malignancy equal                    1 of 1" in capsys.readouterr().out
    assert main(words) == 2
    assert "no published table" in capsys.readouterr().err


@pytest.fixture(scope="module")
def published(shared_data: Path) -> list[Compared]:
    path = shared_data / "luna16" / "annotations_with_malignancy.csv"
    return compare_published(read_published(path), LidcDatabase())


@pytest.mark.shared_data
def test_the_published_malignancy_is_ours(published: list[Compared]) -> None:
    matched = [one for one in published if one.match]
    assert (len(published), len(matched)) == (959, 955)
    # LIDC-IDRI-0404: published from seven readings of two nodules that touch.
    other = [one for one in matched if one.match and one.match.nodule.malignant != one.row.malignant]
    assert [one.scan and one.scan.patient_id for one in other] == ["LIDC-IDRI-0404"]
    # The four that could not be placed are published from five readings too.
    assert {one.row.readings for one in published if not one.match} == {5}
    assert all(
        one.match and one.match.nodule.ratings["malignancy"] == one.row.ratings
        for one in matched
        if one.row.readings <= 4
    )


@pytest.mark.shared_data
def test_centres_and_diameters_are_lunas_to_a_few_micrometres(published: list[Compared]) -> None:
    """Nothing is fitted here but the order in which LUNA16 averaged the readings of a nodule."""
    matched = [one for one in published if one.match]
    assert sum(averaged_by(one) > 0 for one in matched) >= 0.98 * len(matched)
    distances = [one.match.distance_mm for one in matched if one.match]
    assert np.median(distances) < 0.1
    assert np.percentile(distances, 95) < 0.35


@pytest.mark.shared_data
def test_cut_out_nodules_agree_in_ratings_and_masks(shared_data: Path) -> None:
    folder = shared_data / "lidc_nodules"
    result = compare_published(read_published(folder / "nodules.csv")[::8], LidcDatabase())
    matched = [one for one in result if one.match]
    assert len(matched) >= 100
    assert all(one.match and one.match.nodule.malignant == one.row.malignant for one in matched)
    same = [commonest(one.match.nodule) == one.row.commonest for one in matched if one.match]
    assert np.mean(same) > 0.98
    dice = mask_dice(matched, folder / "mask")
    assert np.mean(np.array(dice) == 1) > 0.9


@pytest.mark.parametrize("damage", ["missing", "cut short", "empty", "flat"])
def test_a_mask_that_cannot_be_used_is_refused(tmp_path: Path, database: Path, damage: str) -> None:
    nodules, frame = found(database)
    path = tmp_path / "published.csv"
    path.write_text(f"{HEADER[:-1]},file\n{published_row(nodules[0], frame)},mask.nii.gz\n")
    result = compare_published(read_published(path), LidcDatabase(database))
    mask = np.zeros((60, 60) if damage == "flat" else (60, 60, 60), np.uint8)
    mask[3:5] = damage != "empty"
    if damage != "missing":
        nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), tmp_path / "mask.nii.gz")
    if damage == "cut short":
        whole = (tmp_path / "mask.nii.gz").read_bytes()
        (tmp_path / "mask.nii.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        DataError, match=r"mask\.nii\.gz could not be read.*wanted the NIfTI mask of a nodule"
    ):
        mask_dice(result, tmp_path)


@pytest.mark.shared_data
def test_the_places_are_those_that_single_readings_give(shared_data: Path, published: list[Compared]) -> None:
    """LUNA16 lists single readings among its excluded findings: a second way to a scan's place."""
    frames = {one.row.series_uid: one.frame for one in published if one.frame}
    text = (shared_data / "luna16" / "annotations_excluded.csv").read_text()
    single = [line.split(",") for line in text.splitlines()[1:] if not line.endswith(",-1")]
    checked = 0
    for uid in sorted(frames)[::10]:
        frame = frames[uid]
        readings = [
            (mm, lps)
            for nodule in lidc_nodules(frame.scan)
            for mm, lps in zip(
                nodule.reading_diameters_mm, frame.lps_from_vox(nodule.reading_centers_vox), strict=True
            )
        ]
        for x, y, z, diameter_mm in (map(float, numbers) for series, *numbers in single if series == uid):
            for mm, lps in readings:
                if abs(mm - diameter_mm) < 1e-6 and abs(lps[2] - z) < 1e-3:
                    assert lps == pytest.approx((x, y, z), abs=0.005)
                    checked += 1
    assert checked > 60
