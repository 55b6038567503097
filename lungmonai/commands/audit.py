"""`lungmonai audit`: leaks between lists of scans."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .verb import FOUND, verb

__all__ = ["add"]


def add(verbs: Any) -> None:
    """Add `lungmonai audit`."""
    option = verb(verbs, "audit", _audit, "find scans, patients and images that two lists share")
    option("first", metavar="A", help="a datalist (JSON; A.json#training takes one of its lists), or a CSV "
        "with a column seriesuid; alone: its lists are compared with each other")  # fmt: skip
    option("second", metavar="B", nargs="?", help="what to compare it with")
    option("--radius-mm", type=float, default=5.0, metavar="MM",
        help="nodules of one series this near are the same (default: %(default)g)")  # fmt: skip
    option("--no-content", action="store_true", help="do not compare the image files' voxels")
    option("--json", type=Path, metavar="FILE", help="write all that was found to this file")
    option("--quiet", action="store_true", help="no progress")


def _audit(arguments: argparse.Namespace) -> int:
    from ..data.audit.leaks import find_leaks
    from ..data.audit.report import audit_record, audit_table
    from ..json_file import write_json
    from ..progress import Bars

    lists = _lists(arguments.first, arguments.second)
    radius_mm, content = arguments.radius_mm, not arguments.no_content
    with Bars(quiet=arguments.quiet) as bars:
        audit = find_leaks(lists, radius_mm=radius_mm, content=content, progress=bars)
    sys.stdout.write(audit_table(audit, lists) + "\n")
    if arguments.json:
        write_json(arguments.json, audit_record(audit, lists, radius_mm))
    return FOUND if audit.leaks else 0


def _lists(first: str, second: str | None) -> list[Any]:
    """The lists within one file, or each file as one list."""
    from ..data.audit.lists import merged_lists, read_scan_lists

    if second is None:
        return read_scan_lists(first)
    return [merged_lists(name, read_scan_lists(name)) for name in (first, second)]
