"""Data sets: LUNA16 and LIDC to datalists, splits, the audit, the cache, and data without a download.

Importing this is quick; what a name needs loads when it is first asked for.
"""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .audit import find_leaks
    from .cached_dataset import CachedDataset
    from .datalist import all_items, read_datalist, write_datalist
    from .lidc import LidcDatabase, lidc_nodules
    from .luna16 import prepare_luna16
    from .mapped import open_volume
    from .phantom import Phantom, make_composite, make_phantom, write_composites, write_phantoms
    from .splits import assign_folds, assign_splits

__all__ = [
    "CachedDataset",
    "LidcDatabase",
    "Phantom",
    "all_items",
    "assign_folds",
    "assign_splits",
    "find_leaks",
    "lidc_nodules",
    "make_composite",
    "make_phantom",
    "open_volume",
    "prepare_luna16",
    "read_datalist",
    "write_composites",
    "write_datalist",
    "write_phantoms",
]

__getattr__ = lazy_names(
    __name__,
    {
        "audit": ("find_leaks",),
        "cached_dataset": ("CachedDataset",),
        "datalist": ("all_items", "read_datalist", "write_datalist"),
        "lidc": ("LidcDatabase", "lidc_nodules"),
        "mapped": ("open_volume",),
        "phantom": ("Phantom", "make_composite", "make_phantom", "write_composites", "write_phantoms"),
        "luna16": ("prepare_luna16",),
        "splits": ("assign_folds", "assign_splits"),
    },
)
