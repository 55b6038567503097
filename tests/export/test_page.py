import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from lungmonai.export.page import Box, draw_gray, new_page


def saved(page, tmp_path):
    page.save(tmp_path / "page.png", "lungmonai test")
    return imread(tmp_path / "page.png")[..., :3]


def test_boxes_lie_where_their_pixels_say(tmp_path):
    page = new_page(120, 80, "black")
    page.fill(Box(10, 20, 30, 40), "white")
    wanted = np.zeros((80, 120))
    wanted[20:60, 10:40] = 1
    np.testing.assert_allclose(saved(page, tmp_path)[..., 0], wanted, atol=0.01)


def test_images_keep_their_rows_and_window(tmp_path):
    page = new_page(100, 100, "black")
    axes = page.panel(Box(50, 0, 50, 50))
    axes.set_xlim(0, 2)
    axes.set_ylim(0, 2)
    draw_gray(axes, np.array([[-100, -100], [100, 100]]), (0, 2, 0, 2), (0, 50))
    picture = saved(page, tmp_path)[..., 0]
    assert picture[2, 75] == 1
    assert picture[47, 75] == 0
    assert picture[:, :50].max() == picture[50:].max() == 0


@pytest.mark.parametrize("align", ["left", "right", "center"])
@pytest.mark.parametrize("text", ["short", "a little too long for its room", "$x_1$ " * 100])
def test_text_keeps_within_its_room(tmp_path, align, text):
    page = new_page(400, 40, "black")
    left = {"left": 100, "center": 200, "right": 300}[align]
    page.write(left, 25, text, size=16, color="white", fit=200, ha=align)
    lit = np.nonzero(saved(page, tmp_path).max((0, 2)) > 0.1)[0]
    assert lit.size
    assert lit.min() >= 98
    assert lit.max() <= 302


def test_what_cannot_be_shrunk_is_cut_with_a_mark():
    page = new_page(400, 40, "black")
    page.write(0, 20, "1." * 200, size=16, color="white", fit=200)
    (drawn,) = page.axes.texts
    assert drawn.get_text().endswith("…")
    assert drawn.get_fontsize() == pytest.approx(16 * 0.72 * 0.7)


def test_the_users_settings_do_not_change_the_size(tmp_path):
    with matplotlib.rc_context({"savefig.dpi": 300, "savefig.bbox": "tight", "savefig.facecolor": "red"}):
        picture = saved(new_page(90, 70, "black"), tmp_path)
    assert picture.shape == (70, 90, 3)
    assert picture.max() == 0


def test_what_must_not_be_cut_is_shrunk_until_it_fits():
    page = new_page(400, 40, "black")
    page.write(0, 20, "a warning " * 20, size=40, color="white", fit=200, least=0.0)
    (drawn,) = page.axes.texts
    assert drawn.get_text() == "a warning " * 20
    assert drawn.get_window_extent().width <= 200
