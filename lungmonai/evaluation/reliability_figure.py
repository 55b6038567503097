"""The reliability diagram: what share was positive of the samples that got each probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..metrics.calibration import Calibration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_reliability"]

_DPI = 120
_INCHES = (4.8, 6.0)
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red")
# Beyond so many samples a bin, bars of few would vanish beside it; up to the other the axis stays linear.
_MANY, _LINEAR = 200, 10
# Two-sided 95 % of the normal distribution, for Wilson's interval.
_Z = 1.959964


def draw_reliability(named: Mapping[str, Calibration], *, title: str = "") -> Figure:
    """Observed share over mean probability in each bin, with the number of samples beneath.

    Bars are 95 % intervals of a share (Wilson, JASA 1927): a bin of three samples says little.

    Args:
        named: up to four calibrations by what the legend calls them, such as "before" and "after".
        title: above the diagram.

    Raises:
        SettingsError: none, or more than four.
    """
    if not 0 < len(named) <= len(_COLOURS):
        raise SettingsError(f"{len(named)} calibrations", wanted="one to four", do="Draw several figures.")
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white", layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    for place, (name, found) in enumerate(named.items()):
        _draw_shares(above, found, _label(name, found), _COLOURS[place])
        _draw_counts(below, found, place, len(named))
    above.set(ylabel="share that is positive", ylim=(-0.02, 1.02))
    figure.suptitle(title)
    above.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=8, frameon=False)
    below.set(xlabel="probability", ylabel="samples", xlim=(-0.02, 1.02))
    if max(found.count.max() for found in named.values()) > _MANY:
        below.set_yscale("symlog", linthresh=_LINEAR)
        below.yaxis.set_major_formatter("{x:g}")
    for axes in (above, below):
        axes.grid(color="0.92")
        axes.set_axisbelow(True)
    return figure


def _label(name: str, found: Calibration) -> str:
    return f"{name}: Brier {found.brier:.3f}, ECE {found.ece:.3f}"


def _draw_shares(axes: Any, found: Calibration, label: str, colour: str) -> None:
    some = found.count > 0
    share, x = found.observed[some], found.mean_prob[some]
    low, high = _wilson(share, found.count[some])
    bars = np.maximum([share - low, high - share], 0)
    axes.errorbar(x, share, bars, color=colour, marker="o", markersize=4, capsize=2, linewidth=1, label=label)


def _draw_counts(axes: Any, found: Calibration, place: int, of: int) -> None:
    width = np.diff(found.edges) * 0.9 / of
    left = found.edges[:-1] + np.diff(found.edges) * 0.05 + place * width
    axes.bar(left, found.count, width, align="edge", color=_COLOURS[place])


def _wilson(
    share: NDArray[np.float64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of Wilson's interval of a share."""
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return middle - half, middle + half
