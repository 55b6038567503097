"""A waterfall: what there was, and which stage took how much of it, as a table whose bars are pictures."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from .page_markup import Markup, count_text, element, joined

__all__ = ["waterfall_table"]

# The picture's own units; it is stretched to its cell.
_WIDTH, _HEIGHT, _BAR_TOP, _BAR_BOTTOM = 1000, 20, 4, 16


def waterfall_table(
    stages: Sequence[tuple[str, int]], *, caption: str, whole: str, thing: str, kept: str | None, cards: str
) -> Markup:
    """Stages from the whole downwards, each bar beginning where the one above it ended.

    Args:
        stages: name and count, in order; together they are the whole.
        caption: of the table.
        whole: what all of them together are called.
        thing: heading of the counts.
        kept: the stage that is no loss.
        cards: id of the list of cards that a stage's link filters.
    """
    total = sum(count for _, count in stages)
    rows, left = [_row(element("strong", whole), total, (0, total), total, "whole")], total
    for name, count in stages:
        left -= count
        label = name if not count or name == kept else _link(name, cards)
        rows.append(_row(label, count, (left, left + count), total, "kept" if name == kept else "loss"))
    heads = [element("th", text, scope="col", class_=kind) for text, kind in _headings(thing)]
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
        class_="waterfall",
    )


def _headings(thing: str) -> Sequence[tuple[str | Markup, str | None]]:
    picture = element("span", "Picture", class_="unseen")
    return ("Stage", None), (picture, "bar"), (thing, "number"), ("Share", "number")


def _link(name: str, cards: str) -> Markup:
    return element("a", name, href="#" + urlencode({f"{cards}.filter": name}), title="Show only these below")


def _row(label: str, count: int, span: tuple[int, int], total: int, kind: str) -> Markup:
    share = f"{count / total:.1%}" if total else "–"
    return element(
        "tr",
        element("th", label, scope="row"),
        element("td", _bar(span, total, kind), class_="bar"),
        element("td", count_text(count), class_="number"),
        element("td", share, class_="number"),
    )


def _bar(span: tuple[int, int], total: int, kind: str) -> Markup:
    start, end = (round(_WIDTH * value / max(total, 1), 1) for value in span)
    # A line from the row above and one to the row below make steps of the bars.
    above = _step(end, 0, _BAR_BOTTOM) if kind == "loss" else None
    below = _step(start, _BAR_TOP, _HEIGHT) if kind == "loss" and start else None
    height = _BAR_BOTTOM - _BAR_TOP
    bar = element("rect", x=start, y=_BAR_TOP, width=round(end - start, 1), height=height, class_=kind)
    return element(
        "svg",
        joined(above, below, bar),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _step(x: float, top: float, bottom: float) -> Markup:
    return element("line", x1=x, x2=x, y1=top, y2=bottom, class_="step")
