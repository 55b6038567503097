"""Labels of two classes, as every score here takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SettingsError

__all__ = ["checked_labels"]


def checked_labels(labels: ArrayLike) -> NDArray[np.bool_]:
    """Labels as bool. A 2, a NaN or a text is a mistake, and not a positive sample.

    >>> checked_labels([1, 0.0, True]).tolist()
    [True, False, True]

    Args:
        labels: (N,) bool or 0 and 1.

    Raises:
        SettingsError: they have another shape, or one is neither 0 nor 1.
    """
    given = np.asarray(labels)
    if given.ndim != 1:
        raise SettingsError(
            f"labels of shape {given.shape}", wanted="one for each sample", do="Give them as one row."
        )
    # A column of texts compares as a whole with a number, and is then equal to none.
    if not np.all((given == 0) | (given == 1)):
        raise SettingsError("a label is neither 0 nor 1", wanted="0 or 1", do="Check the labels.")
    return given.astype(np.bool_)
