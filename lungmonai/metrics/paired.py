"""Two systems on the same data: the difference of a number, its interval, and how easily chance makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..json_file import finite_or_none
from .intervals import LEVEL, Interval, percentile_interval

__all__ = ["Paired", "paired", "permutation_p_value"]

# Sums of the same numbers in another order differ by less.
_EQUAL = 1e-12


@dataclass(frozen=True)
class Paired:
    """A number of two systems.

    Args:
        first: the first system's.
        second: the second system's.
        difference: the first less the second, from the same draws.
        p_value: of the permutation test, two-sided; NaN where none was made.
    """

    first: Interval
    second: Interval
    difference: Interval
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None stands where there is no number."""
        sides = {"first": self.first, "second": self.second, "difference": self.difference}
        told = {name: side.as_dict() for name, side in sides.items()}
        return {**told, "p_value": finite_or_none(self.p_value)}


def paired(
    values: tuple[float, float],
    drawn: tuple[ArrayLike, ArrayLike],
    swapped: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    level: float = LEVEL,
) -> Paired:
    """Intervals of a number of two systems and of its difference, and the permutation test.

    >>> found = paired((0.8, 0.7), ([0.8, 0.9], [0.7, 0.7]), ([0.8, 0.7, 0.7], [0.7, 0.8, 0.8]))
    >>> round(found.difference.value, 3), found.p_value
    (0.1, 1.0)

    Args:
        values: the number of each on all data.
        drawn: (D,) the number of each in each bootstrap draw; both drew the same.
        swapped: (P,) the number of each after each permutation; None without a test.
        level: of the intervals.
    """
    first, second = (np.asarray(side, dtype=np.float64) for side in drawn)
    difference = values[0] - values[1]
    p_value = float("nan")
    if swapped is not None:
        p_value = permutation_p_value(difference, np.asarray(swapped[0]) - np.asarray(swapped[1]))
    return Paired(
        percentile_interval(values[0], first, level),
        percentile_interval(values[1], second, level),
        percentile_interval(difference, first - second, level),
        p_value,
    )


def permutation_p_value(difference: float, permuted: ArrayLike) -> float:
    """(1 + number of permutations that differ by as much) / (1 + permutations), two-sided.

    The 1 counts the data as they are, so that no p-value is 0 (Phipson and Smyth 2010).

    >>> permutation_p_value(0.2, [0.1, -0.2, 0.0])
    0.5

    Args:
        difference: of the two systems.
        permuted: (P,) the same after each permutation; one that is no number is left out.

    Returns:
        NaN where the difference is no number.
    """
    values = np.asarray(permuted, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not np.isfinite(difference):
        return float("nan")
    return float((1 + (np.abs(values) >= abs(difference) - _EQUAL).sum()) / (1 + len(values)))
