import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from lungmonai.errors import OutputError, SettingsError
from lungmonai.export import layout, write_overview

from .conftest import AXIS_ORDERS, make_nodule, make_result, make_scan, reordered

BANNER_HEIGHT, TITLE_HEIGHT, HEADING_HEIGHT, FOOTER_HEIGHT = 88, 92, 44, 56
SPACING = (1.0, 1.0, 2.0)  # column, row, slice
SHAPE = (40, 90, 90)
CENTER = (20, 45, 45)


def phantom(spots=(), **how):
    """Lung with cubes of soft tissue, 6 mm wide, at (slice, row, column) offsets in mm from the centre."""
    hu = np.full(SHAPE, -850, np.int16)
    for up, back, left in spots:
        z, y, x = CENTER[0] + up / 2, CENTER[1] + back, CENTER[2] + left
        hu[round(z) - 1 : round(z) + 2, round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4] = 100
    return make_scan(hu=hu, spacing=SPACING, **how)


def draw(tmp_path, scan, nodules=(), labels=None, **how):
    """(height, width, 3) float, the picture read back."""
    labels = np.zeros(scan.shape, np.uint16) if labels is None else labels
    write_overview(scan, make_result(nodules), labels, tmp_path / "overview.png", **how)
    return imread(tmp_path / "overview.png")[..., :3]


def panels(picture, row=0, rows=1):
    """Axial, coronal and sagittal panel of a row, found from the bottom of the picture."""
    step = layout.PANEL + layout.GAP
    top = picture.shape[0] - FOOTER_HEIGHT - (rows - row) * step
    return [picture[top : top + box_size, left : left + box_size] for left, box_size in _columns()]


def _columns():
    return [(layout.MARGIN + place * (layout.PANEL + layout.GAP), layout.PANEL) for place in range(3)]


def near(picture, color, tolerance=0.12):
    return np.abs(picture - np.array(to_rgb(color))).max(-1) < tolerance


def bright(panel):
    """Gray pixels nearer to soft tissue than to lung, away from letters, ticks and scale bar."""
    inner = np.zeros(panel.shape[:2], bool)
    inner[48:-48, 48:-48] = True
    return (panel.min(-1) > 0.65) & inner


def test_page_has_a_row_for_every_nodule_shown(tmp_path):
    scan = phantom()
    nodules = [make_nodule(scan, CENTER)] * 4
    heights = [draw(tmp_path, scan, nodules, rows=rows).shape[0] for rows in (1, 3, 9)]
    step = layout.PANEL + layout.GAP
    assert np.diff(heights).tolist() == [2 * step, step]
    assert draw(tmp_path, scan, nodules).shape[1] == layout.WIDTH


def test_contour_is_drawn_on_its_nodule_in_all_planes(tmp_path):
    scan = phantom([(0, 0, 0)])
    labels = np.where(scan.hu > 0, 1, 0).astype(np.uint16)
    for panel in panels(draw(tmp_path, scan, [make_nodule(scan, CENTER)], labels)):
        ys, xs = np.nonzero(near(panel, layout.NODULE_COLOR)[60:-60, 60:-60])
        middle = (layout.PANEL - 120) / 2
        # 7 voxels of 1 mm, or 3 of 2 mm, at 4.5 pixels a millimetre.
        for values in (ys, xs):
            assert np.mean([values.min(), values.max()]) == pytest.approx(middle, abs=2)
            assert np.ptp(values) == pytest.approx(6.5 * layout.PANEL / 60, abs=5)


def test_another_nodule_has_another_colour(tmp_path):
    scan = phantom([(0, 0, 0), (0, 0, 15)])
    labels = np.where(scan.hu > 0, 1, 0).astype(np.uint16)
    labels[:, :, 52:] *= 2
    axial = panels(draw(tmp_path, scan, [make_nodule(scan, CENTER)], labels))[0]
    other = np.nonzero(near(axial, layout.OTHER_COLOR))[1]
    assert other.mean() == pytest.approx(layout.PANEL * (0.5 + 15 / 60), abs=3)


@pytest.mark.parametrize(("order", "flips"), AXIS_ORDERS[::11])
def test_left_back_and_up_are_where_radiologists_look_for_them(tmp_path, order, flips):
    up, back, left = 12, 8, 14  # mm from the nodule
    straight = phantom([(up, 0, left), (0, back, left), (up, back, 0)])
    scan = reordered(straight, order, flips)
    nodule = make_nodule(straight, CENTER)
    axial, coronal, sagittal = panels(draw(tmp_path, scan, [nodule]))
    expected = ((axial, left, back), (coronal, left, -up), (sagittal, back, -up))
    for panel, right, down in expected:
        ys, xs = np.nonzero(bright(panel))
        scale = layout.PANEL / 60
        assert xs.mean() == pytest.approx(layout.PANEL / 2 + right * scale, abs=3)
        assert ys.mean() == pytest.approx(layout.PANEL / 2 + down * scale, abs=3)


def test_anisotropic_voxels_keep_the_patients_proportions(tmp_path):
    hu = np.full((20, 80, 80), -850, np.int16)
    hu[8:13, 30:51, 30:51] = 100  # 25 mm high, 21 mm wide
    scan = make_scan(hu=hu, spacing=(1.0, 1.0, 5.0))
    coronal = panels(draw(tmp_path, scan, [make_nodule(scan, (10, 40, 40))]))[1]
    ys, xs = np.nonzero(bright(coronal))
    assert np.ptp(ys) / np.ptp(xs) == pytest.approx(25 / 21, rel=0.06)


def test_scale_bar_is_10_mm_and_a_large_mass_widens_the_view(tmp_path):
    scan = phantom()
    for long_axis, field in ((12.0, 60), (80.0, 120)):
        axial = panels(draw(tmp_path, scan, [make_nodule(scan, CENTER, long_axis_mm=long_axis)]))[0]
        row = near(axial[layout.PANEL - 10], layout.INK_COLOR)
        assert row[150:].sum() == pytest.approx(10 / field * layout.PANEL, abs=3)


def test_outside_the_volume_is_air(tmp_path):
    axial = panels(draw(tmp_path, phantom(), [make_nodule(phantom(), (20, 45, 2))]))[0]
    # −1000 HU in a window from −1350 to 150 HU.
    np.testing.assert_allclose(axial[100, 60], 350 / 1500, atol=0.01)
    np.testing.assert_allclose(axial[100, 200], 500 / 1500, atol=0.01)


def test_banner_cannot_be_missed(tmp_path):
    scan = phantom()
    for nodules in ([], [make_nodule(scan, CENTER)]):
        plain = draw(tmp_path, scan, nodules)
        warned = draw(tmp_path, scan, nodules, banner="STAND-IN WEIGHTS: dense spots, not detections")
        assert warned.shape[0] == plain.shape[0] + BANNER_HEIGHT
        band = warned[:BANNER_HEIGHT]
        assert near(band, layout.BANNER_COLOR).mean() > 0.5
        assert near(band, "white").mean() > 0.05
        assert not near(plain, layout.BANNER_COLOR).any()


def test_long_names_and_dollars_stay_on_the_page(tmp_path):
    scan = phantom()
    result = make_result([make_nodule(scan, CENTER)])
    object.__setattr__(result, "series_uid", "$\\frac{" + "very_long_name_" * 30)
    banner = "A $warning$ as long as it gets " * 5
    write_overview(scan, result, np.zeros(SHAPE, np.uint16), tmp_path / "o.png", banner=banner)
    picture = imread(tmp_path / "o.png")[..., :3]
    edge = np.r_[0 : layout.MARGIN - 3, layout.WIDTH - layout.MARGIN + 3 : layout.WIDTH]
    below = picture[BANNER_HEIGHT:, edge]
    assert near(below, layout.BACKGROUND_COLOR, 0.02).all()
    assert near(picture[:BANNER_HEIGHT, edge], layout.BANNER_COLOR).all()


def test_no_nodule_shows_the_middle_of_the_scan(tmp_path):
    picture = draw(tmp_path, phantom([(0, 0, 20)]))
    assert picture.shape[0] == TITLE_HEIGHT + HEADING_HEIGHT + layout.PANEL + layout.GAP + FOOTER_HEIGHT
    axial, coronal, _ = panels(picture)
    for panel in (axial, coronal):
        assert np.nonzero(bright(panel))[1].mean() == pytest.approx(layout.PANEL * (0.5 + 20 / 90), abs=4)
    assert not near(picture, layout.NODULE_COLOR).any()


def test_context_marks_lie_on_the_patients_side(tmp_path):
    scan = phantom()
    picture = draw(tmp_path, scan, [make_nodule(scan, (20, 45, 80))])
    context = picture[TITLE_HEIGHT : picture.shape[0] - FOOTER_HEIGHT - 2 * layout.GAP - layout.PANEL]
    xs = np.nonzero(near(context[:, : layout.MARGIN + 430], layout.NODULE_COLOR))[1]
    assert xs.min() > layout.MARGIN + 58 + 200  # right of the middle of the first projection


def test_refusals(tmp_path):
    scan = phantom()
    with pytest.raises(SettingsError, match="rows is 0"):
        draw(tmp_path, scan, rows=0)
    with pytest.raises(SettingsError, match="shape"):
        draw(tmp_path, scan, labels=np.zeros((3, 3, 3), np.uint16))


def test_nothing_is_left_where_nothing_can_be_written(nowhere, tmp_path):
    with pytest.raises(OutputError):
        write_overview(phantom(), make_result(), np.zeros(SHAPE, np.uint16), nowhere / "o.png")
    assert not list(tmp_path.iterdir())


def test_twelve_rows_of_a_full_scan_take_seconds(tmp_path):
    scan = make_scan(shape=(300, 512, 512), spacing=(0.7, 0.7, 1.0))
    nodules = [make_nodule(scan, (20 * place + 10, 200, 30 * place + 20)) for place in range(12)]
    labels = np.zeros(scan.shape, np.uint16)
    started = time.process_time()
    write_overview(scan, make_result(nodules), labels, tmp_path / "o.png")
    assert time.process_time() - started < 6  # twice what it may take where nothing else runs


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import sys, lungmonai.export as e;"
        "assert e.__all__ == sorted(e.__all__) and all(hasattr(e, name) for name in e.__all__);"
        "sys.exit(str([m for m in ('matplotlib', 'nibabel', 'torch', 'SimpleITK') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


def test_pyplot_is_never_loaded(tmp_path):
    code = (
        "import sys, numpy as np;"
        "from lungmonai.export import write_overview;"
        "from lungmonai.io.scan import CTScan;"
        "from lungmonai.nodule import ScanResult;"
        "scan = CTScan(np.zeros((4, 8, 8), np.int16), np.eye(4), 'x');"
        "write_overview(scan, ScanResult('x', (), ()), np.zeros((4, 8, 8), np.uint8), sys.argv[1]);"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    path = tmp_path / "o.png"
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 0
    assert Path(path).stat().st_size > 1000
