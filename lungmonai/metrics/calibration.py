"""Whether probabilities mean what they say: of the samples called 0.8, are 8 of 10 positive?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from .labels import checked_labels

__all__ = [
    "BINS",
    "Calibration",
    "calibration",
    "chance_ece",
    "checked_probs",
    "kept_off_certain",
    "log_loss",
]

# Naeini, Cooper and Hauskrecht, AAAI 2015, use as many.
BINS = 10
# Of labels, for what chance gives: the mean of so many is known to a few percent.
_DRAWS = 200
# What a float32 cannot tell from 0 and from 1: a network's answer is no surer than that.
_LEAST_PROB = float(np.finfo(np.float32).tiny)
_MOST_PROB = 1 - 2.0**-25


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far probabilities are from what was observed.

    Args:
        brier: mean squared difference of probability and label (Brier 1950): 0 is perfect, and always
            saying 0.5 gives 0.25.
        ece: expected calibration error: mean over the samples of |mean probability − observed share| of
            their bin.
        edges: (B + 1,) float, of the bins; a bin holds its upper edge, the first one 0 too.
        mean_prob: (B,) float, mean probability in each bin; NaN where it is empty.
        observed: (B,) float, share of positives in each bin; NaN where it is empty.
        count: (B,) int, samples in each bin.
    """

    brier: float
    ece: float
    edges: NDArray[np.float64]
    mean_prob: NDArray[np.float64]
    observed: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return int(self.count.sum())

    def as_dict(self) -> dict[str, Any]:
        """As JSON types; None for the mean and the share of an empty bin."""
        bins = zip(self.edges[:-1], self.edges[1:], self.mean_prob, self.observed, self.count, strict=True)
        return {
            "brier": self.brier,
            "ece": self.ece,
            "bins": [
                {
                    "from": float(low),
                    "to": float(high),
                    "count": int(count),
                    "mean_probability": float(mean) if count else None,
                    "observed_share": float(share) if count else None,
                }
                for low, high, mean, share, count in bins
            ],
        }


def calibration(labels: ArrayLike, probs: ArrayLike, bins: int = BINS) -> Calibration:
    """Brier score, expected calibration error, and the bins of a reliability diagram.

    With K bins of equal width, n_k samples in bin k, their mean probability p_k and their share of positives
    o_k, the expected calibration error is Σ n_k / n · |p_k − o_k| (Naeini et al., AAAI 2015; for several
    classes Guo et al., ICML 2017).

    >>> found = calibration([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.7], bins=2)
    >>> round(found.brier, 3), round(found.ece, 3)
    (0.07, 0.25)
    >>> found.count.tolist()
    [2, 2]

    Args:
        labels: (N,) bool or 0 and 1.
        probs: (N,) from 0 to 1.
        bins: how many, of equal width.

    Raises:
        SettingsError: no samples, no bins, labels and probabilities that do not fit, a label that is neither
            0 nor 1, or a probability outside 0 to 1.
    """
    positive, values = checked_probs(labels, probs)
    edges = _edges(bins)
    which = _bin_of(values, edges)
    count = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean: NaN says so
        mean_prob = np.bincount(which, values, bins) / count
        observed = np.bincount(which, positive, bins) / count
    ece = float(_ece(which, values - positive))
    return Calibration(float(((values - positive) ** 2).mean()), ece, edges, mean_prob, observed, count)


def chance_ece(probs: ArrayLike, bins: int = BINS, *, seed: int, draws: int = _DRAWS) -> float:
    """The expected calibration error that chance alone gives: its mean, were the probabilities right.

    With few samples in a bin their share of positives is never just the mean probability. Labels are drawn
    by the probabilities again and again (Bröcker and Smith, Weather and Forecasting 2007).

    >>> round(chance_ece([0.5] * 100, seed=0), 2), round(chance_ece([0.5] * 10_000, seed=0), 3)
    (0.04, 0.004)

    Args:
        probs: (N,) from 0 to 1.
        bins: how many, of equal width.
        seed: of the draws, 0 or more.
        draws: how many.

    Raises:
        SettingsError: as for `calibration`; no draws, or a seed below 0.
    """
    values = np.asarray(probs, dtype=np.float64)
    checked_probs(np.zeros(values.shape), values)
    if draws < 1 or seed < 0:
        raise SettingsError(
            f"{draws} draws with seed {seed}", wanted="at least one draw and a seed from 0", do="Check them."
        )
    rng = np.random.default_rng(seed)
    which = _bin_of(values, _edges(bins))
    drawn = (rng.random(values.shape) < values for _ in range(draws))
    return float(np.mean([_ece(which, values - positive) for positive in drawn]))


def log_loss(labels: ArrayLike, probs: ArrayLike) -> float:
    """Mean of −log of the probability that was given to what was true.

    >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
    0.6931

    Args:
        labels: (N,) bool or 0 and 1.
        probs: (N,) from 0 to 1; what float32 cannot tell from 0 or 1 counts as the nearest that it can.

    Raises:
        SettingsError: as for `calibration`.
    """
    positive, values = checked_probs(labels, probs)
    values = kept_off_certain(values)
    return float(-np.where(positive, np.log(values), np.log1p(-values)).mean())


def kept_off_certain(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities whose logarithm, and that of their complement, is finite; order stays.

    Args:
        probs: any shape, from 0 to 1.
    """
    return np.clip(probs, _LEAST_PROB, _MOST_PROB)


def checked_probs(labels: ArrayLike, probs: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels as bool and probabilities as float64, (N,) each.

    Args:
        labels: (N,) bool or 0 and 1.
        probs: (N,) from 0 to 1.

    Raises:
        SettingsError: as for `calibration`.
    """
    positive, values = checked_labels(labels), np.asarray(probs, dtype=np.float64)
    if positive.shape != values.shape or not positive.size:
        raise SettingsError(
            f"labels of shape {positive.shape} and probabilities of shape {values.shape}",
            wanted="one label and one probability for each of at least one sample",
            do="Check the table.",
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise SettingsError(
            "a probability is outside 0 to 1, or no number",
            wanted="numbers from 0 to 1",
            do="Give probabilities; other scores have no calibration.",
        )
    return positive, values


def _edges(bins: int) -> NDArray[np.float64]:
    if bins < 1:
        raise SettingsError(f"{bins} bins", wanted="at least 1", do="Take 10.")
    return np.linspace(0, 1, bins + 1)


def _bin_of(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each probability; it holds its upper edge."""
    return np.maximum(np.searchsorted(edges, values, side="left") - 1, 0)


def _ece(which: NDArray[np.int64], excess: NDArray[np.float64]) -> np.float64:
    """From each sample's bin, and its probability less its label: their sum is n_k · (p_k − o_k)."""
    return np.float64(np.abs(np.bincount(which, excess)).sum() / len(which))
