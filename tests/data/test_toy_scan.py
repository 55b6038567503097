"""The synthetic scan is the same every time and holds the nodules that it says it holds."""

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from lungmonai.data import ToyScan, make_toy_scan, write_toy_scan

# Halfway from lung (about −850 HU) to nodule (about 0 HU).
HALFWAY_HU = -425


@pytest.fixture(scope="module", params=[(0, (2.0, 2.0, 3.0)), (5, (2.1, 1.8, 2.5))], ids=["even", "uneven"])
def toy(request: pytest.FixtureRequest) -> ToyScan:
    seed, spacing_mm = request.param
    return make_toy_scan(seed, shape=(72, 160, 160), spacing_mm=spacing_mm)


def distance_mm(toy: ToyScan, center_lps_mm: tuple[float, float, float]) -> np.ndarray:
    """(slices, rows, columns) distance of each voxel from a point, by the scan's own affine."""
    vox = np.moveaxis(np.indices(toy.scan.shape), 0, -1)
    return np.linalg.norm(toy.scan.lps_from_vox(vox) - center_lps_mm, axis=-1)


def test_same_seed_same_scan() -> None:
    first, second, other = (
        make_toy_scan(seed, shape=(40, 128, 128), spacing_mm=(2.5, 2.5, 5)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.scan.hu, second.scan.hu)
    np.testing.assert_array_equal(first.scan.affine_lps, second.scan.affine_lps)
    assert first.truth == second.truth
    assert not np.array_equal(first.scan.hu, other.scan.hu)
    assert first.truth != other.truth


def test_geometry_is_axial_lps_with_an_origin_off_zero(toy: ToyScan) -> None:
    affine = toy.scan.affine_lps
    np.testing.assert_array_equal(affine[:3, :3], np.diag(toy.scan.spacing_mm))
    assert (np.abs(affine[:3, 3]) >= 100).all()
    assert toy.scan.canonical() is toy.scan


def test_3_to_7_nodules_of_5_to_20_mm_apart_from_each_other(toy: ToyScan) -> None:
    assert 3 <= len(toy.truth) <= 7
    assert all(5 <= diameter <= 20 for _, diameter in toy.truth)
    for (a, a_mm), (b, b_mm) in combinations(toy.truth, 2):
        assert np.linalg.norm(np.subtract(a, b)) > (a_mm + b_mm) / 2


def test_each_nodule_is_dense_and_lies_in_lung(toy: ToyScan) -> None:
    for center, diameter in toy.truth:
        far = distance_mm(toy, center)
        core, shell = far < 0.3 * diameter, (far > diameter / 2 + 1.5) & (far < diameter / 2 + 2.5)
        assert -350 < toy.scan.hu[core].mean() < 150
        # A vessel may touch the shell; most of it is lung.
        assert np.median(toy.scan.hu[shell]) < -750


def test_each_nodule_has_the_volume_of_its_sphere(toy: ToyScan) -> None:
    voxel_mm3 = np.prod(toy.scan.spacing_mm)
    for center, diameter in toy.truth:
        near = distance_mm(toy, center) < diameter / 2 + 2.5
        # Voxels weigh by how far they are from lung to nodule: partial volume counts in part.
        core = toy.scan.hu[distance_mm(toy, center) < 0.25 * diameter].mean()
        lung = np.median(toy.scan.hu[near & (toy.scan.hu < HALFWAY_HU)])
        volume = ((toy.scan.hu[near] - lung) / (core - lung)).sum() * voxel_mm3
        assert volume == pytest.approx(np.pi / 6 * diameter**3, rel=0.35)


def test_tissues_have_their_hounsfield_units(toy: ToyScan) -> None:
    hu = toy.scan.hu
    assert hu.dtype == np.int16
    assert hu[:, :4, :4].mean() == pytest.approx(-1000, abs=10)
    assert hu[:, :4, :4].std() == pytest.approx(25, rel=0.3)
    lung = hu[(hu > -930) & (hu < -780)]
    assert 0.08 < lung.size / hu.size < 0.4
    assert (hu > 300).mean() > 0.002


def test_written_scan_is_read_back_by_simpleitk(toy: ToyScan, tmp_path: Path) -> None:
    header = write_toy_scan(toy, tmp_path / "new" / "folder")
    image = SimpleITK.ReadImage(str(header))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), toy.scan.hu)
    np.testing.assert_allclose(image.GetSpacing(), toy.scan.spacing_mm)
    np.testing.assert_allclose(image.GetOrigin(), toy.scan.affine_lps[:3, 3])
    assert image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert sorted(path.name for path in header.parent.iterdir()) == ["scan.mhd", "scan.raw", "truth.csv"]


def test_written_truth_is_in_lunas_columns(toy: ToyScan, tmp_path: Path) -> None:
    write_toy_scan(toy, tmp_path)
    with (tmp_path / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"]
    assert {row["seriesuid"] for row in rows} == {"scan"}
    for row, (center, diameter) in zip(rows, toy.truth, strict=True):
        assert [float(row[f"coord{axis}"]) for axis in "XYZ"] == pytest.approx(center, abs=1e-3)
        assert float(row["diameter_mm"]) == pytest.approx(diameter, abs=1e-3)
