"""Figures for TensorBoard, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .counts import Counts
from .worst import Example

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["precision_recall_figure", "roc_figure", "worst_figure"]

Picture = NDArray[np.uint8]

_DPI = 100
_SIDE_INCHES = 4.8
# A tile of the worst samples: lines of text above three panels. One beneath the other, since TensorBoard's
# cards are narrow.
_TILE_INCHES = (4.5, 2.0)
# So many fit above a tile: a series UID, then a position.
_LETTERS = 64


def roc_figure(counts: Counts) -> Picture | None:
    """The receiver operating characteristic, (rows, columns, 3) uint8; None where a class is missing."""
    area = counts.auc()
    if area is None:
        return None
    hits, false = counts.above()
    x, y = false / false[-1], hits / hits[-1]
    return _curve(x, y, ("false positive rate", "true positive rate"), f"ROC, AUC {area:.4f}", diagonal=True)


def precision_recall_figure(counts: Counts) -> Picture | None:
    """Precision by recall, (rows, columns, 3) uint8; None where nothing is positive."""
    if not counts.positive.any():
        return None
    hits, false = counts.above()
    some = hits + false > 0
    recall, precision = hits[some] / hits[-1], hits[some] / (hits + false)[some]
    share = counts.positive.sum() / (counts.positive.sum() + counts.negative.sum())
    title = f"Precision and recall, {100 * share:.3g} % positive"
    return _curve(recall, precision, ("recall", "precision"), title)


def worst_figure(examples: Sequence[Example]) -> Picture | None:
    """Samples with their names and answers, (rows, columns, 3) uint8; None without samples."""
    if not examples:
        return None
    figure = _figure(_TILE_INCHES[0], len(examples) * _TILE_INCHES[1])
    tiles = figure.subfigures(len(examples), squeeze=False)
    for example, tile in zip(examples, tiles.flat, strict=True):
        _draw_tile(tile, example)
    return _drawn(figure)


def _draw_tile(tile: Any, example: Example) -> None:
    lines = wrap(example.name, _LETTERS)
    title = "\n".join([*lines, f"{example.answer}, loss {example.loss:.3f}"])
    tile.text(0.01, 0.98, title, fontsize=7.5, va="top", parse_math=False)
    across = len(example.panels)
    for number, panel in enumerate(example.panels):
        axes = tile.add_axes((0.01 + number * 0.99 / across, 0.02, 0.97 / across, 0.71))
        axes.set_axis_off()
        axes.imshow(panel, interpolation="nearest")


def _curve(
    x: NDArray[Any], y: NDArray[Any], names: tuple[str, str], title: str, *, diagonal: bool = False
) -> Picture:
    figure = _figure(_SIDE_INCHES, _SIDE_INCHES)
    axes = figure.add_subplot()
    if diagonal:
        axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    axes.plot(x, y, color="tab:blue")
    axes.set(xlabel=names[0], ylabel=names[1], title=title, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.grid(color="0.9")
    figure.tight_layout()
    return _drawn(figure)


def _figure(width: float, height: float) -> Figure:
    # Without pyplot, whose figures are the whole process's and choose a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _drawn(figure: Figure) -> Picture:
    canvas: Any = figure.canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
