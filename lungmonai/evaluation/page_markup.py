"""HTML and SVG from Python: text is escaped unless it says that it is markup."""

from __future__ import annotations

import html
import math

__all__ = ["Content", "Markup", "count_text", "element", "interval_text", "joined", "number_text"]

# These have no end tag in HTML.
_VOID = frozenset({"br", "img", "input", "meta"})
_NONE = "–"


class Markup(str):
    """Finished HTML, which other HTML takes as it is."""

    __slots__ = ()


Content = str | int | float | None


def element(name: str, *content: Content, **attributes: Content) -> Markup:
    """One element.

    Args:
        name: of the tag.
        *content: `Markup` goes in as it is, anything else as escaped text; None is left out.
        **attributes: escaped; `_` stands for `-`, and one at the end is dropped (`class_`); None and
            False are left out, True has no value.
    """
    start = name + "".join(_attribute(key, value) for key, value in attributes.items())
    return Markup(f"<{start}>" if name in _VOID else f"<{start}>{joined(*content)}</{name}>")


def joined(*content: Content) -> Markup:
    """Pieces one after another, escaped as in `element`."""
    return Markup("".join(_escaped(piece) for piece in content if piece is not None))


def number_text(value: float | None, digits: int = 3) -> str:
    """A number for reading, with a true minus; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return _NONE
    return f"{value:.{digits}f}".replace("-", "−")


def count_text(value: int | None) -> str:
    """A count with thousands apart; a dash where there is none."""
    return _NONE if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def interval_text(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval for reading; empty where there is none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{number_text(low, digits)} to {number_text(high, digits)}"


def _escaped(piece: Content) -> str:
    return piece if isinstance(piece, Markup) else html.escape(str(piece))


def _attribute(key: str, value: Content) -> str:
    if value is None or value is False:
        return ""
    name = key.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
