"""Composites: a real nodule keeps its profile, and nothing but the nodule and its feather changes."""

import csv
import re
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from lungmonai.data.phantom import Composite, make_composite, write_composites
from lungmonai.data.phantom.blend import FEATHER_MM, Stamp, blend_nodule
from lungmonai.data.phantom.composite_write import background_name, deal_patients
from lungmonai.data.phantom.real_nodules import RealNodule, read_nodule_table
from lungmonai.data.phantom.records import ScanRecord
from lungmonai.errors import DataError, SettingsError
from lungmonai.io import CTScan, read_ct

SPACING = (2.5, 0.7, 0.7)
COLUMNS = [
    "patient_id", "seriesuid", "coordx", "coordy", "coordz", "diameter_mm", "bbox_lowx", "bbox_lowy",
    "bbox_lowz", "bbox_highx", "bbox_highy", "bbox_highz", "diagnosis_value", "malignancy_value",
    "texture_value", "luna16_subset", "file",
]  # fmt: skip


def crop(
    radius_mm: float, lung_hu: float = -850, nodule_hu: float = 40, wall: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """A blurred ball in lung, (slices, rows, columns), cut as the real ones: no margin along z."""
    slices = 2 * int(radius_mm / SPACING[0]) + 1
    z = (np.arange(slices) - slices // 2)[:, None, None] * SPACING[0]
    y = x = (np.arange(61) - 30) * SPACING[1]
    far = np.sqrt(z**2 + y[:, None] ** 2 + x**2)
    hu = np.where(far < radius_mm, nodule_hu, lung_hu).astype(np.float32)
    if wall:
        hu[:, :, x > radius_mm + 1] = 60
    return ndimage.gaussian_filter(hu, (0, 0.8, 0.8)), far < radius_mm


def even_lung(hu: int, spacing_mm: tuple[float, float, float] = (0.7, 0.7, 1.5)) -> CTScan:
    voxels = np.full((60, 120, 120), hu, np.int16)
    voxels += np.random.default_rng(0).normal(0, 10, voxels.shape).astype(np.int16)
    return CTScan(voxels, np.diag([*spacing_mm, 1.0]), "even")


def blended(
    hu: np.ndarray, mask: np.ndarray, background: CTScan, *, keep_wall: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The voxels after, and the mask in the scan, of a nodule in its middle."""
    after, whole = background.hu.copy(), np.zeros(background.shape, bool)
    center = np.array([29.6, 59.8, 60.3])
    stamp = Stamp.of(hu, mask, SPACING)
    first, inside = blend_nodule(background, after, stamp, center, keep_wall=keep_wall)
    whole[tuple(slice(a, a + n) for a, n in zip(first, inside.shape, strict=True))] = inside
    return after, whole


def outside_mm(mask: np.ndarray, scan: CTScan) -> np.ndarray:
    """Distance of each voxel to the nearest voxel of a mask."""
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=scan.spacing_mm[::-1]))


def test_beyond_the_feather_not_one_voxel_changes() -> None:
    background = even_lung(-850)
    after, mask = blended(*crop(8), background)
    changed = after != background.hu
    # A voxel counts by its centre: half of its diagonal may lie beyond.
    assert outside_mm(mask, background)[changed].max() < FEATHER_MM + np.linalg.norm([0.7, 0.7, 1.5])
    assert changed[mask].mean() > 0.99


def test_the_nodule_keeps_its_profile_and_its_volume() -> None:
    hu, source_mask = crop(8)
    background = even_lung(-850)
    after, mask = blended(hu, source_mask, background)
    assert mask.sum() * 0.7 * 0.7 * 1.5 == pytest.approx(source_mask.sum() * np.prod(SPACING), rel=0.06)
    middle = hu[hu.shape[0] // 2, 30, :]
    # Along the row through the centre, which lies at column 60.3: the same densities in the same places.
    there = np.interp(np.arange(-11, 12) - 0.3, np.arange(-30, 31), middle)
    # The slice averages levels of a ball: its edge is up to 100 HU softer.
    np.testing.assert_allclose(after[30, 60, 49:72], there, atol=100)
    assert np.abs(after[30, 60, 52:69] - there[3:20]).mean() < 3


@pytest.mark.parametrize("lung_hu", [-950, -850, -750])
def test_no_halo_where_lungs_differ(lung_hu: int) -> None:
    background = even_lung(-850)
    after, mask = blended(*crop(8, lung_hu=lung_hu), background)
    far = outside_mm(mask, background)
    ring = (far > 1.6) & (far < 3)
    assert abs((after[ring].astype(float) - background.hu[ring]).mean()) < 25
    core = ndimage.distance_transform_edt(mask, sampling=background.spacing_mm[::-1]) > 2.5
    assert np.median(after[core]) == pytest.approx(40, abs=3)


def test_ground_glass_keeps_its_share_of_tissue() -> None:
    # −600 HU in lung of −900 HU is one third tissue; so it is −567 HU in lung of −850 HU.
    after, mask = blended(*crop(8, lung_hu=-900, nodule_hu=-600), even_lung(-850))
    assert np.median(after[mask]) == pytest.approx(-567, abs=25)


def test_a_wall_beside_the_nodule_is_left_behind() -> None:
    background = even_lung(-850)
    after, mask = blended(*crop(8, wall=True), background)
    far = outside_mm(mask, background)
    assert after[far > 1.6].max() < -500


def test_along_z_the_nodule_ends_softly_beyond_its_last_slice() -> None:
    after, mask = blended(*crop(8), even_lung(-850))
    line = after[:, 60, 60].astype(float)
    assert (line[29:31] > -50).all()
    ends = np.flatnonzero(line > -400)
    assert (ends[-1] - ends[0] + 1) * 1.5 == pytest.approx(16, abs=3.5)
    assert np.flatnonzero(mask.any(axis=(1, 2))).tolist() == list(range(ends[0], ends[-1] + 1))


def test_the_wall_stays_where_a_nodule_lies_on_it() -> None:
    background = even_lung(-850)
    background.hu[:, :, 66:] = -100
    after, mask = blended(*crop(8), background, keep_wall=True)
    assert (after[:, :, 66:] >= background.hu[:, :, 66:]).all()
    # Its first column is partial volume; two mm behind that nothing changes.
    np.testing.assert_array_equal(after[:, :, 70:], background.hu[:, :, 70:])
    assert not mask[:, :, 67:].any()
    assert mask[:, :, 64].any()


def test_a_wall_that_fades_leaves_no_line() -> None:
    background = even_lung(-850)
    # Its partial volume is 10 columns wide, as where a slice cuts the diaphragm.
    ramp = np.linspace(-850, 50, 12).astype(np.int16)
    background.hu[:, :, 60:] = 50
    background.hu[:, :, 60:72] = ramp + np.random.default_rng(1).normal(0, 40, (60, 120, 12)).astype(np.int16)
    after, _ = blended(*crop(8), background, keep_wall=True)
    # The nodule's middle row, from its inside to well into the wall.
    assert np.median(after[28:32, 58:62, 58:72], axis=(0, 1)).min() > -150


def test_a_vessel_is_no_wall() -> None:
    background = even_lung(-850)
    background.hu[29:32, 60:62, :] = 50
    _, mask = blended(*crop(8), background, keep_wall=True)
    assert mask[30, 56:66, 60].all()


def write_table(folder: Path, patients: int = 12) -> Path:
    """A table of balls, two for each patient, as NIfTI in RAS with image and mask folders."""
    rows = []
    for name in ("image", "mask"):
        (folder / name).mkdir(parents=True)
    for number in range(2 * patients):
        radius = 2.5 + 0.25 * (number % 12)
        hu, mask = crop(radius)
        file = f"P{number}.nii.gz"
        # Stored as the real ones: columns and rows run to the left and back, so RAS steps are negative.
        affine = np.diag([-SPACING[2], -SPACING[1], SPACING[0], 1.0])
        for name, voxels in (("image", hu.astype(np.int16)), ("mask", mask.astype(np.int16))):
            image = nibabel.Nifti1Image(voxels.transpose(2, 1, 0), affine)
            nibabel.save(image, folder / name / file)
        said = [f"P-{number // 2}", f"1.2.{number}", 0, 0, 0, 2 * radius, *[0] * 6]
        rows.append([*said, number % 2, 4, 5, number % 3, file])
    with (folder / "nodules.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return folder / "nodules.csv"


@pytest.fixture(scope="module")
def nodules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("nodules"))


@pytest.fixture(scope="module")
def background(phantom_set: Path, phantom_records: list[ScanRecord]) -> Path:
    """The flipped phantom."""
    return phantom_set / "subset1" / f"{phantom_records[1].series_uid}.mhd"


@pytest.fixture(scope="module")
def composite(nodules: Path, background: Path) -> Composite:
    return make_composite(read_ct(background), read_nodule_table(nodules)[12:20], 3, name="there")


def test_composite_differs_from_its_background_at_its_nodules_only(
    composite: Composite, background: Path
) -> None:
    before = read_ct(background).canonical()
    np.testing.assert_allclose(composite.scan.affine_lps, before.affine_lps)
    changed = composite.scan.hu != before.hu
    far = outside_mm(composite.mask > 0, composite.scan)
    assert 0 < far[changed].max() < FEATHER_MM + np.linalg.norm(composite.scan.spacing_mm)


def test_records_say_where_the_nodules_are(composite: Composite) -> None:
    assert 4 <= len(composite.nodules) <= 8
    for nodule in composite.nodules:
        vox = np.argwhere(composite.mask == nodule.number)
        assert composite.scan.lps_from_vox(vox.mean(axis=0)) == pytest.approx(nodule.lps_mm)
        volume = len(vox) * np.prod(composite.scan.spacing_mm)
        assert nodule.diameter_mm == pytest.approx(np.cbrt(6 * volume / np.pi))
        assert nodule.place in ("isolated", "juxtapleural")
        assert np.median(composite.scan.hu[tuple(vox.T)]) > -600
        # A number of the table stands for the readers where LIDC does not know the nodule.
        assert nodule.ratings["malignancy"] == [4]
        assert nodule.malignant == (int(re.sub(r"\D", "", str(nodule.source_ids[0]))) % 2 == 1)
    for a, b in combinations(composite.nodules, 2):
        assert np.linalg.norm(np.subtract(a.lps_mm, b.lps_mm)) > (a.diameter_mm + b.diameter_mm) / 2
    assert composite.record.patient_id == "BACKGROUND-there"
    labels = [candidate.label for candidate in composite.record.candidates]
    assert sum(labels) >= len(composite.nodules)
    assert labels.count(0) > 100


def test_same_seed_same_composite(composite: Composite, nodules: Path, background: Path) -> None:
    again = make_composite(read_ct(background), read_nodule_table(nodules)[12:20], 3, name="there")
    np.testing.assert_array_equal(again.scan.hu, composite.scan.hu)
    assert again.record == composite.record


def test_data_set_of_composites_shares_no_source_patient(
    nodules: Path, background: Path, phantom_set: Path, phantom_records: list[ScanRecord], tmp_path: Path
) -> None:
    other = phantom_set / "subset2" / f"{phantom_records[2].series_uid}.mhd"
    records = write_composites(
        tmp_path, 3, 5, backgrounds=[background, other], nodules=nodules, nodules_per_scan=(2, 4)
    )
    patients = [{nodule.source_patient for nodule in record.nodules} for record in records]
    assert all(not a & b for a, b in combinations(patients, 2))
    assert all(patients)
    names = [f"BACKGROUND-{background_name(path)}" for path in (background, other)]
    assert [record.patient_id for record in records] == [names[0], names[1], names[0]]
    # Folds by subset keep the composites of one background together.
    assert [record.subset for record in records] == [0, 1, 0]
    for record in records:
        scan = read_ct(tmp_path / f"subset{record.subset}" / f"{record.series_uid}.mhd")
        assert scan.series_uid == record.series_uid
    with (tmp_path / "phantom_nodules.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["source_patient_id"] for row in rows} == set().union(*patients)
    told: list[tuple[str, int, int]] = []
    write_composites(
        tmp_path, 3, 5, backgrounds=[background, other], nodules=nodules, nodules_per_scan=(2, 4),
        progress=lambda *step: told.append(step),
    )  # fmt: skip
    assert told == [("composite", 0, 0)]
    with pytest.raises(DataError, match=r"holds a data set with another backgrounds"):
        write_composites(tmp_path, 3, 5, backgrounds=[other], nodules=nodules, nodules_per_scan=(2, 4))


def test_a_background_named_twice_lies_in_one_subset(
    nodules: Path, background: Path, tmp_path: Path
) -> None:
    twice = [background, background.parent / ".." / background.parent.name / background.name]
    records = write_composites(tmp_path, 2, 5, backgrounds=twice, nodules=nodules, nodules_per_scan=(1, 2))
    assert len({(record.patient_id, record.subset) for record in records}) == 1


def test_dealing_does_not_depend_on_the_number_of_scans(nodules: Path) -> None:
    found = read_nodule_table(nodules)

    def dealt(scans: int) -> list[list[str]]:
        hands = deal_patients(found, scans, 1, nodules_per_scan=(2, 4))
        return [[nodule.row["file"] for nodule in hand] for hand in hands]

    longer = dealt(6)
    assert dealt(3) == longer[:3]
    assert all(2 <= len(hand) <= 4 for hand in longer)
    assert all(not set(a) & set(b) for a, b in pairwise(longer))


def test_subsets_and_patients_choose_the_nodules(nodules: Path) -> None:
    def patients(**choice: object) -> set[str]:
        return {one.patient_id for one in read_nodule_table(nodules, **choice)}  # type: ignore[arg-type]

    assert {one.row["luna16_subset"] for one in read_nodule_table(nodules, subsets=[2])} == {"2"}
    assert patients(only=["P-1", "P-2"]) == {"P-1", "P-2"}
    assert patients(only=["1.2.6"]) == {"P-3"}
    assert "P-0" not in patients(without=["P-0"])


def test_refusals(nodules: Path, background: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has 24 nodules, none of which may be used"):
        read_nodule_table(nodules, subsets=[9])
    with pytest.raises(DataError, match=r"nowhere.csv could not be read"):
        read_nodule_table(tmp_path / "nowhere.csv")
    (tmp_path / "short.csv").write_text("patient_id,seriesuid\nP,1.2\n")
    with pytest.raises(DataError, match=r"short.csv lacks coordx, coordy, coordz"):
        read_nodule_table(tmp_path / "short.csv")
    found = read_nodule_table(nodules)
    with pytest.raises(SettingsError, match=r"wanted at most 6 scans, as 12 patients may be used once"):
        deal_patients(found, 7, 0, nodules_per_scan=(1, 4))
    with pytest.raises(SettingsError, match=r"2 scans on 0 backgrounds by 1 workers"):
        write_composites(tmp_path, 2, 0, backgrounds=[], nodules=nodules)
    with pytest.raises(DataError, match=r"in even no lungs were found; wanted a chest CT"):
        make_composite(even_lung(-200), found[:1], 0)
    lost = RealNodule(tmp_path, {**found[0].row, "file": "lost.nii.gz"})
    with pytest.raises(DataError, match=r"lost.nii.gz cannot be read"):
        make_composite(read_ct(background), [lost], 0)


def test_tables_of_nodules_that_are_refused(nodules: Path, tmp_path: Path) -> None:
    lines = nodules.read_text().splitlines()
    path = tmp_path / "nodules.csv"
    path.write_text("\n".join([*lines[:3], lines[3].replace("P-1,", '"P-1,', 1), *lines[4:]]))
    with pytest.raises(DataError, match=r"has in line 4 a quotation mark that is not closed there"):
        read_nodule_table(path)
    for cells in ({0: ""}, {5: "wide"}, {5: "nan"}, {-1: " "}):
        row = lines[2].split(",")
        for place, cell in cells.items():
            row[place] = cell
        path.write_text("\n".join([*lines[:2], ",".join(row)]))
        with pytest.raises(DataError, match=r"nodule 2 of .* lacks a patient, a file or a number"):
            read_nodule_table(path)
    path.write_text("\n".join(line.replace(",", " , ") for line in lines))
    assert [one.row for one in read_nodule_table(path)] == [one.row for one in read_nodule_table(nodules)]


def test_an_empty_mask_is_refused(nodules: Path, tmp_path: Path) -> None:
    for name in ("image", "mask"):
        (tmp_path / name).mkdir()
        image = nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4))
        nibabel.save(image, tmp_path / name / "empty.nii.gz")
    empty = RealNodule(tmp_path, {**read_nodule_table(nodules)[0].row, "file": "empty.nii.gz"})
    with pytest.raises(DataError, match=r"empty.nii.gz has an image of .* wanted a mask on the image's grid"):
        _ = empty.crop


def test_an_enlarged_nodule_is_so_much_larger(nodules: Path) -> None:
    nodule = read_nodule_table(nodules)[0]
    volumes = [Stamp.of(*replace(nodule, enlarge=factor).crop).shape.volume_mm3 for factor in (1.0, 3.0)]
    assert volumes[1] == pytest.approx(27 * volumes[0], rel=0.02)



@pytest.mark.shared_data
def test_real_nodules_find_their_readings_in_lidc(shared_data: Path) -> None:
    from lungmonai.data.lidc.database import LidcDatabase

    database = LidcDatabase()
    found = agree = 0
    table = read_nodule_table(shared_data / "lidc_nodules" / "nodules.csv")[::40]
    for nodule in table:
        ratings, ids = nodule.ratings(database)
        if isinstance(ids[0], int):
            found += 1
            agree += nodule.malignant == (sum(r >= 4 for r in ratings["malignancy"]) >= 2)
    assert found >= 0.9 * len(table)
    assert agree == found


@pytest.mark.shared_data
def test_a_real_nodule_in_a_real_scan_looks_the_same(shared_data: Path) -> None:
    table = read_nodule_table(shared_data / "lidc_nodules" / "nodules.csv")
    chosen = [one for one in table if 9 < one.diameter_mm < 12 and one.row["texture_value"] == "5"][:3]
    made = make_composite(read_ct(shared_data / "ct" / "c3n-00247"), chosen, 0)
    assert len(made.nodules) == 3
    by_patient = {one.patient_id: one for one in chosen}
    for nodule in made.nodules:
        hu, mask, _ = by_patient[nodule.source_patient].crop
        there = made.scan.hu[made.mask == nodule.number]
        assert np.percentile(there, 90) == pytest.approx(np.percentile(hu[mask], 90), abs=60)
