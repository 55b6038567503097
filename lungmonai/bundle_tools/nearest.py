"""The name that was probably meant."""

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(name: str, names: Iterable[str]) -> str:
    """The name most like `name`, as the end of a clause; empty where none is like it.

    Args:
        name: what came.
        names: what could have come.
    """
    found = difflib.get_close_matches(name, list(names), n=1)
    return f", the nearest is {found[0]}" if found else ""
