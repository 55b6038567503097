"""Pictures are written whole, and the same each time."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from lungmonai.errors import OutputError
from lungmonai.evaluation.figure_file import write_figure


def drawn() -> Figure:
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.add_subplot().plot([0, 1])
    return figure


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        write_figure(tmp_path / name, drawn())
    one, two = ((tmp_path / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two
    assert one[:4] == b"\x89PNG"
    assert b"Software" not in one
    assert [one[16:20], one[20:24]] == [(100).to_bytes(4, "big"), (50).to_bytes(4, "big")]


def test_no_folder_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"one\.png"):
        write_figure(tmp_path / "none" / "one.png", drawn())
