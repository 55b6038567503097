"""Which scans, or patients, change sides in each permutation of a paired test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError

__all__ = ["draw_swaps"]


def draw_swaps(groups: int, permutations: int, seed: int) -> NDArray[np.int64]:
    """For each permutation and group, 1 where the two systems' answers change places, else 0.

    Of a single group there is none: whether it changes sides or not, the difference is as large.

    >>> draw_swaps(3, 2, seed=0).shape
    (2, 3)

    Args:
        groups: how many.
        permutations: how many.
        seed: 0 or more; the draws are others than those of a bootstrap with the same seed.

    Returns:
        (permutations, groups) int, or (0, 1).

    Raises:
        SettingsError: permutations or seed below 0.
    """
    if permutations < 0 or seed < 0:
        raise SettingsError(
            f"{permutations} permutations with seed {seed}", wanted="both from 0", do="Check them."
        )
    made = permutations if groups > 1 else 0
    return np.random.default_rng([seed, 1]).integers(2, size=(made, groups))
