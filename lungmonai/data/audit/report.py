"""What an audit found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ...words import many
from .leaks import KINDS, Audit, Leak
from .lists import ScanList

__all__ = ["audit_record", "audit_table"]

# As many of each kind are shown; the JSON file has all.
_EXAMPLES = 3
# A patient may have many scans; a line shows as many.
_NAMES = 2

_SAID = {
    "series": ("scans in both lists", "Take them out of one of the lists."),
    "study": (
        "studies with different series in the two lists",
        "Put all series of a patient into one list, as `lungmonai prepare luna16` does.",
    ),
    "patient": (
        "patients with scans of different studies in the two lists",
        "Put all scans of a patient into one list, as `lungmonai prepare luna16` does.",
    ),
    "nodule": ("positions of the first list with one of the second near them", "Divide by scan, not by row."),
    "content": ("images with the same voxels", "Remove the copies, or put them into one list."),
    "slice": (
        "images with the same middle slice, different elsewhere",
        "Look at them: they are edited copies of one scan, or composites on one background.",
    ),
    "source": (
        "nodules made from LIDC readings that the other list uses too (a warning, no leak)",
        "Keep such nodules in one list where results are to be trusted.",
    ),
}


def audit_table(audit: Audit, lists: Sequence[ScanList]) -> str:
    """A short table: for each kind how many, the first few, and what to do."""
    lines = [f"{one.name}: {many(len(one.entries), 'scan')}" for one in lists]
    for kind in KINDS:
        found = [leak for leak in audit.found if leak.kind == kind]
        if found:
            lines += _kind_lines(kind, found)
    lines += [f"Note: {note}" for note in audit.notes]
    return "\n".join([*lines, _verdict(audit)])


def audit_record(audit: Audit, lists: Sequence[ScanList], radius_mm: float) -> dict[str, Any]:
    """Everything that was found, as it goes into JSON."""
    return {
        "lists": [{"name": one.name, "scans": len(one.entries)} for one in lists],
        "radius_mm": radius_mm,
        "leaks": [_record(leak) for leak in audit.leaks],
        "warnings": [_record(leak) for leak in audit.warnings],
        "notes": audit.notes,
        "not_compared": audit.unread,
    }


def _verdict(audit: Audit) -> str:
    count = len(audit.leaks)
    if count:
        return f"{count:,} leak{'s' * (count > 1)} found."
    return "No leak found in what could be compared." if audit.notes else "No leak found."


def _record(leak: Leak) -> dict[str, Any]:
    return {key: value for key, value in asdict(leak).items() if value is not None}


def _kind_lines(kind: str, found: Sequence[Leak]) -> Iterator[str]:
    what, do = _SAID[kind]
    yield f"\n{kind:8}{len(found):>8,}  {what}"
    for leak in found[:_EXAMPLES]:
        yield f"    {_example(leak)}"
    if len(found) > _EXAMPLES:
        yield f"    and {len(found) - _EXAMPLES:,} more"
    yield f"    {do}"


def _example(leak: Leak) -> str:
    first, second = leak.lists
    if leak.kind == "series":
        return f"{leak.shared} in {first} and {second}"
    if leak.points_lps is not None:
        ours, theirs = (f"({x:.1f}, {y:.1f}, {z:.1f})" for x, y, z in leak.points_lps)
        return f"{leak.shared}: {ours} in {first}, {leak.distance_mm:.1f} mm from {theirs} in {second}"
    shared = f"{leak.shared}: " if leak.kind not in ("content", "slice") else ""
    return f"{shared}{_names(leak.first)} in {first}, {_names(leak.second)} in {second}"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more
