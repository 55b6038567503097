"""Probabilities set right: functions of one probability that are fitted on validation data.

Neither changes the order of two samples, so that areas under curves stay (isotonic calibration may make
samples equal).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError
from .calibration import checked_probs, kept_off_certain
from .folds import FOLDS, deal_folds

__all__ = [
    "METHODS",
    "Calibrator",
    "Isotonic",
    "Temperature",
    "calibrator_from_dict",
    "cross_fitted",
    "fit_calibrator",
]


@dataclass(frozen=True)
class Temperature:
    """The log-odds divided by one number (Guo et al., ICML 2017): above 1 it makes answers less sure.

    A probability of 0.5 stays 0.5.

    >>> Temperature(2.0)([0.9, 0.5]).round(3).tolist()
    [0.75, 0.5]

    Args:
        temperature: above 0.

    Raises:
        SettingsError: it is not.
    """

    temperature: float
    method: ClassVar[str] = "temperature"

    def __post_init__(self) -> None:
        if not 0 < self.temperature < np.inf:
            raise SettingsError(
                f"temperature is {self.temperature}", wanted="a number above 0", do="Fit it again."
            )

    def __call__(self, probs: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities, of any shape."""
        return _from_odds(_log_odds(np.asarray(probs, dtype=np.float64)) / self.temperature)

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"method": self.method, "temperature": self.temperature}


@dataclass(frozen=True)
class Isotonic:
    """Straight lines between the steps of the best rising function (Zadrozny and Elkan, KDD 2002).

    >>> Isotonic((0.2, 0.6), (0.1, 0.5))([0.0, 0.4, 1.0]).round(3).tolist()
    [0.1, 0.3, 0.5]

    Args:
        given: (K,) probabilities, rising; what is outside counts as the nearest end.
        calibrated: (K,) what they become, never falling, from 0 to 1.

    Raises:
        SettingsError: they are not so.
    """

    given: tuple[float, ...]
    calibrated: tuple[float, ...]
    method: ClassVar[str] = "isotonic"

    def __post_init__(self) -> None:
        steps, rises = np.diff(self.given), np.diff(self.calibrated)
        ends = [*self.given[:1], *self.given[-1:], *self.calibrated[:1], *self.calibrated[-1:]]
        alike = len(self.given) == len(self.calibrated) > 0
        if not (alike and (steps > 0).all() and (rises >= 0).all() and all(0 <= end <= 1 for end in ends)):
            raise SettingsError(
                f"{len(self.given)} probabilities and {len(self.calibrated)} calibrated ones",
                wanted="as many of both, from 0 to 1, the first rising and the second not falling",
                do="Fit them again.",
            )

    def __call__(self, probs: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities, of any shape."""
        return np.asarray(np.interp(np.asarray(probs, dtype=np.float64), self.given, self.calibrated))

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"method": self.method, "given": list(self.given), "calibrated": list(self.calibrated)}


Calibrator = Temperature | Isotonic


def fit_calibrator(method: str, labels: ArrayLike, probs: ArrayLike) -> Calibrator:
    """Fit a calibrator on samples that the network did not learn from.

    >>> fit_calibrator("isotonic", [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]).calibrated
    (0.0, 0.5, 0.5, 1.0)

    Args:
        method: one of `METHODS`.
        labels: (N,) bool or 0 and 1.
        probs: (N,) from 0 to 1.

    Raises:
        SettingsError: no such method; samples of one class; labels and probabilities that do not fit; for
            the temperature, probabilities that no temperature makes better.
    """
    if method not in METHODS:
        raise SettingsError(f"method {method!r}", wanted=" or ".join(METHODS), do="Choose one of these.")
    positive, values = checked_probs(labels, probs)
    if positive.all() or not positive.any():
        raise SettingsError(
            f"{int(positive.sum())} of {len(positive)} samples are positive",
            wanted="samples of both classes",
            do="Add samples of the other class.",
        )
    return METHODS[method](positive, values)


def calibrator_from_dict(content: Mapping[str, Any]) -> Calibrator:
    """What `as_dict` of a calibrator gave.

    Args:
        content: may hold more; that is not looked at.

    Raises:
        SettingsError: it is of no known method, or its numbers make no sense.
    """
    try:
        if content["method"] == Temperature.method:
            return Temperature(float(content["temperature"]))
        if content["method"] == Isotonic.method:
            given, calibrated = (tuple(map(float, content[name])) for name in ("given", "calibrated"))
            return Isotonic(given, calibrated)
    except (KeyError, TypeError, ValueError) as error:
        raise _no_calibrator(f"a calibration without sound numbers ({error!r})") from error
    raise _no_calibrator(f"a calibration of method {content['method']!r}")


def cross_fitted(
    method: str, labels: ArrayLike, probs: ArrayLike, groups: ArrayLike, *, seed: int, folds: int = FOLDS
) -> NDArray[np.float64]:
    """Each sample calibrated by a fit that saw no sample of its group.

    Args:
        method: one of `METHODS`.
        labels: (N,) bool or 0 and 1.
        probs: (N,) from 0 to 1.
        groups: (N,) the group of each sample, such as its patient.
        seed: of the dealing, 0 or more.
        folds: how many; as many as groups where those are fewer.

    Returns:
        (N,) float.

    Raises:
        SettingsError: as for `deal_folds`, or what is left without a fold cannot be fitted.
    """
    positive, values = checked_probs(labels, probs)
    fold = deal_folds(positive, groups, seed=seed, folds=folds)
    calibrated = np.empty(len(values))
    for number in range(fold.max() + 1):
        held = fold == number
        calibrated[held] = fit_calibrator(method, positive[~held], values[~held])(values[held])
    return calibrated


def _fit_temperature(positive: NDArray[np.bool_], probs: NDArray[np.float64]) -> Temperature:
    """The inverse of the temperature is a logistic model's one coefficient: its log loss has one minimum."""
    from scipy.optimize import brentq

    odds = _log_odds(probs)

    def slope(inverse: float) -> float:
        return float(((_from_odds(odds * inverse) - positive) * odds).mean())

    if slope(0.0) >= 0:
        raise SettingsError(
            "the probabilities point away from the labels: no temperature makes them better than 0.5",
            wanted="probabilities that are higher for positive samples, about 0.5",
            do="Check the labels, or use isotonic calibration.",
        )
    if (np.where(positive, odds, -odds) >= 0).all():
        raise SettingsError(
            "every sample is on the right side of 0.5: the lower the temperature, the better",
            wanted="some samples that are wrong",
            do="Add samples, or use isotonic calibration.",
        )
    high = 1.0
    while slope(high) < 0:
        high *= 2
    return Temperature(float(1 / brentq(slope, 0.0, high, xtol=1e-15)))


def _fit_isotonic(positive: NDArray[np.bool_], probs: NDArray[np.float64]) -> Isotonic:
    """Pooled adjacent violators; equal probabilities are one sample with their mean label."""
    from scipy.optimize import isotonic_regression

    given, which, count = np.unique(probs, return_inverse=True, return_counts=True)
    share = np.bincount(which, positive) / count
    calibrated = np.clip(isotonic_regression(share, weights=count).x, 0.0, 1.0)
    # Between the two ends of a step nothing changes.
    changes = calibrated[1:] != calibrated[:-1]
    end = np.append(changes, True) | np.insert(changes, 0, True)
    return Isotonic(tuple(given[end].tolist()), tuple(calibrated[end].tolist()))


METHODS: dict[str, Callable[[NDArray[np.bool_], NDArray[np.float64]], Calibrator]] = {
    Temperature.method: _fit_temperature,
    Isotonic.method: _fit_isotonic,
}


def _log_odds(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = kept_off_certain(probs)
    return np.log(kept) - np.log1p(-kept)


def _from_odds(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    # By tanh, which does not overflow.
    return (1 + np.tanh(log_odds / 2)) / 2


def _no_calibrator(came: str) -> SettingsError:
    return SettingsError(came, wanted=f"one of {' or '.join(METHODS)}", do="Calibrate again.")
