"""The random numbers of a sample."""

from __future__ import annotations

import numpy as np

from ..errors import SettingsError
from .order import SampleKey

__all__ = ["Draws"]


class Draws:
    """A generator for each sample of a data set, which (seed, epoch, index) decide and nothing else.

    Args:
        samples: in an epoch.
        seed: of all.

    Raises:
        SettingsError: no sample, or a seed below 0.
    """

    def __init__(self, samples: int, seed: int) -> None:
        if samples < 1 or seed < 0:
            raise SettingsError(
                f"{samples} samples an epoch with the seed {seed}",
                wanted="at least one, and a seed from 0 up",
                do="Change samples_per_epoch or seed.",
            )
        self.samples, self.seed = samples, seed

    def of(self, key: SampleKey) -> np.random.Generator:
        """At its beginning."""
        return np.random.default_rng([self.seed, *key])
