"""Pictures of places: the right one, upright, to scale, whichever way the scan is stored."""

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lungmonai.errors import SettingsError
from lungmonai.evaluation.crops import CropPictures
from lungmonai.io import CTScan
from lungmonai.io.write_metaimage import write_metaimage

# One small scan in patient space: a ball in the middle, a rod to its left (+x), a plate in front (−y).
PLACE = (12.0, -7.0, 31.0)
SPACING = (0.8, 0.6, 2.0)
SIZE = (130, 160, 40)


def _density(lps_mm: NDArray[np.float64]) -> NDArray[np.int16]:
    off = lps_mm - np.array(PLACE)
    hu = np.full(lps_mm.shape[:-1], -900, np.int16)
    hu[np.linalg.norm(off, axis=-1) < 5] = 100
    hu[(np.abs(off[..., 0] - 20) < 2) & (np.abs(off[..., 1]) < 2)] = 100
    hu[(np.abs(off[..., 1] + 15) < 2) & (np.abs(off[..., 0]) < 8)] = 100
    hu[off[..., 2] > 9] = 100  # whoever takes another slice sees it at once
    return hu


def _stored(order: tuple[int, int, int], signs: tuple[int, int, int]) -> CTScan:
    """The scan with its voxel axes along other axes of the patient."""
    affine = np.eye(4)
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[:, axis] = 0
        affine[world, axis] = sign * SPACING[world]
    size = [SIZE[world] for world in order]
    middle = np.array([*[(length - 1) / 2 for length in size], 0.0])
    affine[:3, 3] = np.array([10.0, -3.0, 30.0]) - (affine @ middle)[:3]
    affine[3] = 0, 0, 0, 1
    grid = np.stack(np.meshgrid(*map(np.arange, size[::-1]), indexing="ij"), axis=-1)[..., ::-1]
    lps = grid @ affine[:3, :3].T + affine[:3, 3]
    return CTScan(_density(lps), affine, "scan")


def _pictures(scan: CTScan, folder: Path, **options: Any) -> CropPictures:
    write_metaimage(scan, folder / "scan.mhd")
    return CropPictures([_item("scan", folder / "scan.mhd")], **options)


def _item(name: str, path: Path) -> Any:
    return {
        "image": str(path),
        "seriesuid": name,
        "patient": name,
        "nodules": [],
        "candidates": [],
        "fold": 0,
    }


def _pixels(png: bytes | None) -> NDArray[np.int64]:
    assert png is not None
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(np.int64)


def _gray(pixels: NDArray[np.int64], x_mm: float, y_mm: float, field_mm: float = 60.0) -> float:
    """Mean brightness about a place that many mm right of and below the middle."""
    scale, middle = len(pixels) / field_mm, (len(pixels) - 1) / 2
    column, row = round(middle + x_mm * scale), round(middle + y_mm * scale)
    return float(pixels[row - 1 : row + 2, column - 1 : column + 2].mean())


def _ring(pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return pixels[..., 0] - pixels[..., 2] > 60  # orange; all else is grey


LAYOUTS = [
    ((0, 1, 2), (1, 1, 1)),
    ((0, 1, 2), (-1, -1, 1)),
    ((0, 1, 2), (1, 1, -1)),
    ((0, 2, 1), (1, -1, 1)),
    ((1, 2, 0), (1, -1, -1)),
]


@pytest.mark.parametrize(("order", "signs"), LAYOUTS)
def test_the_patient_is_upright_however_the_file_is_stored(
    tmp_path: Path, order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    pixels = _pixels(_pictures(_stored(order, signs), tmp_path)("scan", PLACE, 20.0))
    # In the lung window of −1350 to 150 HU, 100 HU is nearly white and −900 HU dark.
    bright, dark = (255 * (hu + 1350) / 1500 for hu in (100, -900))
    for x_mm, y_mm in ((0, 0), (20, 0), (0, -15)):
        assert _gray(pixels, x_mm, y_mm) == pytest.approx(bright, abs=3)
    for x_mm, y_mm in ((-20, 0), (0, 15), (7, 0), (0, 7)):
        assert _gray(pixels, x_mm, y_mm) == pytest.approx(dark, abs=3)


def test_every_layout_gives_the_same_picture(tmp_path: Path) -> None:
    found = []
    for number, layout in enumerate(LAYOUTS):
        (tmp_path / str(number)).mkdir()
        found.append(_pixels(_pictures(_stored(*layout), tmp_path / str(number))("scan", PLACE, 20.0)))
    for one in found[1:]:
        assert np.abs(one - found[0]).max() <= 2


@pytest.mark.parametrize(("diameter_mm", "shown_mm"), [(20.0, 20.0), (8.0, 8.0), (-1.0, 10.0)])
def test_the_ring_has_the_diameter(tmp_path: Path, diameter_mm: float, shown_mm: float) -> None:
    pixels = _pixels(_pictures(_stored(*LAYOUTS[0]), tmp_path)("scan", PLACE, diameter_mm))
    rows, columns = np.nonzero(_ring(pixels))
    middle, scale = (len(pixels) - 1) / 2, len(pixels) / 60
    radii = np.hypot(rows - middle, columns - middle) / scale
    assert radii.mean() == pytest.approx(shown_mm / 2, abs=0.15)
    assert radii.std() < 0.3
    assert (
        len({round(angle) for angle in np.degrees(np.arctan2(rows - middle, columns - middle)) // 20}) == 18
    )


def test_a_mass_that_would_fill_the_field_is_shown_whole(tmp_path: Path) -> None:
    pixels = _pixels(_pictures(_stored(*LAYOUTS[0]), tmp_path)("scan", PLACE, 80.0))
    rows, _ = np.nonzero(_ring(pixels))
    assert (rows.max() - rows.min()) / len(pixels) == pytest.approx(1 / 1.5, abs=0.02)


def test_the_bar_is_ten_millimetres(tmp_path: Path) -> None:
    pixels = _pixels(_pictures(_stored(*LAYOUTS[0]), tmp_path, size_mm=40.0)("scan", PLACE, 5.0))
    corner = pixels[-20:, len(pixels) // 2 :]
    row = corner[(corner == 255).all(axis=-1).sum(axis=1).argmax()]
    assert (row == 255).all(axis=-1).sum() == round(10 * len(pixels) / 40)


def test_at_the_border_of_the_scan_the_rest_is_air(tmp_path: Path) -> None:
    scan = _stored(*LAYOUTS[0])
    corner = scan.lps_from_vox((5, 0, 0))
    pixels = _pixels(_pictures(scan, tmp_path)("scan", tuple(corner), 5.0))
    assert _gray(pixels, -15, -15) == pytest.approx(255 * 350 / 1500, abs=3)


def test_a_place_outside_the_scan_has_no_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pictures = _pictures(_stored(*LAYOUTS[0]), tmp_path)
    with caplog.at_level(logging.WARNING):
        assert pictures("scan", (500.0, 0.0, 0.0), 5.0) is None
        assert pictures("scan", (float("nan"), 0.0, 0.0), 5.0) is None
    assert "No picture of scan at (500.0, 0.0, 0.0): the place lies outside the scan." in caplog.text


def test_a_scan_that_cannot_be_read_is_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "bad.mhd").write_text("this is no header", encoding="utf-8")
    pictures = CropPictures([_item("bad", tmp_path / "bad.mhd"), _item("gone", tmp_path / "gone.mhd")])
    with caplog.at_level(logging.WARNING):
        for name in ("bad", "gone", "bad", "unknown", "unknown"):
            assert pictures(name, PLACE, 5.0) is None
    assert [record.args[0] for record in caplog.records if record.args] == ["bad", "gone", "unknown"]
    assert "is not among the scans" in caplog.text


def test_damage_that_shows_when_voxels_are_read_is_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lungmonai.data.mapped import MappedVolume
    from lungmonai.errors import DamagedError

    pictures, asked = _pictures(_stored((0, 1, 2), (1, 1, 1)), tmp_path), []

    def crop(self: MappedVolume, *given: Any) -> None:
        asked.append(given)
        raise DamagedError("slice 3 is damaged", wanted="all of it", do="Copy it again.")

    monkeypatch.setattr(MappedVolume, "crop", crop)
    assert [pictures("scan", PLACE, 10.0) for _ in range(2)] == [None, None]
    assert len(asked) == 1
    assert "No pictures of scan: slice 3 is damaged" in caplog.text


@pytest.mark.shared_data
def test_pictures_of_real_scans_are_small(shared_data: Path) -> None:
    path = shared_data / "ct" / "lung1_image.nrrd"
    png = CropPictures([_item("lung1", path)])("lung1", (-21.86, -120.54, -611.5), 13.75)
    assert png is not None
    assert len(png) < 40_000
    # The nodule is denser than the lung about it.
    pixels = _pixels(png)
    assert _gray(pixels, 0, 0) > 200


def test_the_same_place_gives_the_same_bytes(tmp_path: Path) -> None:
    pictures = _pictures(_stored(*LAYOUTS[0]), tmp_path)
    assert pictures("scan", PLACE, 9.0) == pictures("scan", PLACE, 9.0)


@pytest.mark.parametrize("size_mm", [0.0, -3.0, float("nan"), float("inf")])
def test_a_field_without_a_size_is_refused(size_mm: float) -> None:
    with pytest.raises(SettingsError, match=r"pictures of .* mm; wanted a size above 0"):
        CropPictures([], size_mm)
