"""The free-response curve as a picture in a page: log axis, band, marks at LUNA16's rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..metrics.froc import RATES
from .page_markup import Markup, element, interval_text, joined, number_text

__all__ = ["froc_picture", "rate_text"]

_WIDTH, _HEIGHT = 520, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 506, 14, 304
_LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MARK = 4.5


def froc_picture(froc: Mapping[str, Any]) -> Markup:
    """An SVG that takes its colours from the page.

    Args:
        froc: the JSON of `lungmonai evaluate froc`: rates, sensitivity, and `curve` with false_per_scan,
            sensitivity, low and high; numbers may be None.
    """
    curve = froc.get("curve") or {}
    xs, ys = curve.get("false_per_scan") or [], curve.get("sensitivity") or []
    return element(
        "svg",
        element("title", "Sensitivity over false positives a scan"),
        element("desc", _description(froc)),
        _axes(),
        _band(xs, curve.get("low") or [], curve.get("high") or []),
        _line(_points(xs, ys), "curve"),
        *(_mark(froc, place) for place in range(len(froc["rates"]))),
        class_="froc",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )


def rate_text(rate: float) -> str:
    """A rate as people write it: 1/8, 0.3, 4."""
    fraction = Fraction(rate)
    return str(fraction) if fraction.denominator in (1, 2, 4, 8) else f"{rate:g}"


def _x(rate: float) -> float:
    low, high = math.log2(RATES[0]), math.log2(RATES[-1])
    return round(_LEFT + (math.log2(rate) - low) / (high - low) * (_RIGHT - _LEFT), 1)


def _y(sensitivity: float) -> float:
    return round(_BOTTOM - sensitivity * (_BOTTOM - _TOP), 1)


def _points(xs: Sequence[float], ys: Sequence[float | None]) -> list[tuple[float, float]]:
    """Places in the picture of what is there and on its axis."""
    pairs = zip(xs, ys, strict=False)
    return [(_x(x), _y(y)) for x, y in pairs if y is not None and RATES[0] <= x <= RATES[-1]]


def _axes() -> Markup:
    rows = [
        joined(
            element("line", x1=_LEFT, x2=_RIGHT, y1=_y(level), y2=_y(level), class_="grid"),
            element("text", f"{level:.1f}", x=_LEFT - 8, y=_y(level) + 4, text_anchor="end"),
        )
        for level in _LEVELS
    ]
    columns = [
        joined(
            element("line", x1=_x(rate), x2=_x(rate), y1=_TOP, y2=_BOTTOM, class_="grid"),
            element("text", rate_text(rate), x=_x(rate), y=_BOTTOM + 20, text_anchor="middle"),
        )
        for rate in RATES
    ]
    middle_x, middle_y = (_LEFT + _RIGHT) / 2, (_TOP + _BOTTOM) / 2
    names = (
        element("text", "False positives a scan", x=middle_x, y=_HEIGHT - 12, text_anchor="middle"),
        element(
            *("text", "Sensitivity"),
            x=14,
            y=middle_y,
            text_anchor="middle",
            transform=f"rotate(-90 14 {middle_y})",
        ),
    )
    return joined(*rows, *columns, *names)


def _band(xs: Sequence[float], low: Sequence[float | None], high: Sequence[float | None]) -> Markup | None:
    edge = [*_points(xs, low), *reversed(_points(xs, high))]
    return element("polygon", points=_pairs(edge), class_="band") if edge else None


def _line(points: Sequence[tuple[float, float]], name: str) -> Markup | None:
    return element("polyline", points=_pairs(points), class_=name) if points else None


def _pairs(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _mark(froc: Mapping[str, Any], place: int) -> Markup | None:
    rate, sensitivity = froc["rates"][place], froc["sensitivity"][place]
    if sensitivity is None or not RATES[0] <= rate <= RATES[-1]:
        return None
    low, high = (froc.get("sensitivity_interval") or {place: (None, None)})[place]
    interval = interval_text(low, high)
    said = f"{rate_text(rate)} a scan: {number_text(sensitivity)}{f' ({interval})' if interval else ''}"
    return element("circle", element("title", said), cx=_x(rate), cy=_y(sensitivity), r=_MARK, class_="mark")


def _description(froc: Mapping[str, Any]) -> str:
    pairs = zip(froc["rates"], froc["sensitivity"], strict=True)
    return "; ".join(f"at {rate_text(rate)}: {number_text(value)}" for rate, value in pairs)
