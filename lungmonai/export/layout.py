"""Colours and measures of the overview, in pixels, and what its parts draw from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..nodule import Nodule, ScanResult
from .page import Box, Page
from .planes import PLANES, Triple

if TYPE_CHECKING:
    from ..io.scan import CTScan

__all__ = [
    "BACKGROUND_COLOR",
    "BANNER_COLOR",
    "GAP",
    "INK_COLOR",
    "LINE",
    "MARGIN",
    "NODULE_COLOR",
    "OTHER_COLOR",
    "PANEL",
    "PICTURES_WIDTH",
    "QUIET_COLOR",
    "RULE_COLOR",
    "TEXT_INDENT",
    "TEXT_LEFT",
    "TEXT_SIZE",
    "TEXT_WIDTH",
    "WIDTH",
    "Content",
    "draw_pairs",
    "panel_boxes",
]

BACKGROUND_COLOR = "#101215"
INK_COLOR = "#f0f2f4"
QUIET_COLOR = "#98a1ab"
RULE_COLOR = "#2b3036"
NODULE_COLOR = "#ffb02e"
OTHER_COLOR = "#4f9fd8"
BANNER_COLOR = "#d40000"

MARGIN = 36
GAP = 10
PANEL = 270
PICTURES_WIDTH = len(PLANES) * (PANEL + GAP) - GAP
TEXT_LEFT = MARGIN + PICTURES_WIDTH + 30
TEXT_WIDTH = 346
TEXT_INDENT = 112
TEXT_SIZE = 15
LINE = 26
WIDTH = TEXT_LEFT + TEXT_WIDTH + MARGIN


@dataclass(frozen=True)
class Content:
    """What every part of the picture draws from.

    Args:
        scan: canonical.
        result: the analysis.
        labels: (slices, rows, columns) integer, nodules' numbers on the scan's grid.
        shown: number and nodule, most probable first.
    """

    scan: CTScan
    result: ScanResult
    labels: NDArray[Any]
    shown: Sequence[tuple[int, Nodule]]

    @property
    def step_mm(self) -> Triple:
        """Distance of neighbouring voxels along (slice, row, column)."""
        x, y, z = self.scan.spacing_mm
        return z, y, x

    @property
    def lengths_mm(self) -> Triple:
        """Extent of the volume along (slice, row, column)."""
        (slices, rows, columns), (z, y, x) = self.scan.shape, self.step_mm
        return slices * z, rows * y, columns * x


def panel_boxes(top: float) -> list[Box]:
    """Places of the axial, coronal and sagittal panel of a row that begins at `top`."""
    return [Box(MARGIN + place * (PANEL + GAP), top, PANEL, PANEL) for place in range(len(PLANES))]


def draw_pairs(page: Page, pairs: Sequence[tuple[str, str]], base: float) -> float:
    """Names and values in two columns at the side.

    Returns:
        The baseline for the line after them.
    """
    for name, value in pairs:
        page.write(TEXT_LEFT, base, name, size=TEXT_SIZE, color=QUIET_COLOR)
        room = TEXT_WIDTH - TEXT_INDENT
        page.write(TEXT_LEFT + TEXT_INDENT, base, value, size=TEXT_SIZE, color=INK_COLOR, fit=room)
        base += LINE
    return base
