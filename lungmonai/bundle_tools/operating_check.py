"""Whether what is stored beside a bundle's weights is sound and theirs."""

from __future__ import annotations

from ..analysis.operating import operating_path, read_operating
from ..files import sha256_of
from .layout import BundleFolder
from .outcome import FindingError

__all__ = ["check_operating"]

_PARTS = ("threshold", "calibration", "conformal")


def check_operating(bundle: BundleFolder) -> str:
    """Whether the operating file is sound and for the bundle's weights.

    Raises:
        FindingError: there are no weights, or it is for others.
        DataError: it is damaged.
    """
    path = operating_path(bundle.weights)
    there = read_operating(bundle.weights)
    if there is None or not bundle.weights.is_file():
        raise FindingError(f"{path.name} lies beside no weights")
    if there.weights_sha256 != sha256_of(bundle.weights):
        raise FindingError(
            f"{path.name} is for the weights {there.weights_sha256[:12]}…, not for {bundle.weights.name}"
        )
    parts = [part for part in _PARTS if getattr(there, part) is not None]
    return ", ".join(parts) or "nothing stored"
