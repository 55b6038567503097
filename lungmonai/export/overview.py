"""One picture of a scan's nodules: where they lie, and each in three planes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from .. import __version__
from ..errors import SettingsError
from ..nodule import ScanResult
from ..words import many
from .context import context_height, draw_context, draw_scan_facts
from .layout import (
    BACKGROUND_COLOR,
    BANNER_COLOR,
    GAP,
    INK_COLOR,
    MARGIN,
    PANEL,
    QUIET_COLOR,
    RULE_COLOR,
    TEXT_LEFT,
    WIDTH,
    Content,
    panel_boxes,
)
from .page import Box, Page, new_page
from .panels import draw_middle_row, draw_nodule_row
from .planes import PLANES
from .tables import ranked
from .volumes import restore

if TYPE_CHECKING:
    from ..io.scan import CTScan

__all__ = ["write_overview"]

_BANNER_HEIGHT = 88
_TITLE_HEIGHT = 92
_HEADING_HEIGHT = 44
_FOOTER_HEIGHT = 56
_DISCLAIMER = "Research only. Not a medical device."
_DISCLAIMER_WIDTH = 340
_VERSION_WIDTH = 140


def write_overview(
    scan: CTScan,
    result: ScanResult,
    labels: NDArray[Any],
    path: Path | str,
    *,
    rows: int = 12,
    banner: str | None = None,
) -> None:
    """Draw the most probable nodules in three planes, under a view of the whole scan, as PNG.

    Pictures follow the radiological convention: the patient's right is on the left.

    Args:
        scan: in any axis order; it is shown canonically.
        result: the analysis of this scan.
        labels: (slices, rows, columns) integer on the scan's grid, 0 the background, else the
            nodule's number: its place in `result.nodules` from 1.
        path: where to write the PNG.
        rows: show at most this many nodules.
        banner: a warning drawn across the top, such as for stand-in weights.

    Raises:
        OutputError: the picture could not be written; nothing is left behind.
        SettingsError: `rows` is below 1, or the labels are not on the scan's grid.
    """
    if rows < 1:
        raise SettingsError(f"rows is {rows}", wanted="1 or more", do="Give another number.")
    canonical = scan.canonical()
    content = Content(canonical, result, restore(canonical, scan, labels), ranked(result.nodules)[:rows])
    page = new_page(WIDTH, _page_height(content, banner), BACKGROUND_COLOR)
    top = _draw_banner(page, banner)
    top = _draw_title(page, content, top)
    _draw_nodules(page, content, top) if content.shown else _draw_middle(page, content, top)
    _draw_footer(page, content)
    page.save(Path(path), f"lungmonai {__version__}")


def _page_height(content: Content, banner: str | None) -> int:
    pictures = max(1, len(content.shown)) * (PANEL + GAP)
    if content.shown:
        pictures += context_height(content)
    return (_BANNER_HEIGHT if banner else 0) + _TITLE_HEIGHT + _HEADING_HEIGHT + pictures + _FOOTER_HEIGHT


def _draw_banner(page: Page, banner: str | None) -> float:
    if not banner:
        return 0
    page.fill(Box(0, 0, WIDTH, _BANNER_HEIGHT), BANNER_COLOR)
    style: dict[str, Any] = {"ha": "center", "va": "center", "weight": "bold"}
    middle, room = _BANNER_HEIGHT / 2, WIDTH - 2 * MARGIN
    # A warning is never cut short, however long.
    page.write(WIDTH / 2, middle, banner, size=44, color="white", fit=room, least=0.0, **style)
    return _BANNER_HEIGHT


def _draw_title(page: Page, content: Content, top: float) -> float:
    room = WIDTH - 2 * MARGIN
    page.write(MARGIN, top + 46, _title(content), size=28, color=INK_COLOR, fit=room, weight="bold")
    page.write(MARGIN, top + 74, content.result.series_uid, size=16, color=QUIET_COLOR, fit=room)
    return top + _TITLE_HEIGHT


def _title(content: Content) -> str:
    shown, found = len(content.shown), len(content.result.nodules)
    thing = "dense spot" if content.result.record.get("stand_in") else "nodule"
    if not found:
        return f"No {thing} was found"
    if shown == found:
        return f"{found} of {many(found, thing)} shown"
    return f"{shown} of {many(found, thing)} shown, the most probable"


def _draw_nodules(page: Page, content: Content, top: float) -> None:
    draw_context(page, content, top)
    top = _draw_headings(page, top + context_height(content))
    for row, (number, nodule) in enumerate(content.shown):
        row_top = top + row * (PANEL + GAP)
        draw_nodule_row(page, content, number, nodule, row_top)
        if row:
            page.line([TEXT_LEFT, WIDTH - MARGIN], [row_top - GAP / 2] * 2, color=RULE_COLOR)


def _draw_middle(page: Page, content: Content, top: float) -> None:
    top = _draw_headings(page, top)
    draw_middle_row(page, content, top)
    draw_scan_facts(page, content, top)


def _draw_headings(page: Page, top: float) -> float:
    for plane, box in zip(PLANES, panel_boxes(top), strict=True):
        page.write(box.left, top + _HEADING_HEIGHT - 12, plane.name, size=17, color=QUIET_COLOR)
    return top + _HEADING_HEIGHT


def _draw_footer(page: Page, content: Content) -> None:
    base = page.height - 22
    page.line([MARGIN, WIDTH - MARGIN], [base - 22, base - 22], color=RULE_COLOR)
    page.write(MARGIN, base, _DISCLAIMER, size=15, color=INK_COLOR, weight="bold", fit=_DISCLAIMER_WIDTH - 20)
    style: dict[str, Any] = {"size": 14, "color": QUIET_COLOR, "ha": "right"}
    page.write(WIDTH - MARGIN, base, f"lungmonai {__version__}", fit=_VERSION_WIDTH - 20, **style)
    right, room = WIDTH - MARGIN - _VERSION_WIDTH, WIDTH - 2 * MARGIN - _VERSION_WIDTH - _DISCLAIMER_WIDTH
    page.write(right, base, content.result.series_uid, fit=room, **style)
