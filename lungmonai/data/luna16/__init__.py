"""LUNA16: from a download to one MONAI datalist, with what is bad put aside.
"""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .prepare import Prepared, prepare_luna16

__all__ = [
    "Prepared",
    "prepare_luna16",
]

__getattr__ = lazy_names(
    __name__,
    {
        "prepare": ("Prepared", "prepare_luna16",),
    },
)
