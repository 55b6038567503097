"""How one check of a bundle ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import LungmonaiError

__all__ = ["Check", "FindingError", "NotCheckedError", "outcome"]

# The longest reason that is shown of an error that is not ours.
_LONGEST = 300


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Args:
        name: what was checked.
        passed: None where it was not checked.
        reason: what was found, or why it failed; several lines where several things are wrong.
    """

    name: str
    passed: bool | None
    reason: str


class FindingError(Exception):
    """A check found something wrong; its text says what."""


class NotCheckedError(Exception):
    """A check was not made; its text says why."""


def outcome(name: str, work: Callable[[], str]) -> Check:
    """Make one check.

    Args:
        name: what is checked.
        work: gives what was found; an exception says what is wrong.
    """
    try:
        return Check(name, True, work())
    except NotCheckedError as why:
        return Check(name, None, str(why))
    except (FindingError, LungmonaiError) as why:
        return Check(name, False, str(why))
    # What a bundle's own parts raise is for the table, whatever it is.
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), "")
        return Check(name, False, f"{type(error).__name__}: {first}"[:_LONGEST])
