"""The whole scan at a glance: projections from front and side with every nodule marked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .layout import (
    INK_COLOR,
    LINE,
    MARGIN,
    NODULE_COLOR,
    OTHER_COLOR,
    PICTURES_WIDTH,
    QUIET_COLOR,
    TEXT_INDENT,
    TEXT_LEFT,
    TEXT_SIZE,
    TEXT_WIDTH,
    Content,
    draw_pairs,
)
from .page import Box, Page, draw_gray
from .planes import projections
from .tables import ranked

__all__ = ["context_height", "draw_context", "draw_scan_facts"]

_MOST_HEIGHT = 420
_LEAST_HEIGHT = 280
_LABEL_MARGIN = 58
_PROJECTION_GAP = 8
# Labels stand this far apart, closer where there are many.
_LABEL_STEP = (11.0, 17.0)
_LEADER_COLOR = f"{NODULE_COLOR}70"
# Percentiles that become black and white: the couch and metal take no contrast from the lungs.
_CONTRAST = (2.0, 99.7)
_NOTE_CHARACTERS, _NOTE_SIZE, _NOTE_LINE = 44, 13, 20


def context_height(content: Content) -> int:
    """How many pixels `draw_context` takes."""
    return max(_LEAST_HEIGHT, round(content.lengths_mm[0] * _scale(content)))


def draw_context(page: Page, content: Content, top: float) -> None:
    """Draw both projections with marks, and the facts of the scan beside them."""
    front, side = projections(content.scan.hu)
    height, depth, width = (length * _scale(content) for length in content.lengths_mm)
    coronal = Box(MARGIN + _LABEL_MARGIN, top, width, height)
    side_left = coronal.left + width + _LABEL_MARGIN + _PROJECTION_GAP
    sagittal = Box(side_left, top, depth, height)
    _draw_projection(page, front, coronal, "RL")
    _draw_projection(page, side, sagittal, "AP")
    _draw_marks(page, content, coronal, sagittal)
    draw_scan_facts(page, content, top)


def draw_scan_facts(page: Page, content: Content, top: float) -> None:
    """Write size, counts and notes of the scan at the side, and what the colours mean."""
    base = draw_pairs(page, _scan_facts(content), top + 16)
    if content.shown:
        base = _draw_legend(page, base)
    room = int((top + _LEAST_HEIGHT - base) // _NOTE_LINE)
    for line in _wrapped(content.result.notes, room):
        page.write(TEXT_LEFT, base + 8, line, size=_NOTE_SIZE, color=QUIET_COLOR, fit=TEXT_WIDTH)
        base += _NOTE_LINE


def _scale(content: Content) -> float:
    """Pixels per mm, the same for both projections."""
    height_mm, depth_mm, width_mm = content.lengths_mm
    room = PICTURES_WIDTH - 2 * _LABEL_MARGIN - _PROJECTION_GAP
    return min(_MOST_HEIGHT / height_mm, room / (width_mm + depth_mm))


def _draw_projection(page: Page, image: NDArray[np.float32], box: Box, letters: str) -> None:
    low, high = (float(value) for value in np.percentile(image, _CONTRAST))
    right, base = box.left + box.width, box.top + 22
    draw_gray(page.axes, image, (box.left, right, box.top + box.height, box.top), (low, max(high, low + 1)))
    page.write(box.left + 8, base, letters[0], size=16, color=INK_COLOR)
    page.write(right - 8, base, letters[1], size=16, color=INK_COLOR, ha="right")


def _draw_marks(page: Page, content: Content, coronal: Box, sagittal: Box) -> None:
    nodules = ranked(content.result.nodules)
    numbers = [number for number, _ in nodules]
    centers = content.scan.vox_from_lps([nodule.center_lps_mm for _, nodule in nodules])
    up, back, left = ((centers + 0.5) / content.scan.shape).T
    ys = coronal.top + (1 - up) * coronal.height
    xs = coronal.left + left * coronal.width
    for side, mine in ((-1, np.flatnonzero(left < 0.5)), (1, np.flatnonzero(left >= 0.5))):
        _draw_labels(page, [numbers[place] for place in mine], xs[mine], ys[mine], coronal, side)
    for points in (xs, sagittal.left + back * sagittal.width):
        page.axes.scatter(points, ys, s=26, facecolors="none", edgecolors=NODULE_COLOR, linewidths=1.1)


def _draw_labels(
    page: Page, numbers: Sequence[int], xs: NDArray[Any], ys: NDArray[Any], box: Box, side: int
) -> None:
    """Numbers in the margin beside the projection, each with a thin line to its mark.

    Where the margin is too short for all, the least probable go without.

    Args:
        page: where to draw.
        numbers: of the nodules on this side, most probable first.
        xs, ys: (n,) float, their marks, in pixels.
        box: the projection.
        side: −1 for the left margin, 1 for the right.
    """
    step = float(np.clip(box.height / max(1, len(numbers)), *_LABEL_STEP))
    labelled = int(box.height // step)
    order = np.argsort(ys[:labelled], kind="stable")
    label_ys = _spread(ys[order], step, box.top + step / 2, box.top + box.height - step / 2)
    edge = box.left if side < 0 else box.left + box.width
    style: dict[str, Any] = {"va": "center_baseline", "ha": "right" if side < 0 else "left"}
    for place, label_y in zip(order, label_ys, strict=True):
        bend, end = edge + side * 6, edge + side * 18
        page.line([xs[place], bend, end], [ys[place], label_y, label_y], color=_LEADER_COLOR)
        page.write(end + side * 4, label_y, str(numbers[place]), size=step - 2, color=NODULE_COLOR, **style)


def _spread(wanted: NDArray[Any], step: float, low: float, high: float) -> list[float]:
    """Move ascending positions as little as needed to stand a step apart within limits."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(float(y), placed[-1] + step if placed else low))
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], high)
        high = placed[place] - step
    return placed


def _draw_legend(page: Page, base: float) -> float:
    for color, meaning in ((NODULE_COLOR, "the nodule of its row"), (OTHER_COLOR, "other nodules")):
        page.line([TEXT_LEFT, TEXT_LEFT + 40], [base - 5, base - 5], color=color, width=2.5)
        page.write(TEXT_LEFT + TEXT_INDENT, base, meaning, size=TEXT_SIZE, color=INK_COLOR)
        base += LINE
    return base


def _scan_facts(content: Content) -> list[tuple[str, str]]:
    (slices, rows, columns), (z, y, x) = content.scan.shape, content.step_mm
    return [
        ("Voxels", f"{columns} × {rows} × {slices}"),
        ("Spacing", f"{x:.3g} × {y:.3g} × {z:.3g} mm"),
        ("Candidates", str(len(content.result.candidates))),
        ("Nodules", str(len(content.result.nodules))),
    ]


def _wrapped(notes: Sequence[str], room: int) -> list[str]:
    lines = [line for note in notes for line in textwrap.wrap(note, _NOTE_CHARACTERS)]
    return lines if len(lines) <= room else [*lines[: max(0, room - 1)], "…"]
