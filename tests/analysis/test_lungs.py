"""The coarse lung mask, on bodies whose lungs are known."""

import numpy as np
import pytest

from lungmonai.analysis.lungs import find_lungs
from lungmonai.io import CTScan


def body(*, left=True, right=True, bridge=False, narrow=False) -> CTScan:
    """An ellipse of soft tissue with two ellipsoids of air; columns run to the patient's left."""
    z, y, x = np.indices((60, 128, 128)).astype(float)
    hu = np.full(z.shape, -1000, np.int16)
    hu[((x - 64) / (90 if narrow else 56)) ** 2 + ((y - 64) / (80 if narrow else 40)) ** 2 <= 1] = 40
    for present, column in ((right, 40), (left, 88)):
        if present:
            lung = ((x - column) / 17) ** 2 + ((y - 64) / 28) ** 2 + ((z - 30) / 26) ** 2 <= 1
            hu[lung] = -850
    if bridge:
        hu[(abs(z - 40) < 3) & (abs(y - 64) < 4) & (abs(x - 64) < 20)] = -950
    affine = np.diag([2.7, 2.7, 5.0, 1.0])
    return CTScan(hu, affine, "body")


POINTS = {"left": (30, 64, 88), "right": (30, 64, 40), "heart": (30, 64, 64), "wall": (30, 64, 12)}


def locate(scan: CTScan, *names: str, radius_mm: float = 2.0) -> list[str]:
    points = np.array([POINTS[name] for name in names], float)
    return find_lungs(scan).locations(points, np.full(len(points), radius_mm))


@pytest.mark.parametrize("bridge", [False, True])
def test_sides_are_the_patients(bridge: bool) -> None:
    found = locate(body(bridge=bridge), "left", "right", "wall")
    assert found == ["left lung", "right lung", "outside the lungs"]


def test_the_heart_is_outside() -> None:
    assert locate(body(), "heart") == ["outside the lungs"]


def test_a_mass_within_a_lung_is_in_that_lung() -> None:
    scan = body()
    hu = scan.hu.copy()
    z, y, x = np.indices(hu.shape)
    hu[((x - 95) * 2.7) ** 2 + ((y - 64) * 2.7) ** 2 + ((z - 30) * 5) ** 2 < 20**2] = 30
    mass = CTScan(hu, scan.affine_lps, "mass")
    center = np.array([[30.0, 64, 95]])
    assert find_lungs(mass).locations(center, np.array([20.0])) == ["left lung"]
    assert find_lungs(mass).inside(center).all()


def test_a_body_that_fills_the_view_still_has_lungs() -> None:
    assert locate(body(narrow=True), "left", "right") == ["left lung", "right lung"]


def test_one_lung_is_said() -> None:
    lungs = find_lungs(body(left=False))
    assert lungs.note == "Only one lung was found."
    assert lungs.locations(np.array([POINTS["right"]], float), np.array([2.0])) == ["right lung"]


def test_the_lobes_of_one_lung_are_not_two_lungs() -> None:
    scan = body(left=False)
    hu = scan.hu.copy()
    hu[29:32] = np.where(hu[29:32] == -850, 40, hu[29:32])  # a wall with a gate between the lobes
    hu[29:32, 62:66, 38:42] = -850
    lungs = find_lungs(CTScan(hu, scan.affine_lps, "one"))
    assert lungs.note == "Only one lung was found."
    points = np.array([[20.0, 64, 40], [40.0, 64, 40]])
    assert lungs.locations(points, np.full(2, 2.0)) == ["right lung"] * 2


def test_no_lungs_are_said() -> None:
    lungs = find_lungs(body(left=False, right=False))
    assert "No lungs were found" in lungs.note
    assert lungs.box((60, 128, 128)) is None
    assert lungs.locations(np.array([POINTS["left"]], float), np.array([2.0])) == ["outside the lungs"]


def test_the_box_holds_both_lungs_and_little_more() -> None:
    scan = body()
    (z0, z1), (y0, y1), (x0, x1) = find_lungs(scan).box(scan.shape)
    lungs = np.argwhere(scan.hu == -850)
    assert (lungs >= (z0, y0, x0)).all()
    assert (lungs < (z1, y1, x1)).all()
    assert x1 - x0 <= np.ptp(lungs[:, 2]) + 8


@pytest.mark.shared_data
def test_the_three_real_scans_have_two_lungs(shared_data) -> None:
    from lungmonai.io import read_ct

    for name in ("c3n-00247", "lung-dx-a0001/dicom", "lung1_image.nrrd"):
        scan = read_ct(shared_data / "ct" / name).canonical()
        lungs = find_lungs(scan)
        assert lungs.note == ""
        volume = np.prod(scan.spacing_mm) * np.prod(lungs.step) / 1e6
        litres = [(lungs.labels == side).sum() * volume for side in (1, 2)]
        assert all(1.0 < side < 7.0 for side in litres)
