"""FROC as a picture in the field's usual form: a logarithmic first axis, a band, marks at the rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..metrics.froc import RATES
from .figure_file import write_figure
from .froc_report import CURVE_RATES, FrocReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_froc", "froc_figure"]

_SIZE_INCHES, _DPI = (6.0, 4.5), 120
# Okabe and Ito's colours, told apart by people with any kind of colour vision.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_TICKS = ("1/8", "1/4", "1/2", "1", "2", "4", "8")


def froc_figure(reports: Mapping[str, FrocReport]) -> Figure:
    """Sensitivity over false marks a scan, with each curve's band where there was a bootstrap.

    Args:
        reports: by the name that the legend gives them.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    panel = figure.add_subplot()
    for place, (name, report) in enumerate(reports.items()):
        _draw(panel, name, report, _COLOURS[place % len(_COLOURS)])
    panel.set_xscale("log", base=2)
    panel.set_xticks(RATES, _TICKS)
    panel.set(xlim=(RATES[0], RATES[-1]), ylim=(0, 1))
    panel.set(xlabel="false positives a scan", ylabel="sensitivity")
    panel.grid(alpha=0.3)
    panel.legend(loc="lower right", fontsize=8)
    return figure


def draw_froc(path: Path, reports: Mapping[str, FrocReport]) -> None:
    """Write the picture as PNG; the same reports give the same bytes.

    Raises:
        OutputError: it cannot be written.
    """
    write_figure(path, froc_figure(reports))


def _draw(panel: Any, name: str, report: FrocReport, colour: str) -> None:
    value, low, high = _columns(report)
    cpm = f"CPM {report.cpm.value:.3f}"
    if report.drawn:
        cpm += f" ({report.cpm.low:.3f} to {report.cpm.high:.3f})"
        panel.fill_between(CURVE_RATES, low, high, color=colour, alpha=0.15, linewidth=0)
    panel.plot(CURVE_RATES, value, color=colour, label=f"{name}, {cpm}")
    # Two of the rates are the ends of the axis, where half a mark would be cut off.
    panel.plot(RATES, report.curve.at_rates, "o", color=colour, markersize=4, clip_on=False)


def _columns(report: FrocReport) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
    band = report.band
    return [one.value for one in band], [one.low for one in band], [one.high for one in band]
