"""The audit: what two lists of scans share, and should not.
"""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .content import compare_contents
    from .leaks import Audit, Leak, find_leaks
    from .lists import ScanEntry, ScanList, read_scan_lists
    from .report import audit_record, audit_table

__all__ = [
    "Audit",
    "Leak",
    "ScanEntry",
    "ScanList",
    "audit_record",
    "audit_table",
    "compare_contents",
    "find_leaks",
    "read_scan_lists",
]

__getattr__ = lazy_names(
    __name__,
    {
        "content": ("compare_contents",),
        "leaks": ("Audit", "Leak", "find_leaks",),
        "lists": ("ScanEntry", "ScanList", "read_scan_lists",),
        "report": ("audit_record", "audit_table",),
    },
)
