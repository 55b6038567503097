"""Results as files: tables, volumes on the scan's grid, and a picture of every nodule.

Importing this loads neither matplotlib nor nibabel: each writer loads what it needs.
"""

from .overview import write_overview
from .tables import nodule_table, write_candidates, write_nodules, write_record
from .volumes import restore, write_mask, write_probability

__all__ = [
    "nodule_table",
    "restore",
    "write_candidates",
    "write_mask",
    "write_nodules",
    "write_overview",
    "write_probability",
    "write_record",
]
