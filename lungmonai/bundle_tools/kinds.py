"""What kind of value a key takes: a switch, a whole number, a number, text, a list, keys."""

from __future__ import annotations

from typing import Any

__all__ = ["KINDS", "is_open", "kind_of", "takes"]

# In a person's words; the order matters, since True is an int to Python.
KINDS: tuple[tuple[type, str], ...] = (
    (bool, "True or False"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "keys with values"),
)
# The first characters of an expression, a reference and a macro.
_OPEN = ("$", "@", "%")


def is_open(value: Any) -> bool:
    """Whether a config's value says nothing of its kind: null, an expression, a reference, a macro."""
    return value is None or (isinstance(value, str) and value.startswith(_OPEN))


def kind_of(value: Any) -> type | None:
    """The kind of a config's value; None where any kind may stand for it."""
    if is_open(value):
        return None
    if isinstance(value, tuple):  # what the command line makes of `1,2`
        return list
    return next((kind for kind, _ in KINDS if isinstance(value, kind)), None)


def takes(kind: type | None, value: Any, *, loose_text: bool) -> bool:
    """Whether a value can stand where values of a kind are wanted.

    A whole number is a number too.

    Args:
        kind: as `kind_of` gives it.
        value: what came.
        loose_text: take a number for text, since the command line turns `12` into a number.
    """
    came = kind_of(value)
    if kind is None or came is None or came is kind:
        return True
    if kind is float:
        return came is int
    return kind is str and loose_text and came in (int, float)
