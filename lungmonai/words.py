"""Counts in words."""

from __future__ import annotations

__all__ = ["many"]


def many(count: int, thing: str) -> str:
    """`1 scan`, `1,234 scans`.

    Args:
        count: of the things.
        thing: one of them; its plural ends in s.
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
