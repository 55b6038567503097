"""What is written is what SimpleITK and our own reader read back."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from lungmonai.errors import OutputError, SettingsError
from lungmonai.io import CTScan, read_ct
from lungmonai.io.write_metaimage import write_metaimage


def make_scan(direction: np.ndarray) -> CTScan:
    hu = np.random.default_rng(0).integers(-1024, 1500, (5, 6, 7)).astype(np.int16)
    affine = np.eye(4)
    affine[:3, :3] = direction * (0.703125, 0.71, 1.25)
    affine[:3, 3] = (-123.4, 56.789012, -700.000001)
    return CTScan(hu, affine, "1.2.840.5")


def oblique() -> np.ndarray:
    c, s = np.cos(0.07), np.sin(0.07)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


@pytest.mark.parametrize(
    "direction", [np.eye(3), np.diag([-1.0, -1, 1]), oblique()], ids=["axial", "flipped", "oblique"]
)
def test_round_trip(direction: np.ndarray, tmp_path: Path) -> None:
    scan, path = make_scan(direction), tmp_path / "1.2.840.5.mhd"
    write_metaimage(scan, path)
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), scan.hu)
    np.testing.assert_allclose(image.GetSpacing(), scan.spacing_mm, rtol=1e-9)
    corner = image.TransformIndexToPhysicalPoint((6, 5, 4))
    np.testing.assert_allclose(corner, scan.lps_from_vox([4, 5, 6]), atol=1e-6)
    again = read_ct(path)
    assert again.series_uid == "1.2.840.5"
    np.testing.assert_array_equal(again.hu, scan.hu)
    np.testing.assert_allclose(again.affine_lps, scan.affine_lps, atol=1e-9)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["1.2.840.5.mhd", "1.2.840.5.raw"]


def test_refusals(tmp_path: Path) -> None:
    scan = make_scan(np.eye(3))
    with pytest.raises(SettingsError, match=r"scan.nii has the suffix .nii; wanted .mhd"):
        write_metaimage(scan, tmp_path / "scan.nii")
    with pytest.raises(OutputError, match=r"scan.raw could not be written"):
        write_metaimage(scan, tmp_path / "nowhere" / "scan.mhd")
    assert not list(tmp_path.iterdir())
