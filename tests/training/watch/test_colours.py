"""Colours, pixel by pixel."""

import numpy as np

from lungmonai.training.watch.colours import coloured, gray

BLACK, WHITE = -1000.0, 1000.0


def test_gray_goes_from_air_to_bone() -> None:
    shades = gray(np.array([[-3000, -1000, 0, 1000, 3000]], np.int16))
    assert shades.shape == (1, 5, 3)
    assert shades[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert (shades == shades[..., :1]).all()


def test_right_is_green_false_red_and_missed_orange() -> None:
    label = np.array([[True, False, True, False]])
    marked = np.array([[True, True, False, False]])
    on_black = coloured(np.full((1, 4), BLACK), label, marked)
    assert on_black[0].tolist() == [[0, 128, 0], [128, 0, 0], [128, 64, 0], [0, 0, 0]]
    on_white = coloured(np.full((1, 4), WHITE), label, marked)
    assert on_white[0].tolist() == [[128, 255, 128], [255, 128, 128], [255, 192, 128], [255, 255, 255]]


def test_a_label_alone_is_green() -> None:
    shown = coloured(np.full((1, 2), BLACK), np.array([[True, False]]))
    assert shown[0].tolist() == [[0, 128, 0], [0, 0, 0]]
