"""Nodules keep the size of the readers' outlines, and look as the readings say."""

from collections.abc import Sequence

import numpy as np
import pytest

from lungmonai.data.lidc.database import LidcDatabase
from lungmonai.data.phantom.looks import Look, draw_look, texture_name
from lungmonai.data.phantom.nodule_shapes import NoduleShape, shape_from_mask
from lungmonai.data.phantom.nodules import PlacedNodule, draw_turn, paint_nodule
from lungmonai.data.phantom.shapes import Grid
from lungmonai.data.phantom.sources import Dealt, deal
from lungmonai.errors import SettingsError

LUNG_HU = -850.0
READINGS = {
    "subtlety": [5, 5, 4], "internal_structure": [1, 1, 1], "calcification": [6, 6, 6],
    "sphericity": [4, 4, 5], "margin": [5, 5, 5], "lobulation": [1, 1, 1], "spiculation": [1, 1, 1],
    "texture": [5, 5, 5], "malignancy": [3, 3, 3],
}  # fmt: skip


def ball(radius_mm: float, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """A ball as voxels whose centres lie in it."""
    half = [int(radius_mm / step) + 1 for step in spacing_mm]
    axes = [np.arange(-n, n + 1) * step for n, step in zip(half, spacing_mm, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.asarray(z**2 + y**2 + x**2 <= radius_mm**2)


def look(seed: int = 0, **changes: Sequence[int]) -> Look:
    return draw_look({**READINGS, **changes}, np.random.default_rng(seed))


def painted(
    shape: NoduleShape, of: Look, spacing_mm: tuple[float, float, float] = (0.6, 0.6, 0.6)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """HU before and after, and the mask, of one nodule in even lung; spacing as (x, y, z)."""
    sizes = tuple(int(44 / step) for step in spacing_mm[::-1])
    grid = Grid(sizes, spacing_mm)  # type: ignore[arg-type]
    before = np.full(sizes, LUNG_HU, np.float32)
    after, mask = before.copy(), np.zeros(sizes, bool)
    placed = PlacedNodule(shape, of, np.zeros(3), np.eye(3))
    where, inside = paint_nodule(after, grid, placed, np.random.default_rng(1))
    mask[where] = inside
    return before, after, mask


@pytest.fixture(scope="module")
def sphere() -> NoduleShape:
    """8 mm of radius, drawn in slices of 2.5 mm."""
    return shape_from_mask(ball(8.0, (2.5, 0.7, 0.7)), (2.5, 0.7, 0.7))


@pytest.mark.parametrize("spacing_mm", [(2.5, 0.7, 0.7), (3.0, 0.6, 0.6), (1.0, 0.8, 0.8)])
def test_thick_slices_become_a_smooth_ball_of_the_same_volume(
    spacing_mm: tuple[float, float, float],
) -> None:
    mask = ball(8.0, spacing_mm)
    shape = shape_from_mask(mask, spacing_mm)
    assert shape.volume_mm3 == pytest.approx(mask.sum() * np.prod(spacing_mm))
    directions = np.random.default_rng(0).normal(0, 1, (2000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    off = shape.outside_mm(8.0 * directions)
    # Stairs would be off by half a slice at their edges.
    assert np.abs(off).max() < max(0.7 * max(spacing_mm) / 2, 0.5)
    assert off.std() < 0.35
    inside = shape.outside_mm((np.moveaxis(np.indices((48, 48, 48)), 0, -1) - 24) * 0.5) < 0
    assert inside.sum() * 0.5**3 == pytest.approx(shape.volume_mm3, rel=0.04)


def test_distance_grows_by_a_millimetre_a_millimetre_outside(sphere: NoduleShape) -> None:
    far = sphere.outside_mm(np.array([[0, 0, 20.0], [0, 0, 30.0], [0, 40.0, 0]]))
    assert far[1] - far[0] == pytest.approx(10, abs=0.01)
    assert far == pytest.approx([12, 22, 32], abs=2)
    assert sphere.reach_mm == pytest.approx(8, abs=1)


def test_mask_of_one_voxel_is_a_shape() -> None:
    shape = shape_from_mask(np.ones((1, 1, 1), bool), (2.5, 0.7, 0.7))
    assert shape.diameter_mm == pytest.approx(np.cbrt(6 * 2.5 * 0.7 * 0.7 / np.pi))
    assert shape.outside_mm(np.zeros((1, 3)))[0] < 0


@pytest.mark.parametrize(("spacing_mm", "rel"), [((0.6, 0.6, 0.6), 0.03), ((0.8, 0.8, 2.5), 0.1)])
def test_painted_mask_has_the_volume_of_the_shape(
    sphere: NoduleShape, spacing_mm: tuple[float, float, float], rel: float
) -> None:
    _, _, mask = painted(sphere, look(), spacing_mm)
    assert mask.sum() * np.prod(spacing_mm) == pytest.approx(sphere.volume_mm3, rel=rel)


@pytest.mark.parametrize(
    ("texture", "low", "high"), [([5, 5, 5], -40, 120), ([1, 1, 1], -760, -400), ([1, 1, 2], -760, -400)]
)
def test_density_by_texture(sphere: NoduleShape, texture: list[int], low: float, high: float) -> None:
    for seed in range(5):
        _, after, _ = painted(sphere, look(seed, texture=texture))
        core = after[tuple(slice(n // 2 - 4, n // 2 + 5) for n in after.shape)]
        assert low < np.median(core) < high


def test_part_solid_has_a_solid_core_in_ground_glass(sphere: NoduleShape) -> None:
    assert texture_name(3) == "part-solid"
    _, after, mask = painted(sphere, look(texture=[3, 3, 3]))
    middle = tuple(slice(n // 2 - 3, n // 2 + 4) for n in after.shape)
    assert np.median(after[middle]) > -60
    assert 0.15 < (after[mask] < -300).mean() < 0.9


def test_nothing_gets_darker(sphere: NoduleShape) -> None:
    grid = Grid((60, 60, 60), (0.7, 0.7, 0.7))
    before = np.random.default_rng(0).uniform(-1000, 800, (60, 60, 60)).astype(np.float32)
    after = before.copy()
    ragged = look(texture=[1, 1, 1], spiculation=[5, 5, 5], internal_structure=[4, 4, 4])
    placed = PlacedNodule(sphere, ragged, np.zeros(3), np.eye(3))
    paint_nodule(after, grid, placed, np.random.default_rng(1))
    assert (after >= before).all()
    assert (after > before).any()


def test_calcification_by_pattern(sphere: NoduleShape) -> None:
    def brightest(pattern: int) -> tuple[float, float]:
        """Median of the middle, and the share of the whole nodule over 200 HU."""
        _, after, mask = painted(sphere, look(calcification=[pattern] * 3))
        middle = tuple(slice(n // 2 - 2, n // 2 + 3) for n in after.shape)
        return float(np.median(after[middle])), float((after[mask] > 150).mean())

    absent, central, solid, popcorn = (brightest(pattern) for pattern in (6, 5, 3, 1))
    assert absent[0] < 150
    assert absent[1] == 0
    assert central[0] > 200
    assert 0.02 < central[1] < 0.5
    assert solid[0] > 200
    assert solid[1] > 0.7
    assert 0.02 < popcorn[1] < 0.9
    # A tie between absent and solid is decided for absent, which most nodules are.
    assert look(calcification=[3, 6]).calcification == "absent"


def test_strands_only_where_readers_saw_spiculation(sphere: NoduleShape) -> None:
    def bright_outside(rating: int) -> int:
        before, after, _ = painted(sphere, look(spiculation=[rating] * 3))
        at = np.moveaxis(np.indices(after.shape), 0, -1) - (np.array(after.shape) - 1) / 2
        return int(((after > before + 200) & (sphere.outside_mm(at * 0.6) > 2)).sum())

    none, some, many = (bright_outside(rating) for rating in (2, 3, 5))
    assert none == 0
    assert 0 < some < many


def test_poor_margin_is_wider(sphere: NoduleShape) -> None:
    def rim(rating: int) -> float:
        _, after, mask = painted(sphere, look(margin=[rating] * 3))
        return float(((after > LUNG_HU + 90) & (after < -90)).sum() / mask.sum())

    assert rim(1) > 2.5 * rim(5)


def test_turns_are_rotations_in_the_slice_plane_with_mirrors() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        turn = draw_turn(rng)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(np.abs(turn[0]), [1, 0, 0], atol=1e-12)


@pytest.fixture(scope="module")
def database() -> LidcDatabase:
    return LidcDatabase()


def dealt(database: LidcDatabase, number: int, without: Sequence[str] = ()) -> Dealt:
    return deal(database, 7, number, nodules_per_scan=(1, 8), without=without)


def test_no_patient_serves_two_scans(database: LidcDatabase) -> None:
    hands = [dealt(database, number) for number in range(30)]
    patients = [patient for hand in hands for patient in hand.patients]
    assert len(set(patients)) == len(patients)
    assert {nodule.scan.patient_id for hand in hands for nodule in hand.nodules} <= set(patients)
    assert dealt(database, 3).patients == hands[3].patients


def test_nodules_are_those_that_luna16_counts(database: LidcDatabase) -> None:
    hands = [dealt(database, number) for number in range(30)]
    for hand in hands:
        assert len(hand.nodules) <= 8
        for nodule in hand.nodules:
            assert nodule.readers >= 3
            assert 3 <= nodule.diameter_mm <= 30
        assert all(nodule.readers < 3 for nodule in hand.doubtful)
    counts = [len(hand.nodules) for hand in hands]
    assert 0 in counts
    assert 2 < np.mean(counts) < 6


def test_patients_left_out_are_not_used(database: LidcDatabase) -> None:
    patients = database.patients()
    kept = dealt(database, 0).patients
    others = {patient for patient, _ in patients.values()} - set(kept)
    series = [uid for uid, (patient, _) in patients.items() if patient not in kept]
    # Six patients serve a scan: with all others left out, by patient or by series, it is these.
    for without in (sorted(others), series):
        assert sorted(dealt(database, 5, without).patients) == sorted(kept)


def test_refused_when_nobody_is_left(database: LidcDatabase) -> None:
    everyone = [patient for patient, _ in database.patients().values()]
    with pytest.raises(SettingsError, match=r"1 patients of LIDC are left; wanted at least 6"):
        dealt(database, 0, everyone[1:])
