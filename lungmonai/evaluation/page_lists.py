"""The table of scans, which a reader sorts and filters, and the scans that failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .page_markup import Content, Markup, count_text, element
from .page_parts import said, section

__all__ = ["controls", "failed_section", "scans_section"]


class _Column(NamedTuple):
    key: str
    heading: str
    number: bool
    value: Callable[[Mapping[str, Any]], Any]


def _lost(place: int) -> Callable[[Mapping[str, Any]], int]:
    """Nodules of any kind in one column of a scan's table; its first row is no nodule."""
    return lambda scan: sum(row[place] or 0 for row in scan["table"][1:])


_COLUMNS = (
    _Column("seriesuid", "Scan", False, lambda scan: scan["seriesuid"]),
    _Column("patient", "Patient", False, lambda scan: scan["patient"]),
    _Column("nodules", "Nodules", True, lambda scan: scan["nodules"]),
    _Column("found", "Found", True, lambda scan: scan["found"]),
    _Column("missed", "Completely missed", True, _lost(0)),
    _Column("filtered", "Filtered out", True, _lost(1)),
    _Column("false_positives", "False positives", True, lambda scan: scan["false_positives"]),
    _Column("candidates", "Candidates", True, lambda scan: scan["candidates"]),
)


def scans_section(evaluation: Mapping[str, Any]) -> Markup:
    """One row for each scan that was analysed."""
    scans = [scan for scan in evaluation["scans"] if not scan["failed"]]
    table = element(
        "table",
        element("caption", "Scans that were analysed"),
        element("thead", element("tr", *map(_sort_head, _COLUMNS))),
        element("tbody", *map(_scan_row, scans), data_items=True),
    )
    return section(
        "scans",
        "Scans",
        said(
            "A heading sorts by its column, and once more the other way round. The address keeps the order."
        ),
        controls("scans"),
        element("div", table, class_="scroll tall", tabindex="0", role="region", aria_label="Table of scans"),
        data_list=True,
    )


def failed_section(evaluation: Mapping[str, Any]) -> Markup | None:
    """The scans that count in no number, and why; None where there are none."""
    failed = [scan for scan in evaluation["scans"] if scan["failed"]]
    if not failed:
        return None
    rows = [
        element("tr", element("td", element("code", scan["seriesuid"])), element("td", scan["failed"]))
        for scan in failed
    ]
    table = element(
        "table",
        element("caption", "Scans that could not be analysed"),
        element("thead", element("tr", *(element("th", name, scope="col") for name in ("Scan", "Why")))),
        element("tbody", *rows),
    )
    what = said("These scans, their nodules and their false positives count in no number on this page.")
    return section("failed", "Scans that failed", what, element("div", table, class_="scroll"))


def controls(things: str, orders: Sequence[tuple[str, str]] = ()) -> Markup:
    """The field that filters a list, the choice of its order where it has no headings, and its count.

    Args:
        things: what the list holds.
        orders: key and name of each order; a minus before the key is the highest first.
    """
    options = [element("option", name, value=key) for key, name in orders]
    choice = element("label", "Sort by ", element("select", *options)) if options else None
    # Without scripts nothing here would work; the script shows it.
    return element(
        "div",
        element("label", f"Filter {things} ", element("input", type="search", autocomplete="off")),
        choice,
        element("p", role="status"),
        class_="controls",
        hidden=True,
    )


def _sort_head(column: _Column) -> Markup:
    kind = "number" if column.number else None
    button = element("button", column.heading, type="button")
    return element("th", button, scope="col", class_=kind, data_key=column.key, aria_sort="none")


def _scan_row(scan: Mapping[str, Any]) -> Markup:
    return element("tr", *(_cell(column, column.value(scan)) for column in _COLUMNS))


def _cell(column: _Column, value: Content) -> Markup:
    if column.number:
        shown = count_text(value) if isinstance(value, int) else None
        return element("td", shown, data_v=value, class_="number")
    return element("td", element("code", value) if column.key == "seriesuid" else value)
