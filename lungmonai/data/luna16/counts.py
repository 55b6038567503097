"""What a datalist says of itself: counts, and sentences on what a user should know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ..datalist import NoduleItem, ScanItem
from .files import Luna16Files
from .items import Collected, Luna16Tables
from .quarantine import Quarantined
from .readings import Readings

__all__ = ["CALLS", "call_of", "counts_of", "notes_on"]

# What is known of a nodule's malignancy, in the order of tables.
CALLS = ("malignant", "benign", "ambiguous", "unknown")


def call_of(nodule: NoduleItem) -> str:
    """The one of `CALLS` that fits: ambiguous where the readers did not decide, unknown without readers."""
    if nodule["malignant"] is None:
        return "ambiguous" if "ratings" in nodule else "unknown"
    return "malignant" if nodule["malignant"] else "benign"


def counts_of(items: Sequence[ScanItem], left_out: Iterable[Quarantined]) -> dict[str, Any]:
    """How many of everything a datalist holds, and how much was left out."""
    calls = Counter(call_of(nodule) for item in items for nodule in item["nodules"])
    labels = Counter(row[3] for item in items for row in item["candidates"])
    scans = [row.line is None for row in left_out]
    return {
        "scans": len(items),
        "scans_with_nodules": sum(bool(item["nodules"]) for item in items),
        "patients": len({item["patient"] for item in items}),
        "nodules": calls.total(),
        **{call: calls[call] for call in CALLS},
        "candidates": {"nodule": labels[1], "other": labels[0]},
        "excluded": sum(len(item.get("excluded", ())) for item in items),
        "quarantined_scans": sum(scans),
        "quarantined_rows": len(scans) - sum(scans),
    }


def notes_on(
    files: Luna16Files,
    tables: Luna16Tables,
    items: Sequence[ScanItem],
    collected: Collected,
    readings: Readings,
) -> list[str]:
    """One sentence on each thing that is not an error and that a user should know."""
    counts = collected.counts
    elsewhere = tables.elsewhere(item["seriesuid"] for item in items)
    rows = ", ".join(f"{files.tables[kind].name} {count:,}" for kind, count in elsewhere.items())
    said = (
        ("candidates" not in files.tables, "There is no table of candidates: only nodules are candidates."),
        ("excluded" not in files.tables, "There is no table of excluded findings."),
        (rows, f"Rows on series that are not here, or were left out: {rows}."),
        (counts["unnamed"], f"No table names {counts['unnamed']:,} of the scans; they may hold no nodule."),
        (counts["no_patient"], f"The patient of {counts['no_patient']:,} scans is unknown; each counts as a "
         "patient of its own."),
        (counts["near"], f"{counts['near']:,} candidates lie within a nodule's radius and were left out; "
         "the nodule itself stands for them."),
        (counts["stray"], f"{counts['stray']:,} candidates of class 1 lie at no annotated nodule and were "
         "left out."),
        (counts["repeated"], f"{counts['repeated']:,} candidates have the position of an earlier one and "
         "were left out."),
        (readings.missing, readings.missing),
        (readings.counts["differ"], f"{readings.counts['differ']:,} nodules have another malignancy in the "
         "LIDC database than in the table; the table's was taken."),
    )  # fmt: skip
    return [text for wanted, text in said if wanted]
