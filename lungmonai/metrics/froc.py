"""The evaluation of LUNA16: sensitivity over false positives a scan.

The rule is that of its script `noduleCADEvaluationLUNA16.py`, on arrays instead of files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .judging import Findings, JudgedMarks, Marks, judge_marks

__all__ = [
    "RATES",
    "Findings",
    "Froc",
    "JudgedMarks",
    "Marks",
    "curve_places",
    "froc",
    "judge_marks",
    "sensitivity_at",
]

# False positives a scan at which sensitivity is read; their mean is the CPM.
RATES = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
# The script reads an interpolated curve at its grid's points, of which these rates are not all members.
_GRID = np.linspace(RATES[0], RATES[-1], 10_001)


@dataclass(frozen=True, eq=False)
class Froc:
    """The free-response curve.

    Args:
        false_per_scan: (K,) float, rising from 0.
        sensitivity: (K,) float, rising from 0; NaN where there is no nodule.
        threshold: (K,) float: a point counts marks with this score or more.
        at_rates: sensitivity at each of `RATES`.
    """

    false_per_scan: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    threshold: NDArray[np.float64]
    at_rates: tuple[float, ...]

    @property
    def cpm(self) -> float:
        """Competition performance metric: mean sensitivity at `RATES`."""
        return float(np.mean(self.at_rates))


def froc(judged: JudgedMarks, drawn: NDArray[np.int64] | None = None) -> Froc:
    """The curve, and the sensitivities that LUNA16 reads from it.

    False marks are divided by all scans. Equal scores count together. A nodule without a hit is never
    found.

    Args:
        judged: from `judge_marks`.
        drawn: (scans,) int, how often a bootstrap drew each scan; None takes each once.

    >>> judged = JudgedMarks(2, np.array([0, 1]), np.array([0.9, 0.7]), np.array([1]), np.array([0.8]))
    >>> froc(judged).false_per_scan.tolist(), froc(judged).sensitivity.tolist()
    ([0.0, 0.0, 0.5, 0.5], [0.0, 0.5, 0.5, 1.0])
    """
    times = np.ones(judged.scans, dtype=np.int64) if drawn is None else drawn
    found = np.isfinite(judged.nodule_prob)
    prob = np.concatenate([judged.nodule_prob[found], judged.false_prob])
    true = np.concatenate([times[judged.nodule_scan[found]], np.zeros_like(judged.false_scan)])
    false = np.concatenate([np.zeros(int(found.sum()), np.int64), times[judged.false_scan]])
    order = np.argsort(-prob, kind="stable")
    prob = prob[order]
    last = np.flatnonzero(np.append(prob[1:] != prob[:-1], True)) if len(prob) else np.zeros(0, np.int64)
    nodules = int(times[judged.nodule_scan].sum())
    with np.errstate(invalid="ignore"):  # no nodules: NaN says so
        sensitivity = _from_zero(np.cumsum(true[order])[last]) / np.float64(nodules)
    false_per_scan = _from_zero(np.cumsum(false[order])[last]) / int(times.sum())
    at_rates = np.interp(curve_places(RATES), false_per_scan, sensitivity)
    return Froc(false_per_scan, sensitivity, np.concatenate([[np.inf], prob[last]]), tuple(at_rates.tolist()))


def sensitivity_at(curve: Froc, rates: Sequence[float]) -> tuple[float, ...]:
    """Sensitivity at any numbers of false positives a scan, read as the official ones are.

    Args:
        curve: from `froc`.
        rates: false positives a scan, above 0.

    Raises:
        SettingsError: a rate is not above 0.
    """
    return tuple(np.interp(curve_places(rates), curve.false_per_scan, curve.sensitivity).tolist())


def curve_places(rates: Sequence[float]) -> NDArray[np.float64]:
    """Where on its first axis the curve is read for these rates.

    From 1/8 to 8 that is the nearest of the official script's 10,001 points, at most 0.0004 away;
    elsewhere, where that script reads nothing, the rate itself.

    Args:
        rates: false positives a scan, above 0.

    Raises:
        SettingsError: a rate is not above 0.
    """
    wanted = np.asarray(rates, dtype=np.float64)
    if not (np.isfinite(wanted) & (wanted > 0)).all():
        raise SettingsError(
            f"rates are {', '.join(f'{rate:g}' for rate in rates)}",
            wanted="numbers of false positives a scan, all above 0",
            do="Leave the others out.",
        )
    inside = (wanted >= RATES[0]) & (wanted <= RATES[-1])
    nearest = np.abs(_GRID[:, None] - wanted[None, inside]).argmin(axis=0)
    places = wanted.copy()
    places[inside] = _GRID[nearest]
    return places


def _from_zero(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(1), counts])
