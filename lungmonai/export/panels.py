"""One nodule: three planes through its centre, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..nodule import Nodule
from .layout import (
    INK_COLOR,
    NODULE_COLOR,
    OTHER_COLOR,
    TEXT_LEFT,
    Content,
    draw_pairs,
    panel_boxes,
)
from .page import Page, draw_gray
from .planes import AIR_HU, PLANES, Cut, Plane, Triple, cut
from .tables import prob_text, slice_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_middle_row", "draw_nodule_row"]

# The usual lung window: level −600, width 1500.
_WINDOW_HU = (-1350.0, 150.0)

# Wide enough for ribs, vessels and fissures to show where a nodule lies.
_FIELD_MM = 60.0
# A mass that fills the field is shown whole, with this much around it.
_FIELD_PER_LONG_AXIS = 1.5
_SCALE_BAR_MM = 10.0


def draw_nodule_row(page: Page, content: Content, number: int, nodule: Nodule, top: float) -> None:
    """Draw axial, coronal and sagittal panels centred on a nodule, and its facts at the side."""
    z, y, x = (float(value) for value in content.scan.vox_from_lps(nodule.center_lps_mm))
    half_mm = max(_FIELD_MM, _FIELD_PER_LONG_AXIS * nodule.long_axis_mm) / 2
    for plane, box in zip(PLANES, panel_boxes(top), strict=True):
        axes = page.panel(box)
        _draw_anatomy(axes, content, plane, (z, y, x), half_mm)
        _draw_outlines(axes, content, plane, (z, y, x), half_mm, number)
        _draw_ticks(axes)
        _draw_scale_bar(axes, 2 * half_mm)
    page.write(TEXT_LEFT, top + 30, str(number), size=32, color=NODULE_COLOR, weight="bold")
    judged = "malignancy" in content.result.record.get("weights", {})
    draw_pairs(page, _facts(nodule, judged=judged), top + 66)


def draw_middle_row(page: Page, content: Content, top: float) -> None:
    """Draw the three middle planes of the whole scan."""
    slices, rows, columns = content.scan.shape
    middle = (slices - 1) / 2, (rows - 1) / 2, (columns - 1) / 2
    for plane, box in zip(PLANES, panel_boxes(top), strict=True):
        _draw_anatomy(page.panel(box), content, plane, middle, max(content.lengths_mm) / 2)


def _draw_anatomy(axes: Axes, content: Content, plane: Plane, center_vox: Triple, half_mm: float) -> None:
    piece = _cut(content, content.scan.hu, plane, center_vox, half_mm, outside=AIR_HU)
    draw_gray(axes, piece.image, piece.extent_mm, _WINDOW_HU)
    axes.set_xlim(-half_mm, half_mm)
    axes.set_ylim((-half_mm, half_mm) if plane.upwards else (half_mm, -half_mm))
    places = ((0.035, 0.5), (0.965, 0.5), (0.5, 0.962), (0.5, 0.036))
    for letter, (x, y) in zip(plane.letters, places, strict=True):
        _write(axes, x, y, letter)


def _cut(
    content: Content, volume: NDArray[Any], plane: Plane, center_vox: Triple, half_mm: float, *, outside: int
) -> Cut:
    return cut(volume, plane, center_vox, content.step_mm, (half_mm, half_mm, half_mm), outside)


def _draw_outlines(
    axes: Axes, content: Content, plane: Plane, center_vox: Triple, half_mm: float, number: int
) -> None:
    piece = _cut(content, content.labels, plane, center_vox, half_mm, outside=0)
    mine = piece.image == number
    _outline(axes, piece, (piece.image > 0) & ~mine, OTHER_COLOR)
    _outline(axes, piece, mine, NODULE_COLOR)


def _outline(axes: Axes, piece: Cut, mask: NDArray[np.bool_], color: str) -> None:
    if not mask.any():
        return
    left, right, low, high = piece.extent_mm
    down, across = mask.shape
    xs = left + (np.arange(across) + 0.5) * (right - left) / across
    ys = low + (np.arange(down) + 0.5) * (high - low) / down
    axes.contour(xs, ys, mask, levels=[0.5], colors=[color], linewidths=1.3)


def _draw_ticks(axes: Axes) -> None:
    """Short marks that point at the centre from the edges and leave the nodule free."""
    for start, stop in ((0.075, 0.15), (0.85, 0.925)):
        for xs, ys in (((start, stop), (0.5, 0.5)), ((0.5, 0.5), (start, stop))):
            axes.plot(xs, ys, color=NODULE_COLOR, linewidth=0.8, alpha=0.8, transform=axes.transAxes)


def _draw_scale_bar(axes: Axes, field_mm: float) -> None:
    right, length = 0.965, _SCALE_BAR_MM / field_mm
    style: dict[str, Any] = {"linewidth": 2, "transform": axes.transAxes, "path_effects": _seam(4)}
    axes.plot((right - length, right), (0.035, 0.035), color=INK_COLOR, **style)
    _write(axes, right - length / 2, 0.08, f"{_SCALE_BAR_MM:.0f} mm")


def _write(axes: Axes, x: float, y: float, text: str) -> None:
    style: dict[str, Any] = {"size": 8.5, "ha": "center", "va": "center_baseline", "path_effects": _seam(2.2)}
    axes.text(x, y, text, transform=axes.transAxes, color=INK_COLOR, **style)


def _seam(width: float) -> list[Any]:
    """A dark rim that keeps light marks legible over bone."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="#000000b0")]


def _facts(nodule: Nodule, *, judged: bool) -> list[tuple[str, str]]:
    """What stands beside the panels; `judged`: whether there is a malignancy network."""
    position = ", ".join(f"{value:.1f}" for value in nodule.center_lps_mm).replace("-", "−")
    facts = [("P(nodule)", prob_text(nodule.nodule_prob))]
    if nodule.malignancy_prob is not None:
        facts.append(("P(malignant)", prob_text(nodule.malignancy_prob)))
    elif judged:
        facts.append(("P(malignant)", "not judged: too large"))
    return [
        *facts,
        ("Location", nodule.location),
        ("LPS", f"{position} mm"),
        ("Slice", str(slice_number(nodule))),
        ("Diameter", f"{nodule.equivalent_diameter_mm:.1f} mm from {nodule.volume_mm3:.0f} mm³"),
        ("Long axis", f"{nodule.long_axis_mm:.1f} mm, axial"),
    ]
