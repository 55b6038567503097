"""A picture laid out in pixels from the top left corner, without matplotlib's global state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from ..files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

__all__ = ["Box", "Page", "draw_gray", "new_page"]

_DPI = 100
_POINTS_PER_PIXEL = 72 / _DPI
# Level 6 takes three times as long for a tenth less.
_PNG_COMPRESSION = 3


class Box(NamedTuple):
    """A rectangle on the page, in pixels from the top left corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Page:
    """A figure and the axes that cover it, whose data coordinates are pixels.

    Args:
        canvas: holds the figure and draws it.
        axes: x to the right and y downwards, in pixels.
        width, height: size in pixels.
    """

    canvas: FigureCanvasAgg
    axes: Axes
    width: int
    height: int

    def write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        color: str,
        fit: float | None = None,
        least: float = 0.7,
        **how: Any,
    ) -> None:
        """Write one line, its baseline at `y`.

        Args:
            x, y: where, in pixels.
            text: shown as it is; dollar signs have no meaning.
            size: height of the letters' em in pixels.
            color: any matplotlib colour.
            fit: greatest width in pixels; longer text is shrunk, then cut.
            least: the smallest share of `size` that text is shrunk to.
            **how: further properties of matplotlib's Text.
        """
        how = {"va": "baseline", **how}
        points = size * _POINTS_PER_PIXEL
        drawn = self.axes.text(x, y, text, size=points, color=color, parse_math=False, **how)
        if fit is not None:
            _fit(drawn, fit, least)

    def fill(self, box: Box, color: str) -> None:
        """Fill a rectangle."""
        self.axes.fill(
            [box.left, box.left + box.width, box.left + box.width, box.left],
            [box.top, box.top, box.top + box.height, box.top + box.height],
            color=color,
            linewidth=0,
        )

    def line(self, xs: list[float], ys: list[float], *, color: str, width: float = 1) -> None:
        """Draw a line through points, in pixels."""
        self.axes.plot(xs, ys, color=color, linewidth=width * _POINTS_PER_PIXEL, solid_capstyle="butt")

    def panel(self, box: Box) -> Axes:
        """Axes of their own within a rectangle, without frame or ticks."""
        place = (
            box.left / self.width,
            1 - (box.top + box.height) / self.height,
            box.width / self.width,
            box.height / self.height,
        )
        return _bare_axes(self.canvas, place)

    def save(self, path: Path, software: str) -> None:
        """Save as PNG.

        Raises:
            OutputError: it could not be written; nothing is left behind.
        """
        with written_whole(path) as partial:
            # print_png takes no size, colour or cropping from the user's settings, as savefig does.
            settings = {"compress_level": _PNG_COMPRESSION}
            self.canvas.print_png(  # type: ignore[no-untyped-call]
                partial, metadata={"Software": software}, pil_kwargs=settings
            )


def new_page(width: int, height: int, color: str) -> Page:
    """An empty page.

    Args:
        width, height: size in pixels.
        color: of the background.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=color)
    canvas = FigureCanvasAgg(figure)
    axes = _bare_axes(canvas, (0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return Page(canvas, axes, width, height)


def draw_gray(
    axes: Axes, image: NDArray[Any], extent: tuple[float, float, float, float], window: tuple[float, float]
) -> None:
    """Draw an image in shades of grey, its first row at the extent's third entry.

    Args:
        axes: where to draw.
        image: (n down, n across).
        extent: outer edges of the first and last column, then of the first and last row, in the
            coordinates of the axes.
        window: values that become black and white.
    """
    low, high = window
    style: dict[str, Any] = {"cmap": "gray", "interpolation": "bicubic"}
    axes.imshow(image, vmin=low, vmax=high, extent=extent, origin="lower", aspect="auto", **style)


def _fit(drawn: Text, room: float, least: float) -> None:
    size = float(drawn.get_fontsize())
    smallest = size * least
    # Glyphs snap to pixels, so that widths do not shrink in proportion: measure again each time.
    while (width := drawn.get_window_extent().width) > room and size > smallest:
        size = max(smallest, size * min(0.98, room / width))
        drawn.set_fontsize(size)
    while (width := drawn.get_window_extent().width) > room and len(drawn.get_text()) > 1:
        text = drawn.get_text()
        drawn.set_text(text[: min(len(text) - 2, int(len(text) * room / width))] + "…")


def _bare_axes(canvas: FigureCanvasAgg, place: tuple[float, float, float, float]) -> Axes:
    axes = canvas.figure.add_axes(place)
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    return axes
