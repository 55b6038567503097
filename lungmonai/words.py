"""Counts in words."""

from __future__ import annotations

__all__ = ["many", "only_one"]


def many(count: int, thing: str) -> str:
    """`1 scan`, `1,234 scans`.

    Args:
        count: of the things.
        thing: one of them; its plural ends in s.
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def only_one(thing: str) -> str:
    """Why there are no intervals; a sentence without its full stop.

    >>> only_one("scan")
    'one scan only: how far numbers might be off with other scans cannot be told, so there are no intervals'

    Args:
        thing: of which there is one; its plural ends in s.
    """
    return (
        f"one {thing} only: how far numbers might be off with other {thing}s cannot be told, so there are no "
        "intervals"
    )
